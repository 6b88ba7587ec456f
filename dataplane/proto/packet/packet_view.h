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

/// The header that a frame begins with (pcap link types; a DPDK port is always Ethernet).
enum class LinkType : std::uint8_t { ethernet, raw_ip, linux_sll, linux_sll2, loopback, ppp };

/// What the headers say that the frame is.
enum class PacketClass : std::uint8_t { not_ip, malformed, fragment, other, tcp, udp };

/// An IPv4 (first four bytes) or IPv6 address in network order.
struct IpAddress {
  std::array<std::byte, 16> bytes{};
  bool is_v6 = false;
  bool operator==(const IpAddress& other) const noexcept {
    // A defaulted comparison goes byte by byte.
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

/// The place of a fragment in its packet (RFC 791, 3.2; RFC 8200, 4.5).
struct FragmentFields {
  std::uint32_t identification = 0;
  std::uint16_t offset = 0;  // bytes, a multiple of 8
  bool more = false;
};

/// The headers of one frame; of stacked packets, the innermost. Offsets are bytes from the start of the frame
/// and valid for the classes fragment, other, tcp and udp. `payload` is the payload of TCP or UDP within the
/// IP length, so it never holds link padding. Of a fragment or another protocol it is everything after the IP
/// headers, of a malformed packet nothing. `ip_protocol` is the number after the last IPv6 extension header.
/// Everything before `ip_offset` is the link header: addresses, tags and encapsulations.
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
  std::uint8_t tunnels = 0;        // around the packet, not counting tags and PPPoE
  bool link_kept = true;           // false: reassembled from fragments, and the link header is not known
};

/// Parses link, network and transport headers: any stack of 802.1Q/802.1ad/802.1BR tags, IPv4 with options,
/// IPv6 with hop-by-hop, routing, destination options, authentication and fragment headers in any order and
/// number (an atomic fragment, RFC 6946, is a whole packet), and up to 16 of the `wanted` encapsulations in
/// any order. Accepts any bytes; the result always has a class. O(header bytes).
///
/// When an encapsulation holds no IP packet that parses, the result is that of the outer headers: an inner
/// header can never hide an outer one. UDP tunnels are recognised by destination port and content.
///
/// Wrong lengths are read as receivers read them:
/// - IP length beyond the frame: malformed (receivers drop it). Shorter: the rest is link padding.
/// - IPv4 total length 0 (merged by offloads) and IPv6 payload length 0 before a hop-by-hop header: to the
/// end
///   of the frame.
/// - An IPv6 Jumbo Payload option (RFC 2675): malformed.
/// - UDP length 0 or beyond the content: to the end of the content. Shorter: the rest is not payload. 1 to 7:
///   malformed.
/// Checksums are not verified: offloads leave them unfinished, and a wrong one must not hide a request. The
/// lengths of PPPoE and GTP-U are ignored: the IP header inside has its own.
PacketView parse_packet(std::span<const std::byte> frame, LinkType link,
                        const Encapsulations& wanted = {}) noexcept;

/// Whether a packet with this `ip_protocol` can hold TCP or UDP: it is one of them, or a `wanted` tunnel.
bool leads_to_transport(std::uint8_t ip_protocol, const Encapsulations& wanted) noexcept;

/// Whether UDP to this port is looked into as one of the `wanted` tunnels.
bool is_tunnel_port(std::uint16_t destination_port, const Encapsulations& wanted) noexcept;

/// Parses the IP packet at `ip_offset` of `frame`, reassembled from fragments, of which `fragment` was one.
/// Before it stands the link header of `fragment`, byte for byte, or nothing: then the packet cannot be
/// answered, and the result says so (link_kept). Otherwise as parse_packet.
PacketView parse_reassembled(const PacketView& fragment, std::span<const std::byte> frame,
                             std::size_t ip_offset, const Encapsulations& wanted = {}) noexcept;

}  // namespace weir::proto
