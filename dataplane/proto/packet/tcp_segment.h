#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/proto/packet/packet_view.h"

namespace weir::proto {

inline constexpr std::uint8_t kTcpUrg = 0x20;

/// Whether the checksum of a packet of class tcp is right (RFC 9293, 3.1). A virtual device may deliver
/// segments of good senders with an unfinished one, so a wrong checksum alone says nothing. O(bytes).
bool tcp_checksum_is_right(const PacketView& packet) noexcept;

/// What all of a TCP payload is worth where it lies behind the end of its PPPoE payload.
enum class TcpPadding : std::uint8_t {
  none,      // it does not lie there, or may be data
  possible,  // no more and nothing else than what Ethernet fills up with; the checksum takes it for data
  certain,   // the checksum is right without it and wrong with it: no receiver takes it
};

/// Whether what a packet of class tcp carries is padding of an Ethernet frame, which a PPPoE concentrator
/// counted into the IP length. O(bytes), and that only where the lengths differ.
TcpPadding tcp_padding(const PacketView& packet) noexcept;

/// Sequence number of the byte that the urgent pointer of a packet of class tcp makes urgent, as Linux and
/// BSD have it: the one before the one that the pointer names. None without the URG flag.
std::optional<std::uint32_t> tcp_urgent_byte(const PacketView& packet) noexcept;

/// What a Timestamps option says (RFC 7323, 3.2).
struct TcpTimestamps {
  std::uint32_t value = 0;
  std::uint32_t echo = 0;
  bool operator==(const TcpTimestamps&) const = default;
};
/// Bytes of that option in a header, aligned.
inline constexpr std::size_t kTcpTimestampBytes = 12;
/// None without the option, or with options that are broken before it.
std::optional<TcpTimestamps> tcp_timestamps(const PacketView& packet) noexcept;

/// The largest segment that the sender of a packet of class tcp asks for (RFC 9293, 3.7.1): its Maximum
/// Segment Size option. 0: none, or options that are broken before it.
std::uint16_t tcp_maximum_segment(const PacketView& packet) noexcept;

}  // namespace weir::proto
