// From the first byte of the frame to the IP header: the part of HeaderWalk that knows links.
#include <algorithm>
#include <array>

#include "dataplane/base/byte_reader.h"
#include "dataplane/proto/packet/header_walk.h"
#include "dataplane/proto/packet/internet_checksum.h"
#include "dataplane/proto/packet/numbers.h"

namespace weir::proto {
namespace {

using base::ByteReader;

// Routers verify the checksum of an IPv4 header, so a real packet after MPLS labels has a right one.
bool has_right_checksum(std::span<const std::byte> packet) noexcept {
  const std::size_t bytes = std::to_integer<std::size_t>(packet.front() & std::byte{0x0f}) * 4;
  return bytes <= packet.size() && checksum_finish(checksum_add(packet.first(bytes), 0)) == 0;
}

std::size_t version_of(std::span<const std::byte> packet) noexcept {
  return packet.empty() ? 0 : std::to_integer<std::size_t>(packet.front() >> 4);
}

}  // namespace

PacketClass HeaderWalk::look_into(const Tunnel& tunnel, std::span<const std::byte> bytes,
                                  PacketClass outer) noexcept {
  if (!wanted_[tunnel.encapsulation]) return outer;
  return guess(1, outer, [&] { return read_tunnel(tunnel, bytes); });
}

PacketClass HeaderWalk::look_into(Reader reader, std::span<const std::byte> bytes,
                                  PacketClass outer) noexcept {
  return guess(0, outer, [&] { return (this->*reader)(bytes); });
}

PacketClass HeaderWalk::read_tunnel(const Tunnel& tunnel, std::span<const std::byte> bytes) noexcept {
  const TunnelHeader header = tunnel.read(bytes);
  const auto content = bytes.subspan(header.bytes);
  switch (header.content) {
    case TunnelContent::none:
      break;
    case TunnelContent::ethernet:
      return read_ethernet(content);
    case TunnelContent::ethertype:
      return read_ethertype(header.ethertype, content);
    case TunnelContent::ip:
      return read_ip(content);
    case TunnelContent::ipv4:
      return read_ipv4(content);
    case TunnelContent::ipv6:
      return read_ipv6(content);
    case TunnelContent::ppp:
      return read_ppp(content);
    case TunnelContent::mpls:
      return read_mpls(content);
  }
  return PacketClass::not_ip;
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

// Each tag takes four bytes or more, so the frame bounds the stack. A type that is not known here holds no
// IP.
PacketClass HeaderWalk::read_ethertype(std::uint16_t type, std::span<const std::byte> bytes) noexcept {
  if (ether_type::tag_bytes(type) != 0 && wanted_[Encapsulation::vlan]) {
    ByteReader reader(bytes);
    do {
      reader.skip(ether_type::tag_bytes(type) - 2);
      type = reader.u16();
    } while (reader.ok() && ether_type::tag_bytes(type) != 0);
    if (!reader.ok()) return PacketClass::malformed;
    bytes = reader.rest();
  }
  switch (type) {
    case ether_type::kIpv4:
      return read_ipv4(bytes);
    case ether_type::kIpv6:
      return read_ipv6(bytes);
    case ether_type::kPppoeSession:
      if (!wanted_[Encapsulation::pppoe]) return PacketClass::not_ip;
      return look_into(&HeaderWalk::read_pppoe, bytes, PacketClass::not_ip);
    case ether_type::kTransparentBridging:  // means something only inside a tunnel
      return view_.tunnels == 0 ? PacketClass::not_ip : read_ethernet(bytes);
    default:
      break;
  }
  if (!ether_type::is_length(type)) return read_inside_link(type, bytes);
  return wanted_[Encapsulation::llc] ? look_into(&HeaderWalk::read_llc, bytes, PacketClass::not_ip)
                                     : PacketClass::not_ip;
}

// IEEE 802.2. The length before it is ignored: the IP header inside has its own. STP, IS-IS and others are no
// IP.
PacketClass HeaderWalk::read_llc(std::span<const std::byte> bytes) noexcept {
  ByteReader reader(bytes);
  const std::uint8_t destination = reader.u8();
  const std::uint8_t source = reader.u8();
  if (reader.u8() != llc::kUnnumbered || destination != source) return PacketClass::not_ip;
  if (destination == llc::kIp) return read_ipv4(reader.rest());
  if (destination != llc::kSnap) return PacketClass::not_ip;
  const std::uint32_t organisation = reader.u24();
  const std::uint16_t type = reader.u16();
  const bool known = organisation == llc::kEtherTypes || organisation == llc::kBridged;
  return reader.ok() && known && !ether_type::is_length(type) ? read_ethertype(type, reader.rest())
                                                              : PacketClass::not_ip;
}

// BSD loopback: an address family in the byte order of the machine that captured. The value of AF_INET6
// differs between systems.
PacketClass HeaderWalk::read_loopback(std::span<const std::byte> bytes) noexcept {
  ByteReader reader(bytes);
  const std::uint32_t value = reader.u32();
  if (!reader.ok()) return PacketClass::malformed;
  const std::uint32_t family = value > 0xffff ? value >> 24 : value;
  constexpr std::array<std::uint32_t, 5> kFamilies{2, 10, 24, 28, 30};
  const bool known = std::find(kFamilies.begin(), kFamilies.end(), family) != kFamilies.end();
  return known && (value & 0x00ffff00) == 0 ? read_ip(reader.rest()) : PacketClass::not_ip;
}

// RFC 2516, 4. The length is ignored: the IP header inside says where the packet ends. A receiver that
// believes the PPPoE length instead gets less than Weir inspects, never more.
PacketClass HeaderWalk::read_pppoe(std::span<const std::byte> bytes) noexcept {
  constexpr std::uint8_t kSessionCode = 0;
  ByteReader reader(bytes);
  reader.skip(1);
  const std::uint8_t code = reader.u8();
  reader.skip(4);
  if (!reader.ok() || code != kSessionCode) return PacketClass::not_ip;
  // A reply knows how to set one PPPoE length; a second header counts as a tunnel.
  if (view_.pppoe_offset != 0) view_.tunnels = static_cast<std::uint8_t>(view_.tunnels + 1);
  view_.pppoe_offset = static_cast<std::uint32_t>(bytes.data() - view_.frame.data());
  return read_ppp(reader.rest());
}

// RFC 1661, 2 and RFC 1662, 3.1: address and control may be left out, and so may the first byte of the
// protocol.
PacketClass HeaderWalk::read_ppp(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() > 2 && bytes[0] == std::byte{0xff} && bytes[1] == std::byte{3}) bytes = bytes.subspan(2);
  ByteReader reader(bytes);
  std::uint16_t protocol = reader.u8();
  if ((protocol & 1U) == 0) protocol = static_cast<std::uint16_t>(protocol << 8 | reader.u8());
  if (!reader.ok()) return PacketClass::not_ip;
  if (protocol == ppp_protocol::kIpv4) return read_ipv4(reader.rest());
  if (protocol == ppp_protocol::kIpv6) return read_ipv6(reader.rest());
  if (protocol == ppp_protocol::kMultilink) return read_multilink(reader.rest());
  if (protocol != ppp_protocol::kMpls) return PacketClass::not_ip;
  return read_inside_link(ether_type::kMpls, reader.rest());
}

// RFC 1990, 3: a fragment that is a whole packet, so that both flags are set. Whether sequence numbers are
// long or short was negotiated, and no field says it. Bits for the class (RFC 2686) may be set.
PacketClass HeaderWalk::read_multilink(std::span<const std::byte> bytes) noexcept {
  constexpr std::byte kBeginsAndEnds{0xc0};
  constexpr std::byte kZeroInLongFormat{0x03};
  constexpr std::size_t kLongBytes = 4;
  constexpr std::size_t kShortBytes = 2;
  if (bytes.size() <= kLongBytes || (bytes.front() & kBeginsAndEnds) != kBeginsAndEnds) {
    return PacketClass::not_ip;
  }
  PacketClass inner = PacketClass::not_ip;
  if ((bytes.front() & kZeroInLongFormat) == std::byte{0}) {
    inner = look_into(&HeaderWalk::read_ppp, bytes.subspan(kLongBytes), inner);
  }
  if (inner != PacketClass::not_ip) return inner;
  return look_into(&HeaderWalk::read_ppp, bytes.subspan(kShortBytes), inner);
}

// RFC 3032, 2.1. No field names what follows the last label. IP shows its version (RFC 4928, 2), the control
// word of a pseudowire begins with four zero bits (RFC 4448, 4.6), and an Ethernet address may begin with any
// of these. The likeliest guess is tried first, then the next.
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
  if (surely_ip) inner = look_into(&HeaderWalk::read_ip, content, inner);
  if (inner == PacketClass::not_ip && version == 0 && content.size() > kControlWordBytes) {
    inner = look_into(&HeaderWalk::read_ethernet, content.subspan(kControlWordBytes), inner);
  }
  if (inner == PacketClass::not_ip) {
    inner = look_into(&HeaderWalk::read_ethernet, content, inner);
  } else if (version == 6 && inner == PacketClass::other) {
    // An IPv6 header has no checksum: with an unknown protocol it may well be something else.
    const PacketView as_ip = view_;
    view_ = labelled;
    const PacketClass as_ethernet = look_into(&HeaderWalk::read_ethernet, content, PacketClass::not_ip);
    if (as_ethernet != PacketClass::not_ip) return as_ethernet;
    view_ = as_ip;
  }
  if (inner != PacketClass::not_ip || version != 4) return inner;
  return look_into(&HeaderWalk::read_ip, content, inner);
}

}  // namespace weir::proto
