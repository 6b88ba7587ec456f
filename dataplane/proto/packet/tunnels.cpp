#include "dataplane/proto/packet/tunnels.h"

#include <algorithm>
#include <array>

#include "dataplane/base/byte_reader.h"
#include "dataplane/proto/packet/header_walk.h"
#include "dataplane/proto/packet/numbers.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::proto {
namespace {

using base::ByteReader;
using base::Encapsulation;
using Bytes = std::span<const std::byte>;

// `header` with the bytes read so far as its length; no tunnel when they were too few.
TunnelHeader header_ends_at(const ByteReader& reader, TunnelHeader header) noexcept {
  if (!reader.ok()) return {};
  header.bytes = reader.position();
  return header;
}

// Some tunnels have no header: the number before them names the content.
template <TunnelContent kContent>
TunnelHeader no_header(Bytes /*bytes*/) noexcept {
  return {.content = kContent};
}

// RFC 2784, 2, with key and sequence number (RFC 2890); PPTP (RFC 2637, 4.1) is version 1, with PPP inside.
// No receiver today takes source routes (RFC 1701), and other versions are other protocols.
TunnelHeader read_gre(Bytes bytes) noexcept {
  constexpr unsigned kChecksum = 0x8000;
  constexpr unsigned kRouting = 0x4000;
  constexpr unsigned kKey = 0x2000;
  constexpr unsigned kSequence = 0x1000;
  constexpr unsigned kAcknowledgement = 0x0080;  // PPTP
  constexpr unsigned kVersion = 0x0007;
  constexpr unsigned kPptpVersion = 1;
  ByteReader reader(bytes);
  const std::uint16_t flags = reader.u16();
  const std::uint16_t type = reader.u16();
  const unsigned version = flags & kVersion;
  if ((flags & kRouting) != 0 || version > kPptpVersion) return {};
  const auto skip_if_set = [&](unsigned field) {
    if ((flags & field) != 0) reader.skip(4);
  };
  if (version == kPptpVersion) {
    reader.skip(4);  // the key: payload length and call id
    skip_if_set(kSequence);
    skip_if_set(kAcknowledgement);
    return header_ends_at(reader, {.content = TunnelContent::ppp, .same_both_ways = false});
  }
  skip_if_set(kChecksum);
  skip_if_set(kKey);
  skip_if_set(kSequence);
  return header_ends_at(
      reader, {.content = TunnelContent::ethertype, .ethertype = type, .same_both_ways = flags == 0});
}

// RFC 3378, 3.
TunnelHeader read_etherip(Bytes bytes) noexcept {
  constexpr unsigned kVersion = 3;
  ByteReader reader(bytes);
  if (reader.u16() >> 12 != kVersion) return {};
  return header_ends_at(reader, {.content = TunnelContent::ethernet});
}

// TS 29.281, 5.1. The length is ignored, as Linux ignores it: the IP header inside has its own.
TunnelHeader read_gtp_u(Bytes bytes) noexcept {
  constexpr std::uint8_t kUserData = 255;
  constexpr unsigned kVersionAndProtocol = 0xf0;  // with the spare bit, which receivers ignore
  constexpr unsigned kExtension = 0x04;
  constexpr unsigned kOptionalFields = 0x07;
  ByteReader reader(bytes);
  const unsigned flags = reader.u8();
  const std::uint8_t type = reader.u8();
  reader.skip(6);
  if ((flags & kVersionAndProtocol) != 0x30 || type != kUserData) return {};
  if ((flags & kOptionalFields) != 0) {
    reader.skip(3);
    std::uint8_t next = reader.u8();
    if ((flags & kExtension) == 0) next = 0;
    // Each extension header takes at least four bytes of the packet, so the packet bounds the loop.
    while (reader.ok() && next != 0) {
      const std::size_t words = reader.u8();
      if (words == 0) return {};
      reader.skip(words * 4 - 2);
      next = reader.u8();
    }
  }
  return header_ends_at(reader, {.content = TunnelContent::ip});
}

// The first two bits of a QUIC long header are set.
constexpr unsigned kQuicBits = 0xc0;

// RFC 7348, 5. Other drafts use the reserved flags.
TunnelHeader read_vxlan(Bytes bytes) noexcept {
  constexpr unsigned kNetworkIsValid = 0x08;
  ByteReader reader(bytes);
  const unsigned flags = reader.u8();
  reader.skip(7);
  if ((flags & (kNetworkIsValid | kQuicBits)) != kNetworkIsValid) return {};
  return header_ends_at(reader, {.content = TunnelContent::ethernet});
}

// RFC 8926, 3.4: version 0, 0 to 63 words of options, an EtherType.
TunnelHeader read_geneve(Bytes bytes) noexcept {
  ByteReader reader(bytes);
  const std::uint8_t version_and_words = reader.u8();
  reader.skip(1);
  const std::uint16_t type = reader.u16();
  reader.skip(4 + (version_and_words & 0x3fU) * std::size_t{4});
  if (version_and_words >> 6 != 0) return {};
  return header_ends_at(reader, {.content = TunnelContent::ethertype, .ethertype = type});
}

// RFC 7510, 3. A label of 786432 or more begins like a QUIC long header, and is taken for one: a client can
// write any label into the field of a version.
TunnelHeader read_mpls_in_udp(Bytes bytes) noexcept {
  ByteReader reader(bytes);
  const unsigned first = reader.u8();
  if (!reader.ok() || (first & kQuicBits) == kQuicBits) return {};
  return {.content = TunnelContent::mpls};
}

// RFC 2661, 3.1: a data message of version 2. Its ids were chosen by the receiver. Control messages carry no
// packets.
TunnelHeader read_l2tp(Bytes bytes) noexcept {
  constexpr unsigned kControl = 0x8000;
  constexpr unsigned kLength = 0x4000;
  constexpr unsigned kSequence = 0x0800;
  constexpr unsigned kOffset = 0x0200;
  constexpr unsigned kVersionBits = 0x000f;
  constexpr unsigned kVersion = 2;
  ByteReader reader(bytes);
  const unsigned flags = reader.u16();
  if ((flags & kControl) != 0 || (flags & kVersionBits) != kVersion) return {};
  if ((flags & kLength) != 0) reader.skip(2);
  reader.skip(4);
  if ((flags & kSequence) != 0) reader.skip(4);
  if ((flags & kOffset) != 0) reader.skip(reader.u16());
  return header_ends_at(reader, {.content = TunnelContent::ppp, .same_both_ways = false});
}

constexpr std::array<Tunnel, 2> kOverLink{{
    {.encapsulation = Encapsulation::mpls,
     .number = ether_type::kMpls,
     .read = no_header<TunnelContent::mpls>},
    {.encapsulation = Encapsulation::mpls,
     .number = ether_type::kMplsMulticast,
     .read = no_header<TunnelContent::mpls>},
}};

constexpr std::array<Tunnel, 5> kOverIp{{
    {.encapsulation = Encapsulation::ip_in_ip,  // RFC 2003, 2473
     .number = ip_protocol::kIpv4,
     .read = no_header<TunnelContent::ipv4>},
    {.encapsulation = Encapsulation::ip_in_ip,  // RFC 4213, 2473
     .number = ip_protocol::kIpv6,
     .read = no_header<TunnelContent::ipv6>},
    {.encapsulation = Encapsulation::gre, .number = ip_protocol::kGre, .read = read_gre},
    {.encapsulation = Encapsulation::etherip, .number = ip_protocol::kEtherIp, .read = read_etherip},
    {.encapsulation = Encapsulation::mpls,  // RFC 4023
     .number = ip_protocol::kMplsInIp,
     .read = no_header<TunnelContent::mpls>},
}};

// The port alone is a guess. In the headers of these tunnels the first two bits are never both set, in a QUIC
// long header they are: no packet can be both, whatever its sender wants it to be taken for.
constexpr std::array<Tunnel, 7> kOverUdp{{
    {.encapsulation = Encapsulation::vxlan, .number = udp_port::kVxlan, .read = read_vxlan},
    {.encapsulation = Encapsulation::vxlan, .number = udp_port::kOldVxlan, .read = read_vxlan},
    {.encapsulation = Encapsulation::gtp_u, .number = udp_port::kGtpU, .read = read_gtp_u},
    {.encapsulation = Encapsulation::geneve, .number = udp_port::kGeneve, .read = read_geneve},
    {.encapsulation = Encapsulation::gre,  // RFC 8086
     .number = udp_port::kGreInUdp,
     .read = read_gre},
    {.encapsulation = Encapsulation::mpls, .number = udp_port::kMplsInUdp, .read = read_mpls_in_udp},
    {.encapsulation = Encapsulation::l2tp, .number = udp_port::kL2tp, .read = read_l2tp},
}};
constexpr auto kUdpPorts = std::minmax_element(
    kOverUdp.begin(), kOverUdp.end(), [](const Tunnel& a, const Tunnel& b) { return a.number < b.number; });

template <std::size_t N>
const Tunnel* find(const std::array<Tunnel, N>& rows, std::uint16_t number) noexcept {
  for (const Tunnel& row : rows) {
    if (row.number == number) return &row;
  }
  return nullptr;
}

// Every datagram is asked for, and the ports of nearly all lie outside.
const Tunnel* find_over_udp(std::uint16_t port) noexcept {
  if (port < kUdpPorts.first->number || port > kUdpPorts.second->number) return nullptr;
  return find(kOverUdp, port);
}

}  // namespace

