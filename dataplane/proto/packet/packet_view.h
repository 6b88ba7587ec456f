#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/base/encapsulations.h"

namespace weir::proto {

using base::Encapsulation;
using base::Encapsulations;

/// What the first byte of a frame belongs to (pcap link types; a DPDK port is always Ethernet).
enum class LinkType : std::uint8_t { ethernet, raw_ip, linux_sll, linux_sll2, loopback, ppp };

/// What the headers made of the frame.
enum class PacketClass : std::uint8_t { not_ip, malformed, fragment, other, tcp, udp };

/// An IPv4 (first four bytes) or IPv6 address in network order.
struct IpAddress {
  std::array<std::byte, 16> bytes{};
  bool is_v6 = false;
  bool operator==(const IpAddress& other) const noexcept {
    // Defaulted, it would go byte by byte.
    return is_v6 == other.is_v6 && std::memcmp(bytes.data(), other.bytes.data(), bytes.size()) == 0;
  }
  [[nodiscard]] std::span<const std::byte> span() const noexcept {
    return std::span(bytes).first(is_v6 ? 16 : 4);
  }
};

/// TCP flag bits as on the wire (RFC 9293, 3.1).
inline constexpr std::uint8_t kTcpFin = 0x01;
inline constexpr std::uint8_t kTcpSyn = 0x02;
inline constexpr std::uint8_t kTcpRst = 0x04;
inline constexpr std::uint8_t kTcpPsh = 0x08;
inline constexpr std::uint8_t kTcpAck = 0x10;

struct TcpFields {
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  std::uint16_t window = 0;
  std::uint8_t flags = 0;
};

/// Where a fragment belongs (RFC 791, 3.2; RFC 8200, 4.5).
struct FragmentFields {
  std::uint32_t identification = 0;
  std::uint16_t offset = 0;  // bytes, a multiple of 8
  bool more = false;
};

/// The headers of one frame, the innermost ones where packets are stacked. Offsets are bytes from the frame's
/// start and valid for the classes that reach the layer: fragment, other, tcp and udp. `payload` is what TCP
/// or UDP carry as the IP length bounds it, so link padding is never in it; of a fragment or another
/// protocol, all that is behind the IP headers (of a malformed packet nothing). `ip_protocol` is the number
/// behind the last IPv6 extension header. All before `ip_offset` is the link header: addresses, tags, and
/// whatever the packet is stacked in.
struct PacketView {
  PacketClass packet_class = PacketClass::malformed;
  std::span<const std::byte> frame;
  std::uint32_t ip_offset = 0;
  std::uint32_t transport_offset = 0;
  std::span<const std::byte> payload;
  IpAddress source;
  IpAddress destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint8_t ip_protocol = 0;
  LinkType link = LinkType::ethernet;
  TcpFields tcp;
  FragmentFields fragment;         // of class fragment
  std::uint32_t pppoe_offset = 0;  // of the innermost PPPoE header; 0: none
  std::uint8_t tunnels = 0;        // around the packet, tags and PPPoE not counted
  bool link_kept = true;  // false: put together from fragments, and what lay around them is not known
};

/// Parses link, network and transport headers: any stack of 802.1Q/802.1ad tags, IPv4 with options, IPv6 with
/// hop-by-hop, routing, destination options, authentication and fragment headers in any order and number (an
/// atomic fragment, RFC 6946, is a whole packet), and up to 16 of the encapsulations that are `wanted`, in
/// any order. Any bytes at all are allowed; the result always has a class. O(header bytes).
///
/// Where an encapsulation holds no IP packet that parses, the result is that of the headers around it: an
/// inner header can never hide an outer one. UDP tunnels are told by destination port and content.
///
/// Lengths that lie, and what receivers make of them:
/// - IP longer than the frame: malformed (dropped by receivers). Shorter: the rest is link padding.
/// - IPv4 total length 0 (merged by offloads), IPv6 payload length 0 before a hop-by-hop header: the frame's.
/// - An IPv6 Jumbo Payload option (RFC 2675): malformed.
/// - UDP length 0, or longer than the content: the content. Shorter: the rest is not payload. 1 to 7:
/// malformed. Checksums are not verified: with offloads they are unfinished, and a wrong one never hides a
/// request. The lengths of PPPoE and GTP-U are not looked at: the IP header inside has its own.
PacketView parse_packet(std::span<const std::byte> frame, LinkType link,
                        const Encapsulations& wanted = {}) noexcept;

/// Whether a packet with this number behind its IP headers (ip_protocol) can come to TCP or UDP: it is one of
/// them, or a tunnel that is `wanted`.
bool leads_to_transport(std::uint8_t ip_protocol, const Encapsulations& wanted) noexcept;

/// Whether UDP to this port is looked into as one of the tunnels `wanted`.
bool is_tunnel_port(std::uint16_t destination_port, const Encapsulations& wanted) noexcept;

/// Parses the IP packet at `ip_offset` of `frame`, put together from fragments of which `fragment` was one.
/// What lies before it is the link header of `fragment`, byte for byte; or nothing, where that cannot be
/// kept: then nobody can answer it, and the result says so (link_kept). The same promises as parse_packet.
PacketView parse_reassembled(const PacketView& fragment, std::span<const std::byte> frame,
                             std::size_t ip_offset, const Encapsulations& wanted = {}) noexcept;

}  // namespace weir::proto
