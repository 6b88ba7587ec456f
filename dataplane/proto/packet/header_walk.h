#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/proto/packet/packet_view.h"

namespace weir::proto {

/// The inside of parse_packet: walks the headers of one frame from the outside in and notes in the view what
/// it came to. Every read_* takes what is left of the frame and returns the class of what it found there.
class HeaderWalk {
 public:
  /// `view` comes with frame and link set, everything else as a fresh one; both must outlive the object.
  HeaderWalk(PacketView& view, const Encapsulations& wanted) noexcept : view_(view), wanted_(wanted) {}

  PacketClass read_link(std::span<const std::byte> bytes) noexcept;
  /// IPv4 or IPv6, by the version in its first byte.
  PacketClass read_ip(std::span<const std::byte> packet) noexcept;

  using Reader = PacketClass (HeaderWalk::*)(std::span<const std::byte> bytes) noexcept;
  /// What reads the tunnel that an IP protocol or a destination port of UDP announces; null: none, or it is
  /// not wanted.
  static Reader reader_inside_ip(std::uint8_t ip_protocol, const Encapsulations& wanted) noexcept;
  static Reader reader_inside_udp(std::uint16_t destination_port, const Encapsulations& wanted) noexcept;

 private:
  /// Encapsulations looked into in one frame, guesses that turn out wrong included: bounds the time that a
  /// frame of nothing but headers takes. The deepest stack in honest use is about five.
  static constexpr unsigned kBudget = 16;

  // link_headers.cpp
  PacketClass read_ethernet(std::span<const std::byte> bytes) noexcept;
  PacketClass read_ethertype(std::uint16_t type, std::span<const std::byte> bytes) noexcept;
  PacketClass read_loopback(std::span<const std::byte> bytes) noexcept;
  PacketClass read_pppoe(std::span<const std::byte> bytes) noexcept;
  PacketClass read_ppp(std::span<const std::byte> bytes) noexcept;
  PacketClass read_mpls(std::span<const std::byte> bytes) noexcept;

  // ip_headers.cpp
  PacketClass read_ipv4(std::span<const std::byte> packet) noexcept;
  PacketClass read_ipv6(std::span<const std::byte> packet) noexcept;
  PacketClass read_ipv6_chain(std::span<const std::byte> content) noexcept;
  PacketClass read_fragment(std::span<const std::byte> content) noexcept;
  PacketClass read_transport(std::span<const std::byte> content) noexcept;
  PacketClass read_tcp(std::span<const std::byte> content) noexcept;
  PacketClass read_udp(std::span<const std::byte> content) noexcept;
  void set_content(std::span<const std::byte> content) noexcept;

  // tunnel_headers.cpp: `outer` is what the packet is when nothing is found inside.
  PacketClass read_inside_ip(std::span<const std::byte> content) noexcept;
  PacketClass read_inside_udp(std::span<const std::byte> content) noexcept;
  PacketClass read_gre(std::span<const std::byte> content) noexcept;
  PacketClass read_enhanced_gre(std::uint16_t flags, std::span<const std::byte> behind_type) noexcept;
  PacketClass read_etherip(std::span<const std::byte> content) noexcept;
  PacketClass read_gtp_u(std::span<const std::byte> content) noexcept;
  PacketClass read_vxlan(std::span<const std::byte> content) noexcept;
  PacketClass read_geneve(std::span<const std::byte> content) noexcept;

  /// Looks behind an encapsulation with `reader`. When no IP packet parses there, `outer`, and the view is as
  /// it was: a guess never makes a packet malformed. `tunnel`: answers cannot take the way back through it.
  PacketClass look_inside(Reader reader, std::span<const std::byte> bytes, bool tunnel,
                          PacketClass outer) noexcept;

  PacketView& view_;
  const Encapsulations& wanted_;
  unsigned budget_ = kBudget;
};

}  // namespace weir::proto
