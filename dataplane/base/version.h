#pragma once

#include <string>
#include <string_view>

namespace weir::base {

/// What `--version` prints: program, version, git revision and the DPDK version it was built with.
std::string version_text(std::string_view program);
std::string_view version() noexcept;
std::string_view git_revision() noexcept;

}  // namespace weir::base
