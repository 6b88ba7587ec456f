#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/engine/workers/worker.h"
#include "dataplane/proto/packet/packet_view.h"
#include "dataplane/proto/routing/neighbour.h"
#include "dataplane/proto/routing/rewrite.h"
#include "tests/unit/dataplane/engine/ports/ring_wire.h"

namespace weir::engine {
namespace {

using base::Outcome;

constexpr std::string_view kWeirMac = "02:00:00:00:00:aa";
constexpr std::string_view kOuterMac = "02:00:00:00:00:bb";

proto::MacAddress last_byte_mac(unsigned last) {
  return {std::byte{2}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, static_cast<std::byte>(last)};
}

proto::IpAddress ten(unsigned third, unsigned last) {
  return {.bytes = {std::byte{10}, std::byte{0}, static_cast<std::byte>(third), static_cast<std::byte>(last)},
          .is_v6 = false};
}

/// 10.0.0.0/24 on the subscribers' side and 10.0.1.0/24 on the other side, each with a router at .2.
std::vector<RouterPort> two_arms() {
  return {{.mac = last_byte_mac(0xaa),
           .mtu = 1500,
           .addresses = {{.address = ten(0, 1), .prefix_bits = 24}},
           .next_hops = {ten(0, 2)}},
          {.mac = last_byte_mac(0xbb),
           .mtu = 1500,
           .addresses = {{.address = ten(1, 1), .prefix_bits = 24}},
           .next_hops = {ten(1, 2)}}};
}

WireOptions routed(std::vector<RouterPort> ports = two_arms()) {
  WireOptions options;
  options.topology = config::Topology::routed;
  options.router_ports = std::move(ports);
  return options;
}

/// Both routers tell their link addresses.
void answer_for_routers(Wire& wire) {
  for (std::size_t port = 0; port < wire.routing().ports().size(); ++port) {
    NextHop* const hop = wire.routing().next_hop(port, false);
    if (hop != nullptr)
      hop->hear(last_byte_mac(static_cast<unsigned>(2 + port)), true, std::chrono::hours(1 << 20));
  }
}

PacketBuilder from_client(std::uint8_t ttl = 64, std::string_view to = kWeirMac) {
  PacketBuilder builder;
  builder.ethernet("02:00:00:00:00:02", to).ipv4("10.9.0.1", "10.9.0.2").ttl(ttl);
  return builder;
}

Bytes routed_request(std::string_view host, std::uint8_t ttl = 64, std::string_view to = kWeirMac,
                     std::uint16_t source_port = 41000) {
  return from_client(ttl, to)
      .tcp(source_port, 80)
      .seq(1000)
      .ack(2000)
      .flags("PA")
      .payload("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n")
      .build();
}

std::vector<Bytes> packets_at(RingPort& port) {
  std::vector<Bytes> packets;
  for (Bytes& frame : port.receive()) {
    if (proto::parse_neighbour(frame).status == base::ParseStatus::absent)
      packets.push_back(std::move(frame));
  }
  return packets;
}

TEST(Routed, AsksForItsNextHopsAtTheStart) {
  Wire wire(routed());
  wire.run();
  const auto near = wire.subscriber().receive();
  const auto far = wire.network().receive();
  ASSERT_EQ(near.size(), 1U);
  ASSERT_EQ(far.size(), 1U);
  EXPECT_EQ(proto::parse_neighbour(near[0]).message.wanted, ten(0, 2));
  EXPECT_EQ(proto::parse_neighbour(far[0]).message.wanted, ten(1, 2));
  EXPECT_EQ(proto::parse_neighbour(far[0]).message.asker, ten(1, 1));
  EXPECT_EQ(wire.count(base::Counter::injected, base::Towards::neighbour), 2U);
  wire.expect_conservation();
}

TEST(Routed, PacketsGoOnByTheNextHop) {
  Wire wire(routed());
  answer_for_routers(wire);
  const Bytes there = routed_request("passed.example");
  wire.subscriber().send(there);
  wire.network().send(PacketBuilder()
                          .ethernet("02:00:00:00:00:03", kOuterMac)
                          .ipv4("10.9.0.2", "10.9.0.1")
                          .ttl(9)
                          .tcp(80, 41000)
                          .seq(2000)
                          .flags("A")
                          .build());
  wire.run();
  const auto far = packets_at(wire.network());
  ASSERT_EQ(far.size(), 1U);
  Bytes expected = there;
  ASSERT_TRUE(proto::rewrite_for_next_hop(expected, last_byte_mac(0xbb), last_byte_mac(3)));
  EXPECT_EQ(test::difference(expected, far[0]), "");
  const auto near = packets_at(wire.subscriber());
  ASSERT_EQ(near.size(), 1U);
  EXPECT_EQ(proto::link_destination(near[0]), last_byte_mac(2));
  EXPECT_EQ(near[0][22], std::byte{8}) << "TTL";
  EXPECT_EQ(wire.count(Outcome::forward_passed), 1U);
  EXPECT_EQ(wire.count(Outcome::forward_not_candidate), 1U);
  wire.expect_conservation();
}

TEST(Routed, ListedRequestIsAnsweredOnBothSides) {
  Wire wire(routed());
  answer_for_routers(wire);
  wire.subscriber().send(routed_request("listed.example"));
  wire.run();
  const auto answers = packets_at(wire.subscriber());
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(proto::link_destination(answers[0]), last_byte_mac(2)) << "back to where it came from";
  EXPECT_EQ(answers[0][11], std::byte{0xaa});
  const auto reset = packets_at(wire.network());
  ASSERT_EQ(reset.size(), 1U);
  EXPECT_EQ(proto::link_destination(reset[0]), last_byte_mac(3));
  EXPECT_EQ(reset[0][11], std::byte{0xbb});
  EXPECT_NE(proto::parse_packet(reset[0], proto::LinkType::ethernet).tcp.flags & proto::kTcpRst, 0);
  EXPECT_EQ(wire.count(Outcome::drop_blocked), 1U);
  wire.expect_conservation();
}

TEST(Routed, OutcomesSayWhyAPacketEndsHere) {
  struct Case {
    const char* description;
    base::Enforcement enforcement;
    bool resolved;
    Bytes frame;
    Outcome outcome;
    std::size_t errors;
  };
  using base::Enforcement;
  const Case cases[] = {
      {"its last hop", Enforcement::enforce, true, routed_request("passed.example", 1), Outcome::drop_expired,
       1},
      {"its last hop, in bypass", Enforcement::bypass, true, routed_request("passed.example", 1),
       Outcome::drop_expired, 1},
      {"a listed request at its last hop asks for nothing", Enforcement::enforce, true,
       routed_request("listed.example", 1), Outcome::drop_expired, 1},
      {"no next hop yet", Enforcement::enforce, false, routed_request("passed.example"),
       Outcome::drop_no_next_hop, 0},
      {"another station's", Enforcement::enforce, true,
       routed_request("listed.example", 64, "02:00:00:00:00:77"), Outcome::routed_foreign, 0},
      {"another station's, in bypass", Enforcement::bypass, true,
       routed_request("passed.example", 64, "02:00:00:00:00:77"), Outcome::routed_foreign, 0},
      {"too long", Enforcement::enforce, true,
       from_client().udp(1, 2).payload(std::string(1473, 'x')).build(), Outcome::drop_too_big, 1},
      {"no IP", Enforcement::enforce, true,
       PacketBuilder().ethernet("02:00:00:00:00:02", kWeirMac).ethertype(0x88cc).payload("lldp").build(),
       Outcome::drop_unroutable, 0},
      {"to Weir itself", Enforcement::enforce, true,
       PacketBuilder().ethernet("02:00:00:00:00:02", kWeirMac).ipv4("10.0.0.2", "10.0.0.1").udp(1, 2).build(),
       Outcome::routed_local, 0},
      {"a listed request in monitor", Enforcement::monitor, true, routed_request("listed.example"),
       Outcome::forward_monitor, 0},
      {"a listed request in bypass", Enforcement::bypass, true, routed_request("listed.example"),
       Outcome::forward_bypass, 0},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.description);
    WireOptions options = routed();
    options.enforcement = row.enforcement;
    Wire wire(options);
    if (row.resolved) answer_for_routers(wire);
    wire.subscriber().send(row.frame);
    wire.run();
    EXPECT_EQ(wire.count(row.outcome), 1U);
    const bool forwarded = base::to_string(row.outcome).starts_with("forward");
    EXPECT_EQ(packets_at(wire.network()).size(), forwarded ? 1U : 0U);
    EXPECT_EQ(packets_at(wire.subscriber()).size(), row.errors);
    EXPECT_EQ(wire.count(base::Counter::injected, base::Towards::sender), row.errors);
    wire.expect_conservation();
  }
}

TEST(Routed, AnAnswerFromTheNextHopOpensTheWay) {
  Wire wire(routed());
  Bytes arp(proto::kMaxNeighbourFrameBytes);
  arp.resize(
      proto::build_neighbour_request({.mac = last_byte_mac(3), .address = ten(1, 2)}, ten(1, 1), {}, arp));
  wire.network().send(arp);
  wire.run();
  const auto answers = wire.network().receive();
  ASSERT_EQ(answers.size(), 2U) << "Weir's question and its answer";
  EXPECT_EQ(proto::parse_neighbour(answers[1]).message.known, ten(1, 1));
  EXPECT_EQ(wire.count(Outcome::routed_local), 1U);
  wire.subscriber().send(routed_request("passed.example"));
  wire.run();
  EXPECT_EQ(packets_at(wire.network()).size(), 1U);
  wire.expect_conservation();
}

TEST(Routed, AHeaderThatIsCutIntoBuffersIsNotRouted) {
  Wire wire(routed());
  answer_for_routers(wire);
  wire.subscriber().send(routed_request("passed.example"), 20);
  wire.subscriber().send(routed_request("passed.example"), 60);
  wire.run();
  EXPECT_EQ(wire.count(Outcome::drop_unroutable), 1U);
  EXPECT_EQ(packets_at(wire.network()).size(), 1U);
  wire.expect_conservation();
}

TEST(Routed, WithOneArmBothDirectionsTurnRound) {
  auto arm = two_arms();
  arm.pop_back();
  Wire wire(routed(arm));
  answer_for_routers(wire);
  wire.subscriber().send(routed_request("passed.example"));
  wire.subscriber().send(PacketBuilder()
                             .ethernet("02:00:00:00:00:02", kWeirMac)
                             .ipv4("10.9.0.2", "10.9.0.1")
                             .tcp(80, 41000)
                             .seq(2000)
                             .flags("A")
                             .build());
  wire.subscriber().send(routed_request("listed.example", 64, kWeirMac, 41001));
  wire.run();
  const auto sent = packets_at(wire.subscriber());
  EXPECT_EQ(sent.size(), 2U + 3U) << "two packets, a page of two segments, a reset";
  for (const Bytes& frame : sent) {
    EXPECT_EQ(proto::link_destination(frame), last_byte_mac(2));
  }
  EXPECT_TRUE(wire.network().receive().empty());
  EXPECT_EQ(wire.count(Outcome::drop_blocked), 1U);
  wire.expect_conservation();
}

TEST(Routed, SeveralWorkersRouteAndAnswer) {
  WireOptions options = routed();
  options.workers = 2;
  Wire wire(options);
  answer_for_routers(wire);
  constexpr unsigned kRoutedClients = 32;
  for (unsigned i = 0; i < kRoutedClients; ++i) {
    for (const bool listed : {false, true}) {
      wire.subscriber().send(PacketBuilder()
                                 .ethernet("02:00:00:00:00:02", kWeirMac)
                                 .ipv4("10.9.1." + std::to_string(i), "10.9.0.2")
                                 .ttl(64)
                                 .tcp(listed ? 41001 : 41000, 80)
                                 .seq(1000)
                                 .ack(2000)
                                 .flags("PA")
                                 .payload(std::string("GET / HTTP/1.1\r\nHost: ") +
                                          (listed ? "listed.example" : "passed.example") + "\r\n\r\n")
                                 .build());
    }
  }
  wire.run();
  EXPECT_EQ(wire.count(Outcome::forward_passed), kRoutedClients);
  EXPECT_EQ(wire.count(Outcome::drop_blocked), kRoutedClients);
  const auto far = packets_at(wire.network());
  EXPECT_EQ(far.size(), 2U * kRoutedClients) << "requests that pass, and resets";
  for (const Bytes& frame : far) {
    EXPECT_EQ(proto::link_destination(frame), last_byte_mac(3));
  }
  wire.expect_conservation();
}

}  // namespace
}  // namespace weir::engine
