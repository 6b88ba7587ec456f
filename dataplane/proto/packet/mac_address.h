#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

namespace weir::proto {

/// An Ethernet address in the order of the wire.
using MacAddress = std::array<std::byte, 6>;

inline constexpr MacAddress kBroadcastMac{std::byte{0xff}, std::byte{0xff}, std::byte{0xff},
                                          std::byte{0xff}, std::byte{0xff}, std::byte{0xff}};

/// Whether it belongs to one station: neither a group nor the broadcast address, nor all zero.
constexpr bool is_unicast(const MacAddress& mac) noexcept {
  return (mac[0] & std::byte{1}) == std::byte{0} &&
         std::any_of(mac.begin(), mac.end(), [](std::byte b) { return b != std::byte{0}; });
}

}  // namespace weir::proto
