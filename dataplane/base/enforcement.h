#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/base/enum_rows.h"

namespace weir::base {

/// What is done about listed requests.
enum class Enforcement : std::uint8_t { enforce, monitor, bypass };
inline constexpr auto kEnforcements = std::to_array<EnumRow<Enforcement>>({
    {Enforcement::enforce, "enforce", "listed requests are dropped and answered"},
    {Enforcement::monitor, "monitor", "listed requests are counted, and no packet is touched"},
    {Enforcement::bypass, "bypass", "every packet is forwarded uninspected"},
});
static_assert(names_every_value<kEnforcements>(),
              "kEnforcements: one row for each Enforcement, in the order of the enum");

constexpr std::string_view to_string(Enforcement v) noexcept { return kEnforcements[index_of(v)].name; }

}  // namespace weir::base
