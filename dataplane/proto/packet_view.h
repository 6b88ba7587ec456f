#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace weir::proto {

/// What the first byte of a frame belongs to (pcap link types; a DPDK port is always Ethernet).
enum class LinkType : std::uint8_t { ethernet, raw_ip, linux_sll, linux_sll2, loopback };

/// What the headers made of the frame.
enum class PacketClass : std::uint8_t { not_ip, malformed, fragment, other, tcp, udp };

/// An IPv4 (first four bytes) or IPv6 address in network order.
struct IpAddress {
  std::array<std::byte, 16> bytes{};
  bool is_v6 = false;
  bool operator==(const IpAddress&) const = default;
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

/// The headers of one frame. Offsets are bytes from the frame's start and valid for the classes that reach
/// the layer; `payload` is the transport payload as the IP length bounds it, so link padding is never in it.
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
};

/// Parses link, network and transport headers: any stack of 802.1Q/802.1ad tags, IPv4 with options, IPv6 with
/// extension headers. Any bytes at all are allowed; the result always has a class. O(header bytes).
PacketView parse_packet(std::span<const std::byte> frame, LinkType link) noexcept;

}  // namespace weir::proto
