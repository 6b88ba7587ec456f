#pragma once

#include <string>
#include <string_view>

namespace weir::base {

/// The text of `--version`: program, version, git revision, and the DPDK version of the build.
std::string version_text(std::string_view program);
std::string_view version() noexcept;
std::string_view git_revision() noexcept;

}  // namespace weir::base
