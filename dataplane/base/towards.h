#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/base/enum_rows.h"

namespace weir::base {

/// Whom a frame that Weir made and sent is for.
enum class Towards : std::uint8_t { client, server, neighbour, sender };
inline constexpr auto kTowards = std::to_array<EnumRow<Towards>>({
    {Towards::client, "client", "answers to the subscriber"},
    {Towards::server, "server", "resets to the server"},
    {Towards::neighbour, "neighbour", "ARP, neighbour discovery and echo replies of a routed box"},
    {Towards::sender, "sender",
     "ICMP errors of a routed box, to the sender of a packet that it could not forward"},
});
static_assert(names_every_value<kTowards>(), "kTowards: one row for each Towards, in the order of the enum");

constexpr std::string_view to_string(Towards v) noexcept { return kTowards[index_of(v)].name; }

}  // namespace weir::base
