#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/base/field_writer.h"
#include "dataplane/proto/packet/mac_address.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::proto {

/// The IP header of a packet that Weir sends from an address of its own.
struct OwnHeader {
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;
  std::uint8_t ttl = 64;
  std::size_t content_bytes = 0;
};

/// Bytes that write_own_header writes for an address of this family.
std::size_t own_header_bytes(const IpAddress& address) noexcept;
void write_link_header(base::FieldWriter& writer, const MacAddress& to, const MacAddress& from,
                       std::uint16_t type) noexcept;
/// Writes a header without options or extension headers. IPv4 has DF set, identification 0 and its checksum.
void write_own_header(base::FieldWriter& writer, const OwnHeader& header) noexcept;
/// The checksum of an ICMPv6 message with a zero checksum field (RFC 4443, 2.3). Of a message with its
/// checksum set, 0 when that is right.
std::uint16_t icmpv6_checksum(const IpAddress& source, const IpAddress& destination,
                              std::span<const std::byte> message) noexcept;

}  // namespace weir::proto
