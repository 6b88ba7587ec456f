// IPv4, IPv6, TCP and UDP: the part of HeaderWalk that every packet takes.
#include <algorithm>

#include "dataplane/base/byte_reader.h"
#include "dataplane/proto/packet/header_walk.h"
#include "dataplane/proto/packet/numbers.h"

namespace weir::proto {
namespace {

using base::ByteReader;

constexpr std::uint8_t kJumboOption = 0xc2;  // RFC 2675, 2

IpAddress read_address(ByteReader& reader, bool is_v6) noexcept {
  IpAddress address;
  address.is_v6 = is_v6;
  const auto bytes = reader.bytes(is_v6 ? 16 : 4);
  std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
  return address;
}

// A packet with a Jumbo Payload option does not fit a frame of less than 64 KiB: the option is wrong, and
// receivers drop the packet.
bool has_jumbo_option(std::span<const std::byte> options) noexcept {
  ByteReader reader(options);
  while (reader.remaining() > 0) {
    const std::uint8_t type = reader.u8();
    if (type == 0) continue;  // Pad1
    if (type == kJumboOption) return true;
    reader.skip(reader.u8());
  }
  return false;
}

}  // namespace

PacketClass HeaderWalk::read_ip(std::span<const std::byte> packet) noexcept {
  const bool is_v6 = !packet.empty() && (packet.front() >> 4) == std::byte{6};
  return is_v6 ? read_ipv6(packet) : read_ipv4(packet);
}

// `content` is the payload of the IP packet; it lies inside view_.frame.
void HeaderWalk::set_content(std::span<const std::byte> content) noexcept {
  view_.transport_offset = static_cast<std::uint32_t>(content.data() - view_.frame.data());
  view_.payload = content;
}

PacketClass HeaderWalk::read_fragment(std::span<const std::byte> content) noexcept {
  set_content(content);
  return PacketClass::fragment;
}

PacketClass HeaderWalk::read_tcp(std::span<const std::byte> content) noexcept {
  ByteReader reader(content);
  view_.source_port = reader.u16();
  view_.destination_port = reader.u16();
  view_.tcp.sequence = reader.u32();
  view_.tcp.acknowledgement = reader.u32();
  const std::size_t header_bytes = (reader.u8() >> 4) * std::size_t{4};
  view_.tcp.flags = reader.u8();
  view_.tcp.window = reader.u16();
  reader.skip(4);
  if (!reader.ok() || header_bytes < kTcpHeaderBytes || header_bytes > content.size()) {
    return PacketClass::malformed;
  }
  view_.payload = content.subspan(header_bytes);
  return PacketClass::tcp;
}

// A length of zero means "to the end" (RFC 2675, 4; Linux too). Linux drops a datagram with a length beyond
// the content, but not every receiver does: so the content is inspected.
PacketClass HeaderWalk::read_udp(std::span<const std::byte> content) noexcept {
  ByteReader reader(content);
  view_.source_port = reader.u16();
  view_.destination_port = reader.u16();
  const std::size_t length_bytes = reader.u16();
  reader.skip(2);
  if (!reader.ok() || (length_bytes != 0 && length_bytes < kUdpHeaderBytes)) return PacketClass::malformed;
  const std::size_t end = length_bytes == 0 ? content.size() : std::min(length_bytes, content.size());
  view_.payload = content.subspan(kUdpHeaderBytes, end - kUdpHeaderBytes);
  return read_inside_udp(view_.payload);
}

PacketClass HeaderWalk::read_transport(std::span<const std::byte> content) noexcept {
  set_content(content);
  if (view_.ip_protocol == ip_protocol::kTcp) return read_tcp(content);
  if (view_.ip_protocol == ip_protocol::kUdp) return read_udp(content);
  return read_inside_ip(content);
}

PacketClass HeaderWalk::read_ipv4(std::span<const std::byte> packet) noexcept {
  ByteReader reader(packet);
  view_.ip_offset = static_cast<std::uint32_t>(packet.data() - view_.frame.data());
  const std::uint8_t version_and_words = reader.u8();
  const std::size_t header_bytes = (version_and_words & 0x0f) * std::size_t{4};
  reader.skip(1);
  std::size_t total_bytes = reader.u16();
  const std::uint16_t identification = reader.u16();
  const std::uint16_t fragmentation = reader.u16();
  reader.skip(1);
  view_.ip_protocol = reader.u8();
  reader.skip(2);
  view_.source = read_address(reader, false);
  view_.destination = read_address(reader, false);
  if (!reader.ok() || version_and_words >> 4 != 4) return PacketClass::malformed;
  // A segment that offloads merged to more than 64 KiB has length 0 (Linux "BIG TCP").
  if (total_bytes == 0) total_bytes = packet.size();
  // Receivers drop a packet that is shorter than its length.
  if (header_bytes < kIpv4HeaderBytes || total_bytes < header_bytes || total_bytes > packet.size()) {
    return PacketClass::malformed;
  }
  const auto content = packet.subspan(header_bytes, total_bytes - header_bytes);
  if ((fragmentation & 0x3fff) != 0) {  // MF or an offset
    view_.fragment = {.identification = identification,
                      .offset = static_cast<std::uint16_t>((fragmentation & 0x1fff) * 8),
                      .more = (fragmentation & 0x2000) != 0};
    return read_fragment(content);
  }
  return read_transport(content);
}

// Walks the extension headers. Each takes at least eight bytes, so the packet bounds the chain. Repeated ones
// are accepted, as Linux accepts them.
PacketClass HeaderWalk::read_ipv6_chain(std::span<const std::byte> content) noexcept {
  ByteReader reader(content);
  for (;;) {
    const std::uint8_t header = view_.ip_protocol;
    if (header == ip_protocol::kFragment) {
      view_.ip_protocol = reader.u8();
      reader.skip(1);
      const std::uint16_t offset_and_more = reader.u16();
      const std::uint32_t identification = reader.u32();
      // An atomic fragment is a whole packet (RFC 6946).
      if (reader.ok() && (offset_and_more & 0xfff9) != 0) {
        view_.fragment = {.identification = identification,
                          .offset = static_cast<std::uint16_t>(offset_and_more & 0xfff8),
                          .more = (offset_and_more & 1U) != 0};
        return read_fragment(reader.rest());
      }
    } else if (header == ip_protocol::kHopByHop || header == ip_protocol::kRouting ||
               header == ip_protocol::kDestinationOptions || header == ip_protocol::kAuthentication) {
      view_.ip_protocol = reader.u8();
      const std::size_t length = reader.u8();
      const auto body =
          reader.bytes(header == ip_protocol::kAuthentication ? length * 4 + 6 : length * 8 + 6);
      if (header == ip_protocol::kHopByHop && has_jumbo_option(body)) return PacketClass::malformed;
    } else {
      return read_transport(reader.rest());
    }
    if (!reader.ok()) return PacketClass::malformed;
  }
}

PacketClass HeaderWalk::read_ipv6(std::span<const std::byte> packet) noexcept {
  ByteReader reader(packet);
  view_.ip_offset = static_cast<std::uint32_t>(packet.data() - view_.frame.data());
  const std::uint32_t first = reader.u32();
  const std::size_t payload_bytes = reader.u16();
  view_.ip_protocol = reader.u8();
  reader.skip(1);
  view_.source = read_address(reader, true);
  view_.destination = read_address(reader, true);
  if (!reader.ok() || first >> 28 != 6 || payload_bytes > reader.remaining()) return PacketClass::malformed;
  // Linux reads a length of zero before a hop-by-hop header as "to the end", with or without a jumbo option.
  if (payload_bytes == 0 && view_.ip_protocol == ip_protocol::kHopByHop)
    return read_ipv6_chain(reader.rest());
  return read_ipv6_chain(reader.bytes(payload_bytes));
}

}  // namespace weir::proto
