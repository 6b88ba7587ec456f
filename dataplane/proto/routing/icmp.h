#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/proto/packet/packet_view.h"

namespace weir::proto {

/// Why a router does not forward a packet, as it tells the sender.
enum class IcmpReason : std::uint8_t { time_exceeded, unreachable, too_big };

struct IcmpError {
  IcmpReason reason = IcmpReason::time_exceeded;
  IpAddress from;         // of the router
  std::uint16_t mtu = 0;  // too_big: the MTU of the next link
};

/// Longest packets with an error, without Ethernet header (RFC 1812, 4.3.2.3; RFC 4443, 2.4).
inline constexpr std::size_t kMaxIcmpErrorBytes = 576;
inline constexpr std::size_t kMaxIcmpv6ErrorBytes = 1280;

/// Writes an ICMP error about the packet in `frame` (untagged Ethernet), back to the station that sent the
/// frame: time exceeded, host or address unreachable, fragmentation needed or packet too big, with as much of
/// the packet as fits (RFC 792, RFC 1191, RFC 4443). Returns the bytes written; 0 when `out` is too small or
/// no error may be sent (RFC 1122, 3.2.2; RFC 4443, 2.4.e): about an error, a fragment other than the first,
/// a packet that does not parse or is not of the family of `from`, or one with a multicast or unspecified
/// address.
std::size_t build_icmp_error(std::span<const std::byte> frame, const IcmpError& error,
                             std::span<std::byte> out) noexcept;

/// Writes the answer to the echo request in `frame`. Returns the bytes written; 0 when `frame` holds no echo
/// request, its checksum is wrong, or `out` is too small.
std::size_t build_echo_reply(std::span<const std::byte> frame, std::span<std::byte> out) noexcept;

}  // namespace weir::proto