const Tunnel* tunnel_over_link(std::uint16_t ethertype) noexcept { return find(kOverLink, ethertype); }
const Tunnel* tunnel_over_ip(std::uint8_t ip_protocol) noexcept { return find(kOverIp, ip_protocol); }
const Tunnel* tunnel_over_udp(std::uint16_t destination_port) noexcept {
  return find_over_udp(destination_port);
}

PacketClass HeaderWalk::read_inside_link(std::uint16_t ethertype, Bytes bytes) noexcept {
  const Tunnel* const tunnel = find(kOverLink, ethertype);
  return tunnel == nullptr ? PacketClass::not_ip : look_into(*tunnel, bytes, PacketClass::not_ip);
}

PacketClass HeaderWalk::read_inside_ip(Bytes content) noexcept {
  const Tunnel* const tunnel = find(kOverIp, view_.ip_protocol);
  return tunnel == nullptr ? PacketClass::other : look_into(*tunnel, content, PacketClass::other);
}

PacketClass HeaderWalk::read_inside_udp(Bytes content) noexcept {
  const Tunnel* const tunnel = find_over_udp(view_.destination_port);
  return tunnel == nullptr ? PacketClass::udp : look_into(*tunnel, content, PacketClass::udp);
}

bool leads_to_transport(std::uint8_t ip_protocol, const Encapsulations& wanted) noexcept {
  if (ip_protocol == ip_protocol::kTcp || ip_protocol == ip_protocol::kUdp) return true;
  const Tunnel* const tunnel = find(kOverIp, ip_protocol);
  return tunnel != nullptr && wanted[tunnel->encapsulation];
}

bool is_tunnel_port(std::uint16_t destination_port, const Encapsulations& wanted) noexcept {
  const Tunnel* const tunnel = find_over_udp(destination_port);
  return tunnel != nullptr && wanted[tunnel->encapsulation];
}

}  // namespace weir::proto
