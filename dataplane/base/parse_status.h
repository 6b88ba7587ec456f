#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/base/enum_rows.h"

namespace weir::base {

/// The result of parsing a payload that may hold a request.
enum class ParseStatus : std::uint8_t { found, need_more, absent, malformed };
inline constexpr auto kParseStatuses = std::to_array<EnumRow<ParseStatus>>({
    {ParseStatus::found, "found", "complete"},
    {ParseStatus::need_more, "need_more", "valid so far, but not complete"},
    {ParseStatus::absent, "absent", "not this protocol"},
    {ParseStatus::malformed, "malformed", "this protocol, but broken"},
});
static_assert(names_every_value<kParseStatuses>(),
              "kParseStatuses: one row for each ParseStatus, in the order of the enum");

constexpr std::string_view to_string(ParseStatus v) noexcept { return kParseStatuses[index_of(v)].name; }

}  // namespace weir::base
