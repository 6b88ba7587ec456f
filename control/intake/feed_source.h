#pragma once

#include <string>
#include <string_view>

#include "config/settings.h"

namespace weir::control {

/// Whether a feed's URL names a file of this machine (`file:///path`).
bool is_file(std::string_view url) noexcept;

/// The path of a URL for which is_file() holds, percent-decoded once (RFC 8089).
std::string file_of(std::string_view url);

/// Where a feed comes from, fit for messages: a file's path, or the URL without user info and query.
std::string describe_source(const config::ListSettings& list);

}  // namespace weir::control
