#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/base/towards.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::proto {

/// The headers of a reply to a packet: those around the packet, down to the IP header that TCP or UDP is in.
/// They are turned round for a reply to its sender, and stay as they are for one to its receiver.
///
/// Turning round swaps the Ethernet and IP addresses in every layer. Tags (also those of 802.1BR, which name
/// the subscriber's port on the way there and back), LLC and SNAP, PPPoE sessions (RFC 2516) and VXLAN
/// network identifiers (RFC 7348) are the same in both directions. The source port of VXLAN stays: it only
/// spreads flows. Cooked and loopback headers name no receiver. IP headers are written without options and
/// extension headers, with TTL or hop limit 64; IPv4 has DF set, and IPv6 towards the server keeps the flow
/// label of the packet. Lengths and checksums are right in every layer. The UDP checksum of a tunnel is 0
/// where the packet's was.
///
/// A reply can be sent through tags, LLC, PPPoE and the tunnels that reply_path_walk.cpp lists. It
/// cannot be sent through the others: MPLS labels, GTP and L2TP tunnel ids, GRE keys and sequence numbers,
/// PPTP call ids, MLPPP sequence numbers and Geneve options of the other direction are not in the packet.
/// Neither can it be sent to a multicast address, or past a routing header or an authentication header.
class ReplyPath {
 public:
  /// None when no reply can be sent. `seen` is of class tcp or udp and must outlive the object. O(header
  /// bytes).
  static std::optional<ReplyPath> of(const PacketView& seen, base::Towards towards) noexcept;

  /// Bytes of all headers before the transport header.
  [[nodiscard]] std::size_t header_bytes() const noexcept { return header_bytes_; }
  /// Whether every length field can hold the length of `transport_bytes` after the headers.
  [[nodiscard]] bool fits(std::size_t transport_bytes) const noexcept;
  /// The sum of the pseudo header (RFC 9293, 3.1; RFC 768), for the checksum of the transport header. Less
  /// than 2^18.
  [[nodiscard]] std::uint32_t pseudo_header_sum(std::uint8_t protocol,
                                                std::size_t transport_bytes) const noexcept;
  /// Ports of the reply.
  [[nodiscard]] std::uint16_t source_port() const noexcept;
  [[nodiscard]] std::uint16_t destination_port() const noexcept;

  /// Writes the headers to the first header_bytes() of `frame`. The rest of `frame` must already hold the
  /// complete transport header and payload. `identification` goes into IPv4 headers: a packet with DF needs
  /// none (RFC 6864, 4.1), but a device on the way may clear DF.
  void write(std::uint8_t protocol, std::uint16_t identification, std::span<std::byte> frame) const noexcept;

 private:
  /// ethernet: addresses, tags and EtherType, or the length of an 802.3 frame in its place. copied: whatever
  /// is the same in both directions.
  enum class Kind : std::uint8_t { ethernet, ethernet_with_length, copied, pppoe, ipv4, ipv6, udp };
  struct Layer {
    Kind kind = Kind::copied;
    std::uint8_t protocol = 0;      // of an IP layer: the protocol inside
    std::uint32_t seen_offset = 0;  // in the packet's frame
    std::uint32_t bytes = 0;        // as written
  };
  /// Real networks stack about a dozen at most.
  static constexpr std::size_t kMostLayers = 32;
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
  std::size_t before_802_3_ = 0;    // bytes up to the content of the first 802.3 frame; 0: there is none
};

}  // namespace weir::proto
