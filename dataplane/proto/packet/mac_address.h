#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

namespace weir::proto {

/// An Ethernet address in wire order.
using MacAddress = std::array<std::byte, 6>;

inline constexpr MacAddress kBroadcastMac{std::byte{0xff}, std::byte{0xff}, std::byte{0xff},
                                          std::byte{0xff}, std::byte{0xff}, std::byte{0xff}};

/// Whether it is the address of one station: not a group, not broadcast, not all zeros.
constexpr bool is_unicast(const MacAddress& mac) noexcept {
  return (mac[0] & std::byte{1}) == std::byte{0} &&
         std::any_of(mac.begin(), mac.end(), [](std::byte b) { return b != std::byte{0}; });
}

}  // namespace weir::proto
