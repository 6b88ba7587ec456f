#include "dataplane/base/version.h"

#include <fmt/format.h>

#include "weir_version.h"

namespace weir::base {

std::string version_text(std::string_view program) {
  return fmt::format("{} {} (git {}, DPDK {})", program, kVersion, kGitRevision, kDpdkVersion);
}

std::string_view version() noexcept { return kVersion; }
std::string_view git_revision() noexcept { return kGitRevision; }

}  // namespace weir::base
