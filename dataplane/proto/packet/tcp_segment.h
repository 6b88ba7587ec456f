#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/proto/packet/packet_view.h"

namespace weir::proto {

inline constexpr std::uint8_t kTcpUrg = 0x20;

/// Whether the checksum of a packet of class tcp is right (RFC 9293, 3.1). A virtual device may deliver good
/// segments with an unfinished checksum, so a wrong one alone proves nothing. O(bytes).
bool tcp_checksum_is_right(const PacketView& packet) noexcept;

/// Whether a TCP payload is padding of its frame that somebody on the way counted into the IP length.
enum class TcpPadding : std::uint8_t {
  none,
  possible,  // it looks like padding: zeros, as few as fill up the shortest Ethernet frame
  certain,  // it lies after the end of its PPPoE payload, and the checksum is right without it and wrong with
            // it: no receiver accepts it as data
};

/// Sorts the payload of a packet of class tcp. O(bytes) where it lies after the end of its PPPoE payload,
/// else O(1).
TcpPadding tcp_padding(const PacketView& packet) noexcept;

/// Sequence number of the urgent byte of a packet of class tcp, as Linux and BSD read it: the byte before the
/// one that the urgent pointer names. None without the URG flag.
std::optional<std::uint32_t> tcp_urgent_byte(const PacketView& packet) noexcept;

/// A Timestamps option (RFC 7323, 3.2).
struct TcpTimestamps {
  std::uint32_t value = 0;
  std::uint32_t echo = 0;
  bool operator==(const TcpTimestamps&) const = default;
};
/// Bytes of that option in a header, with its alignment.
inline constexpr std::size_t kTcpTimestampBytes = 12;
/// None without the option, or when the options before it are broken.
std::optional<TcpTimestamps> tcp_timestamps(const PacketView& packet) noexcept;

/// The Maximum Segment Size option of a packet of class tcp (RFC 9293, 3.7.1). 0 without the option, or when
/// the options before it are broken.
std::uint16_t tcp_maximum_segment(const PacketView& packet) noexcept;

/// Whether a SYN adds a path to a connection that exists already (MP_JOIN, RFC 8684, 3.2). What it carries is
/// a part of that connection's data.
bool tcp_joins_connection(const PacketView& packet) noexcept;

}  // namespace weir::proto
