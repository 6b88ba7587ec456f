#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/proto/packet/mac_address.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::proto {

/// Whether a router may send a packet on (RFC 1812, 5.2 and 5.3; RFC 8200, 3).
enum class ForwardStatus : std::uint8_t {
  routable,
  expired,    // this hop is its last
  on_link,    // one of its addresses means nothing beyond a link: a group, loopback, unspecified, link-local
  unroutable  // no IP, or a header that no router takes
};

/// The outermost IP header as a router sees it. Fields other than `status` hold where it is not unroutable.
struct ForwardView {
  ForwardStatus status = ForwardStatus::unroutable;
  IpAddress source;
  IpAddress destination;
  std::size_t packet_bytes = 0;  // of the IP packet, headers counted
};

/// Reads the IP header of an untagged Ethernet frame: version, lengths that fit the frame, the checksum of
/// IPv4; tags, IPv4 without a length (merged by offloads) and jumbograms are not routed. O(header bytes).
ForwardView read_forward_view(std::span<const std::byte> frame) noexcept;

/// Whether it can be the address of one host: not a group, not loopback, not unspecified.
bool names_a_host(const IpAddress& address) noexcept;

/// Sends the packet over one hop: the Ethernet addresses are written, TTL or hop limit goes down by one, and
/// the checksum of IPv4 follows (RFC 1624). False, and nothing is written, where the frame is too short for
/// that or the packet at its last hop: read_forward_view said so.
[[nodiscard]] bool rewrite_for_next_hop(std::span<std::byte> frame, const MacAddress& from,
                                        const MacAddress& to) noexcept;

/// Writes the Ethernet addresses of a frame of 14 bytes at least; of a shorter one nothing.
void set_link_addresses(std::span<std::byte> frame, const MacAddress& from, const MacAddress& to) noexcept;

/// Where a frame of 14 bytes at least goes; zeros for a shorter one.
MacAddress link_destination(std::span<const std::byte> frame) noexcept;

}  // namespace weir::proto
