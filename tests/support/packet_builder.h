#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/bytes.h"

namespace weir::test {

inline constexpr std::string_view kClientMac = "02:00:00:00:00:01";
inline constexpr std::string_view kServerMac = "02:00:00:00:00:02";

/// Builds frames for tests, layer by layer from the outside in:
///
///     PacketBuilder().ethernet().vlan(5).ipv4("10.0.0.1", "10.0.0.2").ttl(64)
///         .tcp(1234, 80).seq(1).ack(1).flags("PA").payload("GET / HTTP/1.1\r\n\r\n").build();
///
/// A method for a field (ttl, seq, ...) changes the last layer added. build() fills in next-protocol numbers,
/// lengths and checksums unless a method sets them, right or wrong. Layers may repeat (tunnels). Wrong use
/// throws std::logic_error; an invalid address throws std::invalid_argument.
class PacketBuilder {
 public:
  // Link layers. Without one, the packet begins with its IP header (raw IP captures).
  PacketBuilder& ethernet(std::string_view source = kClientMac, std::string_view destination = kServerMac);
  PacketBuilder& linux_sll();   // cooked capture v1
  PacketBuilder& linux_sll2();  // cooked capture v2
  PacketBuilder& loopback(
      bool big_endian = false);  // BSD null/loop: the address family, mostly in host order
  PacketBuilder& ppp();          // with address and control
  PacketBuilder& vlan(std::uint16_t id, std::uint16_t tpid = 0x8100, std::uint8_t priority = 0);
  PacketBuilder& etag(std::uint16_t e_cid = 0x1005);  // 802.1BR
  PacketBuilder& ethertype(std::uint16_t value);      // instead of the next layer's (link and VLAN layers)
  PacketBuilder& length_field();                      // 802.3: a length instead of the ethertype
  PacketBuilder& snap();                              // the same, with LLC and SNAP, which has the ethertype
  PacketBuilder& arp_request(std::string_view sender, std::string_view target);
  PacketBuilder& raw(std::span<const std::byte> header);  // any bytes as a layer (MPLS, PPPoE, GRE, ...)

  // IPv4 and IPv6
  PacketBuilder& ipv4(std::string_view source, std::string_view destination);
  PacketBuilder& ipv6(std::string_view source, std::string_view destination);
  PacketBuilder& ttl(std::uint8_t value);                         // also the hop limit
  PacketBuilder& ip_id(std::uint16_t value);                      // IPv4
  PacketBuilder& ip_options(std::span<const std::byte> options);  // IPv4; padded with zeroes to 4 bytes
  PacketBuilder& header_words(std::uint8_t value);  // IPv4 IHL or TCP data offset, right or wrong
  PacketBuilder& version(std::uint8_t value);       // IP version
  PacketBuilder& protocol(std::uint8_t value);      // next protocol of an IP or extension header
  /// IPv4: offset in bytes (a multiple of 8) and the MF flag. After ipv6(): adds a fragment header.
  PacketBuilder& fragment(std::uint32_t offset_bytes, bool more, std::uint32_t id = 0x1234);
  /// An IPv6 extension header of this protocol number; the body is padded so that the length is right.
  PacketBuilder& extension(std::uint8_t protocol, std::size_t total_bytes = 8);
  PacketBuilder& hop_by_hop() { return extension(0); }
  PacketBuilder& routing() { return extension(43); }
  PacketBuilder& destination_options() { return extension(60); }
  PacketBuilder& authentication_header();  // RFC 4302, 24 bytes

