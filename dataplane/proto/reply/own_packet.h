#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/base/field_writer.h"
#include "dataplane/proto/packet/mac_address.h"
#include "dataplane/proto/packet/numbers.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::proto {

inline constexpr std::size_t kLinkHeaderBytes = 14;
inline constexpr std::uint16_t kEthertypeIpv4 = 0x0800;
inline constexpr std::uint16_t kEthertypeArp = 0x0806;
inline constexpr std::uint16_t kEthertypeIpv6 = 0x86dd;
inline constexpr std::uint8_t kProtocolIcmp = 1;
inline constexpr std::uint8_t kProtocolIcmpv6 = 58;

/// The IP header of a packet that a hop sends in its own name.
struct OwnHeader {
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;
  std::uint8_t ttl = 64;
  std::size_t content_bytes = 0;
};

/// Bytes of the header that write_own_header writes.
std::size_t own_header_bytes(const IpAddress& address) noexcept;
void write_link_header(base::FieldWriter& writer, const MacAddress& to, const MacAddress& from,
                       std::uint16_t type) noexcept;
/// Without options and extension headers; IPv4 with DF, identification 0 and its checksum.
void write_own_header(base::FieldWriter& writer, const OwnHeader& header) noexcept;
/// The checksum over an ICMPv6 message whose own checksum field is zero (RFC 4443, 2.3); over one that is
/// complete it is 0 when that is right.
std::uint16_t icmpv6_checksum(const IpAddress& source, const IpAddress& destination,
                              std::span<const std::byte> message) noexcept;

}  // namespace weir::proto
