#include "proto/packet_view.h"

#include <algorithm>

#include "base/byte_reader.h"

namespace weir::proto {
namespace {

using base::ByteReader;

constexpr std::uint16_t kTypeIpv4 = 0x0800;
constexpr std::uint16_t kTypeIpv6 = 0x86dd;
constexpr std::uint16_t kTypeVlan = 0x8100;         // IEEE 802.1Q
constexpr std::uint16_t kTypeServiceVlan = 0x88a8;  // IEEE 802.1ad
constexpr std::uint16_t kTypeOldServiceVlan = 0x9100;

constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kFragment = 44;
constexpr std::uint8_t kAuthentication = 51;
constexpr std::uint8_t kDestinationOptions = 60;

constexpr std::uint8_t kJumboOption = 0xc2;  // RFC 2675, 2

constexpr std::size_t kTcpHeaderBytes = 20;
constexpr std::size_t kUdpHeaderBytes = 8;

enum class Network : std::uint8_t { none, ipv4, ipv6, by_version, cut_short };

bool is_vlan(std::uint16_t ethertype) noexcept {
  return ethertype == kTypeVlan || ethertype == kTypeServiceVlan || ethertype == kTypeOldServiceVlan;
}

// Each tag takes four bytes of the frame, so the frame bounds the stack. A value below 0x600 is the length of
// an 802.3 frame (STP, IS-IS, ...) and like every unknown type no IP.
Network after_tags(ByteReader& reader, std::uint16_t ethertype) noexcept {
  while (reader.ok() && is_vlan(ethertype)) {
    reader.skip(2);
    ethertype = reader.u16();
  }
  if (!reader.ok()) return Network::cut_short;
  return ethertype == kTypeIpv4 ? Network::ipv4 : ethertype == kTypeIpv6 ? Network::ipv6 : Network::none;
}

// BSD loopback: an address family in the byte order of the machine that captured, AF_INET6 by system.
Network loopback_family(std::uint32_t value) noexcept {
  const std::uint32_t family = value > 0xffff ? value >> 24 : value;
  constexpr std::array<std::uint32_t, 5> kFamilies{2, 10, 24, 28, 30};
  const bool known = std::find(kFamilies.begin(), kFamilies.end(), family) != kFamilies.end();
  return known && (value & 0x00ffff00) == 0 ? Network::by_version : Network::none;
}

Network read_link(ByteReader& reader, LinkType link) noexcept {
  switch (link) {
    case LinkType::ethernet:
      reader.skip(12);
      return after_tags(reader, reader.u16());
    case LinkType::linux_sll:
      reader.skip(14);
      return after_tags(reader, reader.u16());
    case LinkType::linux_sll2: {
      const std::uint16_t ethertype = reader.u16();
      reader.skip(18);
      return after_tags(reader, ethertype);
    }
    case LinkType::loopback: {
      const Network network = loopback_family(reader.u32());
      return reader.ok() ? network : Network::cut_short;
    }
    case LinkType::raw_ip:
      return Network::by_version;
  }
  return Network::none;
}

IpAddress read_address(ByteReader& reader, bool is_v6) noexcept {
  IpAddress address;
  address.is_v6 = is_v6;
  const auto bytes = reader.bytes(is_v6 ? 16 : 4);
  std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
  return address;
}

// `content` is what the IP header calls its payload; it lies inside view.frame.
void set_content(PacketView& view, std::span<const std::byte> content) noexcept {
  view.transport_offset = static_cast<std::uint32_t>(content.data() - view.frame.data());
  view.payload = content;
}

PacketClass read_tcp(PacketView& view, std::span<const std::byte> content) noexcept {
  ByteReader reader(content);
  view.source_port = reader.u16();
  view.destination_port = reader.u16();
  view.tcp.sequence = reader.u32();
  view.tcp.acknowledgement = reader.u32();
  const std::size_t header_bytes = (reader.u8() >> 4) * std::size_t{4};
  view.tcp.flags = reader.u8();
  view.tcp.window = reader.u16();
  reader.skip(4);
  if (!reader.ok() || header_bytes < kTcpHeaderBytes || header_bytes > content.size()) {
    return PacketClass::malformed;
  }
  view.payload = content.subspan(header_bytes);
  return PacketClass::tcp;
}

// A length of zero means "to the end" (RFC 2675, 4; Linux takes it so). One that is longer than the content
// is dropped by Linux but not by every receiver: what is there gets inspected.
PacketClass read_udp(PacketView& view, std::span<const std::byte> content) noexcept {
  ByteReader reader(content);
  view.source_port = reader.u16();
  view.destination_port = reader.u16();
  const std::size_t length_bytes = reader.u16();
  reader.skip(2);
  if (!reader.ok() || (length_bytes != 0 && length_bytes < kUdpHeaderBytes)) return PacketClass::malformed;
  const std::size_t end = length_bytes == 0 ? content.size() : std::min(length_bytes, content.size());
  view.payload = content.subspan(kUdpHeaderBytes, end - kUdpHeaderBytes);
  return PacketClass::udp;
}

PacketClass read_transport(PacketView& view, std::span<const std::byte> content) noexcept {
  set_content(view, content);
  if (view.ip_protocol == kTcp) return read_tcp(view, content);
  if (view.ip_protocol == kUdp) return read_udp(view, content);
  return PacketClass::other;
}

PacketClass read_ipv4(PacketView& view, std::span<const std::byte> packet) noexcept {
  ByteReader reader(packet);
  const std::uint8_t version_and_words = reader.u8();
  const std::size_t header_bytes = (version_and_words & 0x0f) * std::size_t{4};
  reader.skip(1);
  std::size_t total_bytes = reader.u16();
  reader.skip(2);
  const std::uint16_t fragmentation = reader.u16();
  reader.skip(1);
  view.ip_protocol = reader.u8();
  reader.skip(2);
  view.source = read_address(reader, false);
  view.destination = read_address(reader, false);
  if (!reader.ok() || version_and_words >> 4 != 4) return PacketClass::malformed;
  // A segment merged by offloads to more than 64 KiB has no length (Linux "BIG TCP"): the frame's is taken.
  if (total_bytes == 0) total_bytes = packet.size();
  // A receiver drops a packet that is shorter than it says.
  if (header_bytes < 20 || total_bytes < header_bytes || total_bytes > packet.size()) {
    return PacketClass::malformed;
  }
  const auto content = packet.subspan(header_bytes, total_bytes - header_bytes);
  if ((fragmentation & 0x3fff) != 0) {  // MF or an offset
    set_content(view, content);
    return PacketClass::fragment;
  }
  return read_transport(view, content);
}

// A hop-by-hop header with a Jumbo Payload option: its packet does not fit a frame of less than 64 KiB, so
// the option is a lie and receivers drop it.
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

// Walks the extension headers. Each takes eight bytes at least, so the packet bounds the chain; repeated ones
// are taken, as Linux takes them.
PacketClass read_ipv6_chain(PacketView& view, std::span<const std::byte> content) noexcept {
  ByteReader reader(content);
  for (;;) {
    const std::uint8_t header = view.ip_protocol;
    if (header == kFragment) {
      view.ip_protocol = reader.u8();
      reader.skip(1);
      const std::uint16_t offset_and_more = reader.u16();
      reader.skip(4);
      // An atomic fragment is a whole packet (RFC 6946).
      if (reader.ok() && (offset_and_more & 0xfff9) != 0) {
        set_content(view, reader.rest());
        return PacketClass::fragment;
      }
    } else if (header == kHopByHop || header == kRouting || header == kDestinationOptions ||
               header == kAuthentication) {
      view.ip_protocol = reader.u8();
      const std::size_t length = reader.u8();
      const auto body = reader.bytes(header == kAuthentication ? length * 4 + 6 : length * 8 + 6);
      if (header == kHopByHop && has_jumbo_option(body)) return PacketClass::malformed;
    } else {
      return read_transport(view, reader.rest());
    }
    if (!reader.ok()) return PacketClass::malformed;
  }
}

PacketClass read_ipv6(PacketView& view, std::span<const std::byte> packet) noexcept {
  ByteReader reader(packet);
  const std::uint32_t first = reader.u32();
  const std::size_t payload_bytes = reader.u16();
  view.ip_protocol = reader.u8();
  reader.skip(1);
  view.source = read_address(reader, true);
  view.destination = read_address(reader, true);
  if (!reader.ok() || first >> 28 != 6 || payload_bytes > reader.remaining()) return PacketClass::malformed;
  // Linux takes a length of zero before a hop-by-hop header for "to the end", jumbo option or not.
  if (payload_bytes == 0 && view.ip_protocol == kHopByHop) return read_ipv6_chain(view, reader.rest());
  return read_ipv6_chain(view, reader.bytes(payload_bytes));
}

}  // namespace

PacketView parse_packet(std::span<const std::byte> frame, LinkType link) noexcept {
  PacketView view;
  view.frame = frame;
  view.link = link;
  ByteReader reader(frame);
  Network network = read_link(reader, link);
  if (network == Network::none || network == Network::cut_short) {
    view.packet_class = network == Network::none ? PacketClass::not_ip : PacketClass::malformed;
    return view;
  }
  view.ip_offset = static_cast<std::uint32_t>(reader.position());
  const auto packet = reader.rest();
  if (network == Network::by_version) {
    const auto version = packet.empty() ? std::byte{0} : packet.front() >> 4;
    network = version == std::byte{6} ? Network::ipv6 : Network::ipv4;
  }
  view.packet_class = network == Network::ipv6 ? read_ipv6(view, packet) : read_ipv4(view, packet);
  if (view.packet_class == PacketClass::malformed) view.payload = {};
  return view;
}

}  // namespace weir::proto
