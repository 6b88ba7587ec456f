#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/base/encapsulations.h"
#include "dataplane/proto/packet/numbers.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::proto {

/// What the usual places of the header fields say about a frame, without a walk over its headers.
struct FastClassification {
  enum class Kind : std::uint8_t {
    unknown,  // only parse_packet can tell
    bare,     // TCP without payload, and without SYN
    tcp,      // any other TCP
    udp
  };
  Kind kind = Kind::unknown;
  bool opens = false;  // TCP with SYN
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  /// Source and destination, as in the frame. Empty for unknown.
  std::span<const std::byte> addresses;

  [[nodiscard]] IpAddress source() const noexcept { return address(addresses.first(addresses.size() / 2)); }
  [[nodiscard]] IpAddress destination() const noexcept {
    return address(addresses.subspan(addresses.size() / 2));
  }

 private:
  static IpAddress address(std::span<const std::byte> bytes) noexcept {
    IpAddress result;
    result.is_v6 = bytes.size() == result.bytes.size();
    std::copy(bytes.begin(), bytes.end(), result.bytes.begin());
    return result;
  }
};

namespace detail {

inline std::uint16_t load_u16(std::span<const std::byte> bytes, std::size_t at) noexcept {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[at]) << 8 |
                                    std::to_integer<unsigned>(bytes[at + 1]));
}

inline FastClassification classify_transport(std::uint8_t protocol, std::span<const std::byte> content,
                                             std::span<const std::byte> addresses,
                                             const Encapsulations& wanted) noexcept {
  FastClassification classification;
  if (protocol == ip_protocol::kTcp && content.size() >= kTcpHeaderBytes) {
    const std::size_t header_bytes = std::to_integer<std::size_t>(content[12] >> 4) * 4;
    if (header_bytes < kTcpHeaderBytes || header_bytes > content.size()) return {};
    classification.opens = (std::to_integer<unsigned>(content[13]) & kTcpSyn) != 0;
    classification.kind = header_bytes == content.size() && !classification.opens
                              ? FastClassification::Kind::bare
                              : FastClassification::Kind::tcp;
  } else if (protocol == ip_protocol::kUdp && content.size() >= kUdpHeaderBytes) {
    const std::size_t length_bytes = load_u16(content, 4);
    if (length_bytes != 0 && length_bytes < kUdpHeaderBytes) return {};
    if (is_tunnel_port(load_u16(content, 2), wanted)) return {};
    classification.kind = FastClassification::Kind::udp;
  } else {
    return {};
  }
  classification.source_port = load_u16(content, 0);
  classification.destination_port = load_u16(content, 2);
  classification.addresses = addresses;
  return classification;
}

inline FastClassification classify_ipv4(std::span<const std::byte> packet,
                                        const Encapsulations& wanted) noexcept {
  if (packet.size() < kIpv4HeaderBytes || packet[0] != std::byte{0x45}) return {};
  const std::size_t total_bytes = load_u16(packet, 2);
  const bool fragment = (load_u16(packet, 6) & 0x3fff) != 0;  // MF or an offset
  if (fragment || total_bytes < kIpv4HeaderBytes || total_bytes > packet.size()) return {};
  return classify_transport(std::to_integer<std::uint8_t>(packet[9]),
                            packet.subspan(kIpv4HeaderBytes, total_bytes - kIpv4HeaderBytes),
                            packet.subspan(12, 8), wanted);
}

inline FastClassification classify_ipv6(std::span<const std::byte> packet,
                                        const Encapsulations& wanted) noexcept {
  if (packet.size() < kIpv6HeaderBytes || (packet[0] >> 4) != std::byte{6}) return {};
  const std::size_t payload_bytes = load_u16(packet, 4);
  if (payload_bytes > packet.size() - kIpv6HeaderBytes) return {};
  return classify_transport(std::to_integer<std::uint8_t>(packet[6]),
                            packet.subspan(kIpv6HeaderBytes, payload_bytes), packet.subspan(8, 32), wanted);
}

}  // namespace detail

/// The fast classification. It knows the usual frames: unfragmented TCP or UDP over IPv4 without options or
/// IPv6 without extension headers, with at most two tags. For any result but unknown, parse_packet finds the
/// same class, addresses and ports, and no payload when it is `bare`. `frame` is an Ethernet frame; any bytes
/// are allowed. Constant time.
inline FastClassification classify(std::span<const std::byte> frame, const Encapsulations& wanted) noexcept {
  constexpr unsigned kMostTags = 2;
  if (frame.size() < kEthernetHeaderBytes) return {};
  std::size_t at = kEthernetHeaderBytes;
  std::uint16_t type = detail::load_u16(frame, at - 2);
  for (unsigned tags = 0; tags < kMostTags && wanted[Encapsulation::vlan] &&
                          (type == ether_type::kVlan || type == ether_type::kServiceVlan);
       ++tags) {
    at += kVlanTagBytes;
    if (frame.size() < at) return {};
    type = detail::load_u16(frame, at - 2);
  }
  if (type == ether_type::kIpv4) return detail::classify_ipv4(frame.subspan(at), wanted);
  if (type == ether_type::kIpv6) return detail::classify_ipv6(frame.subspan(at), wanted);
  return {};
}

}  // namespace weir::proto
