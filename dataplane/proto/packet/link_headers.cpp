// From the frame's first byte to its IP header: the half of HeaderWalk that knows links.
#include <algorithm>
#include <array>

#include "dataplane/base/byte_reader.h"
#include "dataplane/proto/packet/header_walk.h"

namespace weir::proto {
namespace {

using base::ByteReader;

constexpr std::uint16_t kTypeIpv4 = 0x0800;
constexpr std::uint16_t kTypeTransparentEthernet = 0x6558;  // behind GRE and Geneve
constexpr std::uint16_t kTypeVlan = 0x8100;                 // IEEE 802.1Q
constexpr std::uint16_t kTypeIpv6 = 0x86dd;
constexpr std::uint16_t kTypeMpls = 0x8847;
constexpr std::uint16_t kTypeMplsMulticast = 0x8848;  // or an upstream label (RFC 5332)
constexpr std::uint16_t kTypePppoeSession = 0x8864;
constexpr std::uint16_t kTypeServiceVlan = 0x88a8;  // IEEE 802.1ad
constexpr std::uint16_t kTypeOldServiceVlan = 0x9100;

constexpr std::uint16_t kPppIpv4 = 0x0021;
constexpr std::uint16_t kPppIpv6 = 0x0057;
constexpr std::uint16_t kPppMpls = 0x0281;

bool is_vlan(std::uint16_t ethertype) noexcept {
  return ethertype == kTypeVlan || ethertype == kTypeServiceVlan || ethertype == kTypeOldServiceVlan;
}

// RFC 1071 over an IPv4 header. Routers verify it, so what is under labels has a right one.
bool has_right_checksum(std::span<const std::byte> packet) noexcept {
  ByteReader reader(packet);
  std::uint32_t sum = 0;
  for (std::size_t words = std::to_integer<std::size_t>(packet.front() & std::byte{0x0f}); words > 0;
       --words) {
    sum += reader.u16();
    sum += reader.u16();
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return reader.ok() && sum == 0xffff;
}

std::size_t version_of(std::span<const std::byte> packet) noexcept {
  return packet.empty() ? 0 : std::to_integer<std::size_t>(packet.front() >> 4);
}

}  // namespace

PacketClass HeaderWalk::look_inside(Reader reader, std::span<const std::byte> bytes, bool tunnel,
                                    PacketClass outer) noexcept {
  if (budget_ == 0) return outer;
  --budget_;
  const PacketView before = view_;
  if (tunnel) view_.tunnels = static_cast<std::uint8_t>(view_.tunnels + 1);
  view_.source_port = view_.destination_port = 0;
  const PacketClass inner = (this->*reader)(bytes);
  if (inner != PacketClass::malformed && inner != PacketClass::not_ip) return inner;
  view_ = before;
  return outer;
}

PacketClass HeaderWalk::read_link(std::span<const std::byte> bytes) noexcept {
  ByteReader reader(bytes);
  switch (view_.link) {
    case LinkType::ethernet:
      return read_ethernet(bytes);
    case LinkType::linux_sll: {
      reader.skip(14);
      const std::uint16_t type = reader.u16();
      return reader.ok() ? read_ethertype(type, reader.rest()) : PacketClass::malformed;
    }
    case LinkType::linux_sll2: {
      const std::uint16_t type = reader.u16();
      reader.skip(18);
      return reader.ok() ? read_ethertype(type, reader.rest()) : PacketClass::malformed;
    }
    case LinkType::loopback:
      return read_loopback(bytes);
    case LinkType::raw_ip:
      return read_ip(bytes);
    case LinkType::ppp:
      return read_ppp(bytes);
  }
  return PacketClass::not_ip;
}

PacketClass HeaderWalk::read_ethernet(std::span<const std::byte> bytes) noexcept {
  ByteReader reader(bytes);
  reader.skip(12);
  const std::uint16_t type = reader.u16();
  return reader.ok() ? read_ethertype(type, reader.rest()) : PacketClass::malformed;
}

// Each tag takes four bytes of the frame, so the frame bounds the stack. A value below 0x600 is the length of
// an 802.3 frame (STP, IS-IS, ...) and like every unknown type no IP.
PacketClass HeaderWalk::read_ethertype(std::uint16_t type, std::span<const std::byte> bytes) noexcept {
  if (is_vlan(type) && wanted_.vlan) {
    ByteReader reader(bytes);
    do {
      reader.skip(2);
      type = reader.u16();
    } while (reader.ok() && is_vlan(type));
    if (!reader.ok()) return PacketClass::malformed;
    bytes = reader.rest();
  }
  switch (type) {
    case kTypeIpv4:
      return read_ipv4(bytes);
    case kTypeIpv6:
      return read_ipv6(bytes);
    case kTypePppoeSession:
      if (!wanted_.pppoe) return PacketClass::not_ip;
      return look_inside(&HeaderWalk::read_pppoe, bytes, false, PacketClass::not_ip);
    case kTypeMpls:
    case kTypeMplsMulticast:
      if (!wanted_.mpls) return PacketClass::not_ip;
      return look_inside(&HeaderWalk::read_mpls, bytes, true, PacketClass::not_ip);
    case kTypeTransparentEthernet:  // on a link of its own it is nothing
      return view_.tunnels == 0 ? PacketClass::not_ip : read_ethernet(bytes);
    default:
      return PacketClass::not_ip;
  }
}

// BSD loopback: an address family in the byte order of the machine that captured, AF_INET6 by system.
PacketClass HeaderWalk::read_loopback(std::span<const std::byte> bytes) noexcept {
  ByteReader reader(bytes);
  const std::uint32_t value = reader.u32();
  if (!reader.ok()) return PacketClass::malformed;
  const std::uint32_t family = value > 0xffff ? value >> 24 : value;
  constexpr std::array<std::uint32_t, 5> kCounters{2, 10, 24, 28, 30};
  const bool known = std::find(kCounters.begin(), kCounters.end(), family) != kCounters.end();
  return known && (value & 0x00ffff00) == 0 ? read_ip(reader.rest()) : PacketClass::not_ip;
}

// RFC 2516, 4. The length is left alone: the IP header inside says where the packet ends, and a receiver that
// believes another one gets less, never more.
PacketClass HeaderWalk::read_pppoe(std::span<const std::byte> bytes) noexcept {
  constexpr std::uint8_t kSessionCode = 0;
  ByteReader reader(bytes);
  reader.skip(1);
  const std::uint8_t code = reader.u8();
  reader.skip(4);
  if (!reader.ok() || code != kSessionCode) return PacketClass::not_ip;
  // Whoever answers knows one length field to set.
  if (view_.pppoe_offset != 0) view_.tunnels = static_cast<std::uint8_t>(view_.tunnels + 1);
  view_.pppoe_offset = static_cast<std::uint32_t>(bytes.data() - view_.frame.data());
  return read_ppp(reader.rest());
}

// RFC 1661, 2 and RFC 1662, 3.1: address and control may be left out, so may the protocol's first byte.
PacketClass HeaderWalk::read_ppp(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() > 2 && bytes[0] == std::byte{0xff} && bytes[1] == std::byte{3}) bytes = bytes.subspan(2);
  ByteReader reader(bytes);
  std::uint16_t protocol = reader.u8();
  if ((protocol & 1U) == 0) protocol = static_cast<std::uint16_t>(protocol << 8 | reader.u8());
  if (!reader.ok()) return PacketClass::not_ip;
  if (protocol == kPppIpv4) return read_ipv4(reader.rest());
  if (protocol == kPppIpv6) return read_ipv6(reader.rest());
  if (protocol != kPppMpls || !wanted_.mpls) return PacketClass::not_ip;
  return look_inside(&HeaderWalk::read_mpls, reader.rest(), true, PacketClass::not_ip);
}

// RFC 3032, 2.1. Nothing names what is behind the last label: IP tells itself by its version (RFC 4928, 2), a
// pseudowire's control word by four zero bits (RFC 4448, 4.6); an Ethernet address may begin with any of
// them. Where one guess does not parse the next is made, the likeliest first.
PacketClass HeaderWalk::read_mpls(std::span<const std::byte> bytes) noexcept {
  constexpr std::uint32_t kBottomOfStack = 0x100;
  constexpr std::size_t kControlWordBytes = 4;
  ByteReader reader(bytes);
  std::uint32_t label = 0;
  while (reader.ok() && (label & kBottomOfStack) == 0) label = reader.u32();
  if (!reader.ok()) return PacketClass::not_ip;
  const auto content = reader.rest();
  const std::size_t version = version_of(content);
  const bool surely_ip = version == 6 || (version == 4 && has_right_checksum(content));
  const PacketView labelled = view_;
  PacketClass inner = PacketClass::not_ip;
  if (surely_ip) inner = look_inside(&HeaderWalk::read_ip, content, false, inner);
  if (inner == PacketClass::not_ip && version == 0 && content.size() > kControlWordBytes) {
    inner = look_inside(&HeaderWalk::read_ethernet, content.subspan(kControlWordBytes), false, inner);
  }
  if (inner == PacketClass::not_ip) {
    inner = look_inside(&HeaderWalk::read_ethernet, content, false, inner);
  } else if (version == 6 && inner == PacketClass::other) {
    // An IPv6 header has no checksum: one of no known protocol may well be something else.
    const PacketView as_ip = view_;
    view_ = labelled;
    const PacketClass as_ethernet =
        look_inside(&HeaderWalk::read_ethernet, content, false, PacketClass::not_ip);
    if (as_ethernet != PacketClass::not_ip) return as_ethernet;
    view_ = as_ip;
  }
  if (inner != PacketClass::not_ip || version != 4) return inner;
  return look_inside(&HeaderWalk::read_ip, content, false, inner);
}

}  // namespace weir::proto
