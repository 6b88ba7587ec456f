#include "dataplane/proto/reply/own_packet.h"

#include <array>

#include "dataplane/proto/packet/internet_checksum.h"
#include "dataplane/proto/packet/numbers.h"

namespace weir::proto {

std::size_t own_header_bytes(const IpAddress& address) noexcept {
  return address.is_v6 ? kIpv6HeaderBytes : kIpv4HeaderBytes;
}

void write_link_header(base::FieldWriter& writer, const MacAddress& to, const MacAddress& from,
                       std::uint16_t type) noexcept {
  writer.bytes(to);
  writer.bytes(from);
  writer.u16(type);
}

void write_own_header(base::FieldWriter& writer, const OwnHeader& header) noexcept {
  if (header.source.is_v6) {
    writer.u32(0x60000000);
    writer.u16(static_cast<std::uint32_t>(header.content_bytes));
    writer.u8(header.protocol);
    writer.u8(header.ttl);
    writer.bytes(header.source.span());
    writer.bytes(header.destination.span());
    return;
  }
  const auto begin = writer.rest().first(kIpv4HeaderBytes);
  writer.u16(0x4500);
  writer.u16(static_cast<std::uint32_t>(kIpv4HeaderBytes + header.content_bytes));
  writer.u16(0);
  writer.u16(0x4000);  // DF
  writer.u8(header.ttl);
  writer.u8(header.protocol);
  writer.u16(0);
  writer.bytes(header.source.span());
  writer.bytes(header.destination.span());
  base::FieldWriter(begin.subspan(10)).u16(checksum_finish(checksum_add(begin, 0)));
}

std::uint16_t icmpv6_checksum(const IpAddress& source, const IpAddress& destination,
                              std::span<const std::byte> message) noexcept {
  std::uint32_t sum = checksum_add(source.span(), 0);
  sum = checksum_add(destination.span(), sum);
  std::array<std::byte, 8> rest{};
  base::FieldWriter writer(rest);
  writer.u32(static_cast<std::uint32_t>(message.size()));
  writer.u32(ip_protocol::kIcmpV6);
  return checksum_finish(checksum_add(message, checksum_add(rest, sum)));
}

}  // namespace weir::proto
