// Tunnels over IP and over UDP: the part of HeaderWalk that goes from a packet to the one inside it.
#include "dataplane/base/byte_reader.h"
#include "dataplane/proto/packet/header_walk.h"

namespace weir::proto {
namespace {

using base::ByteReader;

constexpr std::uint8_t kIpv4InIp = 4;
constexpr std::uint8_t kIpv6InIp = 41;
constexpr std::uint8_t kGre = 47;
constexpr std::uint8_t kEtherIp = 97;
constexpr std::uint8_t kMplsInIp = 137;  // RFC 4023

constexpr std::uint16_t kGtpUserPort = 2152;
constexpr std::uint16_t kGrePort = 4754;  // RFC 8086
constexpr std::uint16_t kVxlanPort = 4789;
constexpr std::uint16_t kGenevePort = 6081;

}  // namespace

bool is_tunnel_port(std::uint16_t destination_port, const Encapsulations& wanted) noexcept {
  return HeaderWalk::reader_inside_udp(destination_port, wanted) != nullptr;
}

HeaderWalk::Reader HeaderWalk::reader_inside_ip(std::uint8_t ip_protocol,
                                                const Encapsulations& wanted) noexcept {
  switch (ip_protocol) {
    case kIpv4InIp:
      return wanted.ip_in_ip ? &HeaderWalk::read_ipv4 : nullptr;
    case kIpv6InIp:
      return wanted.ip_in_ip ? &HeaderWalk::read_ipv6 : nullptr;
    case kGre:
      return wanted.gre ? &HeaderWalk::read_gre : nullptr;
    case kEtherIp:
      return wanted.etherip ? &HeaderWalk::read_etherip : nullptr;
    case kMplsInIp:
      return wanted.mpls ? &HeaderWalk::read_mpls : nullptr;
    default:
      return nullptr;
  }
}

HeaderWalk::Reader HeaderWalk::reader_inside_udp(std::uint16_t destination_port,
                                                 const Encapsulations& wanted) noexcept {
  switch (destination_port) {
    case kVxlanPort:
      return wanted.vxlan ? &HeaderWalk::read_vxlan : nullptr;
    case kGtpUserPort:
      return wanted.gtp_u ? &HeaderWalk::read_gtp_u : nullptr;
    case kGenevePort:
      return wanted.geneve ? &HeaderWalk::read_geneve : nullptr;
    case kGrePort:
      return wanted.gre ? &HeaderWalk::read_gre : nullptr;
    default:
      return nullptr;
  }
}

PacketClass HeaderWalk::read_inside_ip(std::span<const std::byte> content) noexcept {
  const Reader reader = reader_inside_ip(view_.ip_protocol, wanted_);
  if (reader == nullptr) return PacketClass::other;
  return look_inside(reader, content, true, PacketClass::other);
}

// The port alone is a guess. The first two bits of these tunnels' headers are not both set, those of a QUIC
// long header are: no packet can be both, whatever its sender would like it to be taken for.
PacketClass HeaderWalk::read_inside_udp(std::span<const std::byte> content) noexcept {
  const Reader reader = reader_inside_udp(view_.destination_port, wanted_);
  if (reader == nullptr) return PacketClass::udp;
  return look_inside(reader, content, true, PacketClass::udp);
}

// RFC 2784, 2 with key and sequence number (RFC 2890). Source routes (RFC 1701) are taken by no receiver of
// today, and other versions are other protocols.
PacketClass HeaderWalk::read_gre(std::span<const std::byte> content) noexcept {
  constexpr unsigned kChecksum = 0x8000;
  constexpr unsigned kRouting = 0x4000;
  constexpr unsigned kKey = 0x2000;
  constexpr unsigned kSequence = 0x1000;
  constexpr unsigned kVersion = 0x0007;
  constexpr unsigned kPptpVersion = 1;
  ByteReader reader(content);
  const std::uint16_t flags = reader.u16();
  const std::uint16_t type = reader.u16();
  if ((flags & kVersion) == kPptpVersion) return read_enhanced_gre(flags, reader.rest());
  if ((flags & (kVersion | kRouting)) != 0) return PacketClass::not_ip;
  for (const unsigned field : {kChecksum, kKey, kSequence}) {
    if ((flags & field) != 0) reader.skip(4);
  }
  return reader.ok() ? read_ethertype(type, reader.rest()) : PacketClass::not_ip;
}

// PPTP, RFC 2637, 4.1: PPP behind a key and the numbers that the flags announce.
PacketClass HeaderWalk::read_enhanced_gre(std::uint16_t flags,
                                          std::span<const std::byte> behind_type) noexcept {
  constexpr unsigned kSequence = 0x1000;
  constexpr unsigned kAcknowledgement = 0x0080;
  ByteReader reader(behind_type);
  reader.skip(4);
  for (const unsigned field : {kSequence, kAcknowledgement}) {
    if ((flags & field) != 0) reader.skip(4);
  }
  return reader.ok() ? read_ppp(reader.rest()) : PacketClass::not_ip;
}

PacketClass HeaderWalk::read_etherip(std::span<const std::byte> content) noexcept {
  ByteReader reader(content);
  const unsigned version = reader.u16() >> 12;
  return reader.ok() && version == 3 ? read_ethernet(reader.rest()) : PacketClass::not_ip;
}

// TS 29.281, 5.1. The length is left alone, as Linux leaves it: the IP header inside has its own.
PacketClass HeaderWalk::read_gtp_u(std::span<const std::byte> content) noexcept {
  constexpr std::uint8_t kUserData = 255;
  constexpr unsigned kVersionAndProtocol = 0xf0;  // with the spare bit, which receivers ignore
  constexpr unsigned kExtension = 0x04;
  constexpr unsigned kOptionalFields = 0x07;
  ByteReader reader(content);
  const unsigned flags = reader.u8();
  const std::uint8_t type = reader.u8();
  reader.skip(6);
  if ((flags & kVersionAndProtocol) != 0x30 || type != kUserData) return PacketClass::not_ip;
  if ((flags & kOptionalFields) != 0) {
    reader.skip(3);
    std::uint8_t next = reader.u8();
    if ((flags & kExtension) == 0) next = 0;
    // Each extension header takes four bytes of the packet at least.
    while (reader.ok() && next != 0) {
      const std::size_t words = reader.u8();
      if (words == 0) return PacketClass::not_ip;
      reader.skip(words * 4 - 2);
      next = reader.u8();
    }
  }
  return reader.ok() ? read_ip(reader.rest()) : PacketClass::not_ip;
}

// RFC 7348, 5. Flags that are reserved there are other drafts' (and would let QUIC pass for it).
PacketClass HeaderWalk::read_vxlan(std::span<const std::byte> content) noexcept {
  constexpr unsigned kNetworkIsValid = 0x08;
  constexpr unsigned kQuicBits = 0xc0;
  ByteReader reader(content);
  const unsigned flags = reader.u8();
  reader.skip(7);
  if (!reader.ok() || (flags & (kNetworkIsValid | kQuicBits)) != kNetworkIsValid) return PacketClass::not_ip;
  return read_ethernet(reader.rest());
}

// RFC 8926, 3.4: version 0, options of 0 to 63 words, an ethertype.
PacketClass HeaderWalk::read_geneve(std::span<const std::byte> content) noexcept {
  ByteReader reader(content);
  const std::uint8_t version_and_words = reader.u8();
  reader.skip(1);
  const std::uint16_t type = reader.u16();
  reader.skip(4 + (version_and_words & 0x3fU) * std::size_t{4});
  return reader.ok() && version_and_words >> 6 == 0 ? read_ethertype(type, reader.rest())
                                                    : PacketClass::not_ip;
}

}  // namespace weir::proto
