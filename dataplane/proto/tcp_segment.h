#pragma once

#include <cstdint>
#include <optional>

#include "proto/packet_view.h"

namespace weir::proto {

inline constexpr std::uint8_t kTcpUrg = 0x20;

/// Whether the checksum of a packet of class tcp is right (RFC 9293, 3.1). A virtual device may deliver
/// segments of good senders with an unfinished one, so a wrong checksum alone says nothing. O(bytes).
bool tcp_checksum_is_right(const PacketView& packet) noexcept;

/// Sequence number of the byte that the urgent pointer of a packet of class tcp makes urgent, as Linux and
/// BSD have it: the one before the one that the pointer names. None without the URG flag.
std::optional<std::uint32_t> tcp_urgent_byte(const PacketView& packet) noexcept;

}  // namespace weir::proto
