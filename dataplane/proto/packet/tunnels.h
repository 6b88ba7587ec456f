#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/base/encapsulations.h"

namespace weir::proto {

/// What follows a tunnel's header.
enum class TunnelContent : std::uint8_t {
  none,       // it is not this tunnel, or it carries no packets
  ethernet,   // a frame
  ethertype,  // what TunnelHeader::ethertype names
  ip,         // IPv4 or IPv6, by the version field
  ipv4,
  ipv6,
  ppp,
  mpls  // a label stack
};

/// What a tunnel's header says.
struct TunnelHeader {
  TunnelContent content = TunnelContent::none;
  std::uint16_t ethertype = 0;
  std::size_t bytes = 0;
  /// False: a field, such as a key or a sequence number, has a value of its own in the other direction.
  bool same_both_ways = true;
};

/// A tunnel. Its row is all that the parser knows about it, and how the reply path steps over its header.
struct Tunnel {
  base::Encapsulation encapsulation;  // the switch that turns it off
  std::uint16_t number;               // the EtherType, IP protocol or UDP destination port
  TunnelHeader (*read)(std::span<const std::byte> bytes) noexcept;
};

/// The tunnel that the number selects; null when there is none. The row has static storage.
const Tunnel* tunnel_over_link(std::uint16_t ethertype) noexcept;
const Tunnel* tunnel_over_ip(std::uint8_t ip_protocol) noexcept;
const Tunnel* tunnel_over_udp(std::uint16_t destination_port) noexcept;

}  // namespace weir::proto
