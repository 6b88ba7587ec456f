#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/proto/packet/mac_address.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::proto {

/// Whether a router may forward a packet (RFC 1812, 5.2 and 5.3; RFC 8200, 3).
enum class ForwardStatus : std::uint8_t {
  routable,
  expired,    // its TTL or hop limit ends here
  on_link,    // an address is valid on one link only: multicast, loopback, unspecified, link-local
  unroutable  // no IP, or a header that no router accepts
};

/// The outermost IP header as a router sees it. The other fields are valid unless `status` is unroutable.
struct ForwardView {
  ForwardStatus status = ForwardStatus::unroutable;
  IpAddress source;
  IpAddress destination;
  std::size_t packet_bytes = 0;  // of the IP packet with its headers
};

/// Reads the IP header of an untagged Ethernet frame and checks its version, its lengths and the checksum of
/// IPv4. Tagged frames, IPv4 without a length (merged by offloads) and jumbograms are unroutable. O(header
/// bytes).
ForwardView read_forward_view(std::span<const std::byte> frame) noexcept;

/// Whether it can be the address of one host: not multicast, not loopback, not unspecified.
bool names_a_host(const IpAddress& address) noexcept;

/// Rewrites the frame for the next hop: sets the Ethernet addresses, lowers the TTL or hop limit by one, and
/// updates the checksum of IPv4 (RFC 1624). Returns false and writes nothing when the frame is too short or
/// the TTL has expired, which read_forward_view reports.
[[nodiscard]] bool rewrite_for_next_hop(std::span<std::byte> frame, const MacAddress& from,
                                        const MacAddress& to) noexcept;

/// Sets the Ethernet addresses; does nothing to a frame that is too short for them.
void set_link_addresses(std::span<std::byte> frame, const MacAddress& from, const MacAddress& to) noexcept;

/// The destination address of a frame; zeros when it is too short.
MacAddress link_destination(std::span<const std::byte> frame) noexcept;

}  // namespace weir::proto
