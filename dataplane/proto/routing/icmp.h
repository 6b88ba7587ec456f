#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/proto/packet/packet_view.h"

namespace weir::proto {

/// Why a router does not send a packet on, as it tells the sender.
enum class IcmpReason : std::uint8_t { time_exceeded, unreachable, too_big };

struct IcmpError {
  IcmpReason reason = IcmpReason::time_exceeded;
  IpAddress from;         // of the router
  std::uint16_t mtu = 0;  // too_big: that the next link has
};

/// Longest packets with an error, without their Ethernet header (RFC 1812, 4.3.2.3; RFC 4443, 2.4).
inline constexpr std::size_t kMaxIcmpErrorBytes = 576;
inline constexpr std::size_t kMaxIcmpv6ErrorBytes = 1280;

/// Writes the frame of an error about the packet in `frame` (untagged Ethernet), back to the station that it
/// came from: time exceeded, host or address unreachable, fragmentation needed or packet too big, with as
/// much of the packet as goes in (RFC 792, RFC 1191, RFC 4443). Returns its bytes; 0 when `out` is too small,
/// or nothing may be answered (RFC 1122, 3.2.2; RFC 4443, 2.4.e): an error itself, a fragment but the first,
/// no IP packet that parses, another family than `from`, an address of a group or of nobody.
std::size_t build_icmp_error(std::span<const std::byte> frame, const IcmpError& error,
                             std::span<std::byte> out) noexcept;

/// Writes the answer to the echo request in `frame`, whole and with a right checksum; 0 when it is none, or
/// `out` is too small.
std::size_t build_echo_reply(std::span<const std::byte> frame, std::span<std::byte> out) noexcept;

}  // namespace weir::proto
