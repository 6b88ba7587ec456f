#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/base/outcome.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::proto {

/// The headers in which an answer to a packet travels: those around the packet, turned round towards its
/// sender or as they are towards its receiver, up to the IP header that the transport protocol is in.
///
/// What turning round means: Ethernet and IP addresses change places, in every layer; tags, PPPoE sessions
/// (RFC 2516) and VXLAN network identifiers (RFC 7348) are the same in both directions; the source port of
/// VXLAN stays, which spreads flows and means nothing else; cooked and loopback headers name no receiver.
/// IP headers come without options and extension headers, TTL or hop limit 64, IPv4 with DF, IPv6 towards
/// the server with the flow label of the packet. Lengths and checksums are right in every layer; the UDP
/// checksum around VXLAN is 0 where the packet's was.
///
/// The way is known through tags, PPPoE, IP-in-IP (IPv4 and IPv6 in each other and themselves), GRE without
/// checksum, key and sequence number, EtherIP and VXLAN. It is not through others: MPLS labels, GTP tunnel
/// ids, GRE keys and numbers, PPTP call ids and Geneve options of the other direction are not in the packet;
/// nor does a multicast address, a routing header or an authenticated header lead back.
class ReplyPath {
 public:
  /// None when the way is not known. `seen` is of class tcp or udp and outlives the object. O(header bytes).
  static std::optional<ReplyPath> of(const PacketView& seen, base::Towards towards) noexcept;

  /// Bytes of all headers before the transport header.
  [[nodiscard]] std::size_t header_bytes() const noexcept { return header_bytes_; }
  /// Whether every length field can tell of so much behind the headers.
  [[nodiscard]] bool fits(std::size_t transport_bytes) const noexcept;
  /// The sum over the pseudo header (RFC 9293, 3.1; RFC 768), for the transport header's checksum. Less than
  /// 2^18.
  [[nodiscard]] std::uint32_t pseudo_header_sum(std::uint8_t protocol,
                                                std::size_t transport_bytes) const noexcept;
  /// Ports of the answer.
  [[nodiscard]] std::uint16_t source_port() const noexcept;
  [[nodiscard]] std::uint16_t destination_port() const noexcept;

  /// Writes the headers to the first header_bytes() of `frame`. What stands behind them is the whole content,
  /// ready but for these headers. `identification` is that of IPv4 headers: never fragmented (DF), they need
  /// none (RFC 6864, 4.1), but devices on the way may clear DF.
  void write(std::uint8_t protocol, std::uint16_t identification, std::span<std::byte> frame) const noexcept;

 private:
  /// ethernet: addresses, tags and ethertype. copied: whatever is the same both ways.
  enum class Kind : std::uint8_t { ethernet, copied, pppoe, ipv4, ipv6, udp };
  struct Layer {
    Kind kind = Kind::copied;
    std::uint8_t protocol = 0;      // of an IP layer: what is in it
    std::uint32_t seen_offset = 0;  // in the packet's frame
    std::uint32_t bytes = 0;        // as written
  };
  /// The deepest honest stacks have about a dozen; guesses of the parser are bounded as well.
  static constexpr std::size_t kMostLayers = 32;
  static constexpr std::size_t kIpv4Bytes = 20;
  static constexpr std::size_t kIpv6Bytes = 40;
  static constexpr std::size_t kUdpBytes = 8;
  static constexpr std::size_t kPppoeBytes = 6;
  class Walk;

  ReplyPath(const PacketView& seen, base::Towards towards) noexcept : seen_(&seen), towards_(towards) {}
  [[nodiscard]] bool add(Kind kind, std::size_t seen_offset, std::size_t bytes,
                         std::uint8_t protocol = 0) noexcept;
  void write_layer(const Layer& layer, std::uint16_t identification, std::span<std::byte> out) const noexcept;
  void write_ipv4(const Layer& layer, std::uint16_t identification, std::span<std::byte> out) const noexcept;
  void write_ipv6(const Layer& layer, std::span<std::byte> out) const noexcept;
  [[nodiscard]] std::span<const std::byte> seen_bytes(std::size_t offset, std::size_t bytes) const noexcept {
    return seen_->frame.subspan(offset, bytes);
  }

  const PacketView* seen_;
  base::Towards towards_;
  std::array<Layer, kMostLayers> layers_{};
  std::size_t count_ = 0;
  std::size_t header_bytes_ = 0;
  std::size_t before_lengths_ = 0;  // bytes before the first header that has a length
};

}  // namespace weir::proto
