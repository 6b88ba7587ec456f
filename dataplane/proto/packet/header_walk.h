#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/proto/packet/packet_view.h"
#include "dataplane/proto/packet/tunnels.h"

namespace weir::proto {

/// The inside of parse_packet: walks the headers of one frame from the outside in and fills the view. Each
/// read_* takes the rest of the frame and returns the class of what it found there.
class HeaderWalk {
 public:
  /// `view` has its frame and link set and is otherwise fresh. Both arguments must outlive the object.
  HeaderWalk(PacketView& view, const Encapsulations& wanted) noexcept : view_(view), wanted_(wanted) {}

  PacketClass read_link(std::span<const std::byte> bytes) noexcept;
  /// IPv4 or IPv6, by the version field.
  PacketClass read_ip(std::span<const std::byte> packet) noexcept;

 private:
  using Reader = PacketClass (HeaderWalk::*)(std::span<const std::byte> bytes) noexcept;

  /// How many encapsulations one frame may have, wrong guesses included. It bounds the time that a frame of
  /// nothing but headers takes. Real networks stack about five at most.
  static constexpr unsigned kBudget = 16;

  // link_headers.cpp
  PacketClass read_ethernet(std::span<const std::byte> bytes) noexcept;
  PacketClass read_ethertype(std::uint16_t type, std::span<const std::byte> bytes) noexcept;
  PacketClass read_llc(std::span<const std::byte> bytes) noexcept;
  PacketClass read_loopback(std::span<const std::byte> bytes) noexcept;
  PacketClass read_pppoe(std::span<const std::byte> bytes) noexcept;
  PacketClass read_ppp(std::span<const std::byte> bytes) noexcept;
  PacketClass read_multilink(std::span<const std::byte> bytes) noexcept;
  PacketClass read_mpls(std::span<const std::byte> bytes) noexcept;
  PacketClass read_tunnel(const Tunnel& tunnel, std::span<const std::byte> bytes) noexcept;

  // ip_headers.cpp
  PacketClass read_ipv4(std::span<const std::byte> packet) noexcept;
  PacketClass read_ipv6(std::span<const std::byte> packet) noexcept;
  PacketClass read_ipv6_chain(std::span<const std::byte> content) noexcept;
  PacketClass read_fragment(std::span<const std::byte> content) noexcept;
  PacketClass read_transport(std::span<const std::byte> content) noexcept;
  PacketClass read_tcp(std::span<const std::byte> content) noexcept;
  PacketClass read_udp(std::span<const std::byte> content) noexcept;
  void set_content(std::span<const std::byte> content) noexcept;

  // tunnels.cpp: out of line and called last, so that packets without a tunnel do not pay for it. The result
  // is that of the outer header when there is no tunnel, it is not wanted, or no IP packet parses inside.
  PacketClass read_inside_link(std::uint16_t ethertype, std::span<const std::byte> bytes) noexcept;
  PacketClass read_inside_ip(std::span<const std::byte> content) noexcept;
  PacketClass read_inside_udp(std::span<const std::byte> content) noexcept;
  PacketClass look_into(const Tunnel& tunnel, std::span<const std::byte> bytes, PacketClass outer) noexcept;
  /// Looks into an encapsulation with `reader`, which does not count as a tunnel.
  PacketClass look_into(Reader reader, std::span<const std::byte> bytes, PacketClass outer) noexcept;

  /// Runs `read` as a guess. When no IP packet parses, the result is `outer` and the view is as before: a
  /// wrong guess never makes a packet malformed.
  template <class Read>
  PacketClass guess(std::uint8_t tunnels, PacketClass outer, const Read& read) noexcept;

  PacketView& view_;
  const Encapsulations& wanted_;
  unsigned budget_ = kBudget;
};

template <class Read>
PacketClass HeaderWalk::guess(std::uint8_t tunnels, PacketClass outer, const Read& read) noexcept {
  if (budget_ == 0) return outer;
  --budget_;
  const PacketView before = view_;
  view_.tunnels = static_cast<std::uint8_t>(view_.tunnels + tunnels);
  view_.source_port = view_.destination_port = 0;
  const PacketClass inner = read();
  if (inner != PacketClass::malformed && inner != PacketClass::not_ip) return inner;
  view_ = before;
  return outer;
}

}  // namespace weir::proto
