#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::proto {

/// EtherTypes (IANA "IEEE 802 Numbers").
namespace ether_type {
inline constexpr std::uint16_t kIpv4 = 0x0800;
inline constexpr std::uint16_t kArp = 0x0806;
inline constexpr std::uint16_t kTransparentBridging = 0x6558;  // Ethernet in GRE and Geneve (RFC 1701)
inline constexpr std::uint16_t kVlan = 0x8100;                 // 802.1Q
inline constexpr std::uint16_t kIpv6 = 0x86dd;
inline constexpr std::uint16_t kMpls = 0x8847;
inline constexpr std::uint16_t kMplsMulticast = 0x8848;  // or an upstream-assigned label (RFC 5332)
inline constexpr std::uint16_t kPppoeSession = 0x8864;
inline constexpr std::uint16_t kServiceVlan = 0x88a8;  // 802.1ad
inline constexpr std::uint16_t kETag = 0x893f;         // 802.1BR
// Service tags before 802.1ad.
inline constexpr std::uint16_t kOldServiceVlan = 0x9100;
inline constexpr std::uint16_t kOldServiceVlan2 = 0x9200;
inline constexpr std::uint16_t kOldServiceVlan3 = 0x9300;

/// Bytes of the tag that begins with this type, which is included; 0 for any other type.
constexpr std::size_t tag_bytes(std::uint16_t type) noexcept {
  switch (type) {
    case kVlan:
    case kServiceVlan:
    case kOldServiceVlan:
    case kOldServiceVlan2:
    case kOldServiceVlan3:
      return 4;
    case kETag:
      return 8;
    default:
      return 0;
  }
}

/// Below the first type, the field is the length of an IEEE 802.3 frame.
constexpr bool is_length(std::uint16_t type) noexcept { return type < 0x600; }
}  // namespace ether_type

/// PPP protocol numbers (IANA "PPP DLL Protocol Numbers").
namespace ppp_protocol {
inline constexpr std::uint16_t kIpv4 = 0x0021;
inline constexpr std::uint16_t kMultilink = 0x003d;  // RFC 1990
inline constexpr std::uint16_t kIpv6 = 0x0057;
inline constexpr std::uint16_t kMpls = 0x0281;
}  // namespace ppp_protocol

/// IP protocol numbers (IANA "Protocol Numbers"), IPv6 extension headers included.
namespace ip_protocol {
inline constexpr std::uint8_t kHopByHop = 0;
inline constexpr std::uint8_t kIcmp = 1;
inline constexpr std::uint8_t kIpv4 = 4;
inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kUdp = 17;
inline constexpr std::uint8_t kIpv6 = 41;
inline constexpr std::uint8_t kRouting = 43;
inline constexpr std::uint8_t kFragment = 44;
inline constexpr std::uint8_t kGre = 47;
inline constexpr std::uint8_t kAuthentication = 51;
inline constexpr std::uint8_t kIcmpV6 = 58;
inline constexpr std::uint8_t kDestinationOptions = 60;
inline constexpr std::uint8_t kEtherIp = 97;
inline constexpr std::uint8_t kMplsInIp = 137;
}  // namespace ip_protocol

/// UDP destination ports of tunnels (IANA "Service Name and Transport Protocol Port Number Registry").
namespace udp_port {
inline constexpr std::uint16_t kL2tp = 1701;
inline constexpr std::uint16_t kGtpU = 2152;
inline constexpr std::uint16_t kGreInUdp = 4754;
inline constexpr std::uint16_t kVxlan = 4789;
inline constexpr std::uint16_t kGeneve = 6081;
inline constexpr std::uint16_t kMplsInUdp = 6635;
inline constexpr std::uint16_t kOldVxlan = 8472;  // before it was registered; still the default of Linux
}  // namespace udp_port

/// Service access points of IEEE 802.2, and the organisations of SNAP (RFC 1042; IEEE 802.1H).
namespace llc {
inline constexpr std::uint8_t kIp = 0x06;
inline constexpr std::uint8_t kSnap = 0xaa;
inline constexpr std::uint8_t kUnnumbered = 0x03;
inline constexpr std::uint32_t kEtherTypes = 0x000000;
inline constexpr std::uint32_t kBridged = 0x0000f8;
}  // namespace llc

/// Bytes of the headers, without options and extension headers.
inline constexpr std::size_t kEthernetHeaderBytes = 14;
inline constexpr std::size_t kVlanTagBytes = 4;
inline constexpr std::size_t kLlcHeaderBytes = 3;
inline constexpr std::size_t kSnapHeaderBytes = 8;  // with LLC
inline constexpr std::size_t kPppoeHeaderBytes = 6;
inline constexpr std::size_t kIpv4HeaderBytes = 20;
inline constexpr std::size_t kIpv6HeaderBytes = 40;
inline constexpr std::size_t kTcpHeaderBytes = 20;
inline constexpr std::size_t kUdpHeaderBytes = 8;

}  // namespace weir::proto