  // Encapsulations; the next layers go inside
  PacketBuilder& pppoe(std::uint16_t session = 7, bool short_protocol = false);  // with its PPP header
  enum class Numbers : std::uint8_t { are_long, are_short };
  PacketBuilder& multilink(Numbers numbers = Numbers::are_long);  // in PPP: RFC 1990, one fragment, with PPP
  /// `fields` of L (length), S (sequence numbers), O (offset); with UDP from and to 1701, and a PPP header.
  PacketBuilder& l2tp(std::string_view fields = "");
  PacketBuilder& mpls(std::uint32_t label);  // the last one is the bottom of the stack
  PacketBuilder& control_word();             // of a pseudowire, between mpls() and ethernet()
  /// `fields` of C (checksum), K (key), S (sequence number): RFC 2784 and 2890.
  PacketBuilder& gre(std::string_view fields = "");
  PacketBuilder& gre_in_udp();
  PacketBuilder& pptp_gre(bool with_acknowledgement = false);  // RFC 2637, with its PPP header
  PacketBuilder& etherip();
  PacketBuilder& gtp_u(std::span<const std::uint8_t> extension_words = {});    // with UDP from and to 2152
  PacketBuilder& vxlan(std::uint32_t network = 1, std::uint16_t port = 4789);  // with UDP
  PacketBuilder& geneve(std::size_t option_words = 0);                         // with UDP to 6081

  // Transport
  PacketBuilder& tcp(std::uint16_t source_port, std::uint16_t destination_port);
  PacketBuilder& udp(std::uint16_t source_port, std::uint16_t destination_port);
  PacketBuilder& seq(std::uint32_t value);
  PacketBuilder& ack(std::uint32_t value);         // sets the ACK flag
  PacketBuilder& flags(std::string_view letters);  // of F S R P A U E C; sets exactly these
  PacketBuilder& window(std::uint16_t value);
  PacketBuilder& urgent(std::uint16_t pointer);
  PacketBuilder& tcp_options(std::span<const std::byte> options);  // padded with zeroes to 4 bytes

  PacketBuilder& length(
      std::uint16_t value);  // of the last IPv4 (total), IPv6 (payload), UDP, PPPoE or GTP-U layer
  PacketBuilder& checksum(std::uint16_t value);  // of the last IPv4, TCP or UDP layer, as sent on the wire
  PacketBuilder& payload(std::string_view text);
  PacketBuilder& payload(std::span<const std::byte> bytes);
  /// Link padding after the packet, not counted by any header.
  PacketBuilder& trailer(std::size_t bytes, std::byte value = std::byte{0});

  [[nodiscard]] Bytes build() const;
  enum class Which : std::uint8_t { outermost, innermost };
  /// The packet as fragments of one IP layer, which must not be a fragment already, with `fragment_bytes` (a
  /// multiple of 8) of IP payload each, in order. The transport checksum is the whole packet's.
  [[nodiscard]] std::vector<Bytes> build_fragments(std::size_t fragment_bytes, std::uint32_t id = 0x1234,
                                                   Which which = Which::outermost) const;

 private:
  enum class Kind : std::uint8_t {
    ethernet,
    sll,
    sll2,
    loopback,
    vlan,
    ppp,
    pppoe,
    mpls,
    gre,
    gtp_u,
    geneve,
    raw,
    ipv4,
    ipv6,
    extension,
    ipv6_fragment,
    authentication,
    tcp,
    udp
  };
  struct Layer {
    Kind kind = Kind::raw;
    Bytes header;                  // complete except for what build() fills in
    std::uint16_t own_number = 0;  // ethertype or protocol number of this layer in the layer before
    bool big_endian = false;
    bool use_length_field = false;
    std::optional<std::uint16_t> next;
    std::optional<std::uint16_t> length;
    std::optional<std::uint16_t> checksum;
  };

  Layer& add(Kind kind, Bytes header, std::uint16_t own_number);
  Layer& last(std::initializer_list<Kind> kinds, std::string_view method);
  [[nodiscard]] Bytes render(std::size_t first, Bytes body) const;
  [[nodiscard]] Bytes finish(std::size_t index, const Bytes& body) const;
  /// The protocol number of a layer inside IP.
  static std::uint8_t protocol_number(const Layer& inner);
  void fill_next(const Layer& layer, std::size_t index, std::size_t body_bytes, Bytes& header) const;
  /// False: the layer is not an encapsulation that needs it.
  bool fill_encapsulation(const Layer& layer, const Layer* inner, std::size_t body_bytes,
                          Bytes& header) const;
  void fill_ip(const Layer& layer, std::size_t body_bytes, Bytes& header) const;
  void fill_transport(const Layer& layer, std::size_t index, const Bytes& body, Bytes& header) const;

  std::vector<Layer> layers_;
  Bytes payload_;
  Bytes trailer_;
};

}  // namespace weir::test
