#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/base/result.h"

namespace weir::ctl {

/// Reads decimal digits; none if `text` is anything else.
std::optional<std::uint64_t> number(std::string_view text);
/// The error (code: usage) for an option or argument `name` that should be a number.
base::Error not_a_number(std::string_view name, const std::string& text);

}  // namespace weir::ctl
