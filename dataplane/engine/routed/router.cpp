#include "dataplane/engine/routed/router.h"

#include <algorithm>
#include <utility>

#include "dataplane/base/byte_reader.h"
#include "dataplane/proto/packet/numbers.h"
#include "dataplane/proto/routing/rewrite.h"

namespace weir::engine {
namespace {

using base::Outcome;
using proto::ForwardStatus;
using proto::IcmpReason;
using proto::IpAddress;
using proto::MacAddress;
using Reply = Router::Admission::Reply;

/// By the EtherType. A frame that is routed holds IPv4 otherwise.
bool holds_ipv6(std::span<const std::byte> frame) noexcept {
  base::ByteReader reader(frame);
  reader.skip(proto::kEthernetHeaderBytes - 2);
  return reader.u16() == proto::ether_type::kIpv6;
}

bool shares_network(const RouterPort::Address& own, const IpAddress& other) noexcept {
  if (own.address.is_v6 != other.is_v6) return false;
  for (unsigned bit = 0; bit < own.prefix_bits; bit += 8) {
    const unsigned left = std::min(own.prefix_bits - bit, 8U);
    const auto mask = static_cast<std::byte>(0xff00U >> left & 0xffU);
    if (((own.address.bytes[bit / 8] ^ other.bytes[bit / 8]) & mask) != std::byte{0}) return false;
  }
  return true;
}

/// The network's bits followed by ones (RFC 1812, 4.2.3.1). None for a link between two stations (RFC 3021)
/// and in IPv6.
std::optional<IpAddress> broadcast_of(const RouterPort::Address& own) noexcept {
  constexpr unsigned kBits = 32;
  if (own.address.is_v6 || own.prefix_bits + 1 >= kBits) return std::nullopt;
  IpAddress all = own.address;
  for (unsigned bit = own.prefix_bits; bit < kBits; ++bit) {
    all.bytes[bit / 8] |= static_cast<std::byte>(0x80U >> bit % 8);
  }
  return all;
}

}  // namespace

Routing::Routing(std::vector<RouterPort> ports, unsigned icmp_errors_per_second)
    : ports_(std::move(ports)), icmp_errors_per_second_(icmp_errors_per_second) {
  for (std::size_t port = 0; port < ports_.size(); ++port) {
    for (const IpAddress& address : ports_[port].next_hops) {
      hops_[port][address.is_v6 ? 1 : 0] = std::make_unique<NextHop>(address);
    }
    for (const RouterPort::Address& own : ports_[port].addresses) {
      if (const auto all = broadcast_of(own)) broadcasts_.push_back(*all);
    }
  }
}

std::optional<IpAddress> Routing::own_address(std::size_t port, const IpAddress& other) const noexcept {
  std::optional<IpAddress> any;
  for (const RouterPort::Address& own : ports_[port].addresses) {
    if (shares_network(own, other)) return own.address;
    if (!any && own.address.is_v6 == other.is_v6) any = own.address;
  }
  return any;
}

bool Routing::is_own(const IpAddress& address) const noexcept {
  return std::any_of(ports_.begin(), ports_.end(), [&](const RouterPort& port) {
    return std::any_of(port.addresses.begin(), port.addresses.end(),
                       [&](const RouterPort::Address& own) { return own.address == address; });
  });
}

bool Routing::is_broadcast(const IpAddress& address) const noexcept {
  return std::find(broadcasts_.begin(), broadcasts_.end(), address) != broadcasts_.end();
}

Router::Admission Router::hear(std::size_t from, const proto::NeighbourParse& parse,
                               std::chrono::nanoseconds now) noexcept {
  Admission admission{.outcome = Outcome::routed_local, .reply = Reply::none};
  if (parse.status != base::ParseStatus::found) return admission;
  const proto::NeighbourMessage& message = parse.message;
  if (message.known) {
    NextHop* const hop = routing_.next_hop(from, message.known->is_v6);
    if (hop != nullptr && hop->address() == *message.known) hop->hear(message.mac, message.overrides, now);
  }
  if (!message.wanted) return admission;
  const auto& addresses = routing_.ports()[from].addresses;
  const bool ours = std::any_of(addresses.begin(), addresses.end(),
                                [&](const auto& own) { return own.address == *message.wanted; });
  if (!ours) return admission;
  question_ = message;
  admission.reply = Reply::neighbour;
  return admission;
}

Router::Admission Router::refuse(Outcome outcome, IcmpReason reason, std::chrono::nanoseconds now) noexcept {
  Admission admission{.outcome = outcome, .reply = Reply::error, .reason = reason};
  if (errors_.take(now)) return admission;
  counters_.add(base::Counter::icmp_limited);
  admission.reply = Reply::none;
  return admission;
}

Router::Admission Router::admit(std::size_t from, std::span<const std::byte> frame,
                                std::chrono::nanoseconds now) noexcept {
  const MacAddress to = proto::link_destination(frame);
  const bool to_us = to == routing_.ports()[from].mac;
  if (!to_us && proto::is_unicast(to)) return {.outcome = Outcome::routed_foreign};
  const auto neighbour = proto::parse_neighbour(frame);
  if (neighbour.status != base::ParseStatus::absent) return hear(from, neighbour, now);
  if (!to_us) return {.outcome = Outcome::routed_foreign};

  const proto::ForwardView view = proto::read_forward_view(frame);
  if (view.status == ForwardStatus::unroutable) return {.outcome = Outcome::drop_unroutable};
  if (routing_.is_own(view.destination)) return {.outcome = Outcome::routed_local, .reply = Reply::echo};
  // RFC 2644: directed broadcasts are not forwarded. No packet has a broadcast address as its source.
  if (view.status == ForwardStatus::on_link || routing_.is_broadcast(view.destination) ||
      routing_.is_broadcast(view.source)) {
    return {.outcome = Outcome::drop_unroutable};
  }
  if (view.status == ForwardStatus::expired)
    return refuse(Outcome::drop_expired, IcmpReason::time_exceeded, now);
  const std::size_t exit = routing_.exit_of(from);
  const NextHop* const next = routing_.next_hop(exit, view.destination.is_v6);
  if (next == nullptr || next->is_unreachable()) {
    return refuse(Outcome::drop_no_next_hop, IcmpReason::unreachable, now);
  }
  // No ICMP error while the next hop is being asked for: senders retransmit.
  if (!next->mac()) return {.outcome = Outcome::drop_no_next_hop};
  if (view.packet_bytes > routing_.ports()[exit].mtu) {
    return refuse(Outcome::drop_too_big, IcmpReason::too_big, now);
  }
  return {};
}

std::size_t Router::reply(std::size_t from, std::span<const std::byte> frame, const Admission& admission,
                          std::span<std::byte> out) noexcept {
  switch (admission.reply) {
    case Reply::none:
      break;
    case Reply::neighbour:
      return proto::build_neighbour_answer(question_, routing_.ports()[from].mac, out);
    case Reply::echo:
      return proto::build_echo_reply(frame, out);
    case Reply::error: {
      const auto own = routing_.own_address(from, proto::read_forward_view(frame).source);
      if (!own) return 0;
      const std::uint16_t mtu = routing_.ports()[routing_.exit_of(from)].mtu;
      return proto::build_icmp_error(frame, {.reason = admission.reason, .from = *own, .mtu = mtu}, out);
    }
  }
  return 0;
}

std::optional<Outcome> Router::send_on(std::size_t exit, std::span<std::byte> frame) noexcept {
  const NextHop* const next = routing_.next_hop(exit, holds_ipv6(frame));
  const auto mac = next == nullptr ? std::nullopt : next->mac();
  if (!mac) return Outcome::drop_no_next_hop;
  if (!proto::rewrite_for_next_hop(frame, routing_.ports()[exit].mac, *mac)) return Outcome::drop_unroutable;
  return std::nullopt;
}

bool Router::direct(std::size_t exit, std::span<std::byte> frame) noexcept {
  const NextHop* const next = routing_.next_hop(exit, holds_ipv6(frame));
  const auto mac = next == nullptr ? std::nullopt : next->mac();
  if (!mac) return false;
  proto::set_link_addresses(frame, routing_.ports()[exit].mac, *mac);
  return true;
}

Router::Question Router::ask(std::chrono::nanoseconds now, std::span<std::byte> out) noexcept {
  for (std::size_t port = 0; port < routing_.ports().size(); ++port) {
    for (const bool is_v6 : {false, true}) {
      NextHop* const hop = routing_.next_hop(port, is_v6);
      if (hop == nullptr) continue;
      const auto known = hop->mac();
      const NextHop::Ask whom = hop->due(now);
      const auto own = routing_.own_address(port, hop->address());
      if (whom == NextHop::Ask::nobody || !own) continue;
      const bool alone = whom == NextHop::Ask::who_was_known;
      return {.port = port,
              .bytes = proto::build_neighbour_request({.mac = routing_.ports()[port].mac, .address = *own},
                                                      hop->address(), alone ? known : std::nullopt, out)};
    }
  }
  return {};
}

}  // namespace weir::engine
