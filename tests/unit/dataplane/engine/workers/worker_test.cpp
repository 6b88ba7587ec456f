#include "dataplane/engine/workers/worker.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include <rte_mbuf.h>

#include "tests/unit/dataplane/engine/ports/ring_wire.h"

namespace weir::engine {
namespace {

// Each host has its own connection: bytes that contradict earlier ones are dropped.
Bytes request(std::string_view host, std::string_view path = "/", std::uint16_t port = 0) {
  return PacketBuilder()
      .ethernet()
      .ipv4("10.0.0.1", "10.0.0.2")
      .tcp(port != 0                    ? port
           : host.starts_with("listed") ? 40001
                                        : 40000,
           80)
      .seq(1000)
      .ack(2000)
      .flags("PA")
      .payload("GET " + std::string(path) + " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n")
      .build();
}

Bytes raw(std::size_t size, unsigned seed) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>((i * 7 + seed) * 31 >> 2);
  return bytes;
}

TEST(Worker, EveryFrameWithoutAListedRequestIsForwardedUnchanged) {
  const std::pair<const char*, Bytes> cases[] = {
      {"ARP", PacketBuilder().ethernet().arp_request("10.0.0.1", "10.0.0.2").build()},
      {"LLDP", PacketBuilder().ethernet().ethertype(0x88cc).raw(raw(60, 1)).build()},
      {"STP", PacketBuilder().ethernet().length_field().raw(raw(38, 2)).trailer(8).build()},
      {"802.1ad over 802.1Q", PacketBuilder()
                                  .ethernet()
                                  .vlan(5, 0x88a8, 3)
                                  .vlan(6)
                                  .ipv4("10.0.0.1", "10.0.0.2")
                                  .udp(1, 2)
                                  .payload("x")
                                  .build()},
      {"MPLS", PacketBuilder().ethernet().ethertype(0x8847).raw(raw(40, 3)).build()},
      {"wrong checksum", PacketBuilder()
                             .ethernet()
                             .ipv4("10.0.0.1", "10.0.0.2")
                             .checksum(0xdead)
                             .tcp(1, 2)
                             .checksum(0xbeef)
                             .payload("x")
                             .build()},
      {"IPv4 cut short", PacketBuilder().ethernet().ipv4("10.0.0.1", "10.0.0.2").length(9).build()},
      {"header only", raw(14, 4)},
      {"shorter than a header", raw(3, 5)},
      {"one byte", raw(1, 6)},
      {"another host's request", request("passed.example")},
      {"ordinary size", raw(1514, 7)},
  };
  Wire wire;
  for (const auto& row : cases) {
    wire.subscriber().send(row.second);
    wire.network().send(row.second);
  }
  wire.run();
  for (RingPort* port : {&wire.network(), &wire.subscriber()}) {
    const auto out = port->receive();
    ASSERT_EQ(out.size(), std::size(cases));
    for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], cases[i].second) << cases[i].first;
  }
  wire.expect_conservation();
}

TEST(Worker, FramesOfSeveralBuffersAreForwardedAndInspected) {
  Wire wire;
  const Bytes jumbo = raw(9014, 8);
  wire.subscriber().send(jumbo);
  wire.subscriber().send(request("passed.example"), 11);
  wire.subscriber().send(request("listed.example"), 11);
  wire.run();
  const auto out = wire.network().receive();
  ASSERT_GE(out.size(), 2U);
  EXPECT_EQ(out[0], jumbo);
  EXPECT_EQ(out[1], request("passed.example"));
  EXPECT_EQ(wire.count(base::Outcome::drop_blocked), 1U);
  wire.expect_conservation();
}

TEST(Worker, LongerThanAnyPacketIsForwarded) {
  Wire wire;
  const Bytes giant = raw(70000, 9);
  wire.subscriber().send(giant);
  wire.run();
  const auto out = wire.network().receive();
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0], giant);
  wire.expect_conservation();
}

TEST(Worker, ListedRequestIsDroppedAndAnsweredBothWays) {
  Wire wire({.page_bytes = 5000});
  const Bytes listed = request("listed.example", "/secret");
  wire.subscriber().send(request("passed.example"));
  wire.subscriber().send(listed);
  wire.run();
  const auto to_server = wire.network().receive();
  const auto to_client = wire.subscriber().receive();
  EXPECT_EQ(std::count(to_server.begin(), to_server.end(), listed), 0);
  EXPECT_EQ(std::count(to_server.begin(), to_server.end(), request("passed.example")), 1);
  EXPECT_EQ(to_server.size(), 1 + wire.count(base::Counter::injected, base::Towards::server));
  EXPECT_EQ(to_client.size(), wire.count(base::Counter::injected, base::Towards::client));
  EXPECT_GE(to_client.size(), 5U) << "a page of 5000 bytes in segments of 1200";
  EXPECT_GE(to_server.size(), 2U) << "a reset";
  std::size_t page_bytes = 0;
  for (const Bytes& frame : to_client) {
    EXPECT_LE(frame.size(), inspect::kAnswerFrameBytes);
    page_bytes += static_cast<std::size_t>(std::count(frame.begin(), frame.end(), std::byte{'p'}));
  }
  EXPECT_GE(page_bytes, 5000U);
  EXPECT_EQ(wire.count(base::Outcome::drop_blocked), 1U);
  wire.expect_conservation();
}

TEST(Worker, ObeysTheEnforcement) {
  struct Case {
    base::Enforcement enforcement;
    base::Outcome outcome;
    std::size_t forwarded;
    std::uint64_t requests;
  };
  const Case cases[] = {
      {base::Enforcement::enforce, base::Outcome::drop_blocked, 0, 1},
      {base::Enforcement::monitor, base::Outcome::forward_monitor, 1, 1},
      {base::Enforcement::bypass, base::Outcome::forward_bypass, 1, 0},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(base::to_string(row.enforcement));
    Wire wire({.enforcement = row.enforcement});
    wire.subscriber().send(request("listed.example"));
    wire.run();
    const auto out = wire.network().receive();
    EXPECT_EQ(static_cast<std::size_t>(std::count(out.begin(), out.end(), request("listed.example"))),
              row.forwarded);
    EXPECT_EQ(wire.count(row.outcome), 1U);
    EXPECT_EQ(wire.worker().counters().get(base::Counter::requests, base::index_of(base::Protocol::http),
                                           base::index_of(base::RequestVerdict::block)),
              row.requests);
    wire.expect_conservation();
  }
}

// A bare acknowledgement passes unread, unless its connection is blocked, even if the frame just before it
// blocked it.
TEST(Worker, AnAcknowledgementGoesWhereItsConnectionWent) {
  const auto acknowledgement = [](std::uint16_t port) {
    return PacketBuilder()
        .ethernet()
        .ipv4("10.0.0.1", "10.0.0.2")
        .tcp(port, 80)
        .seq(1057)
        .ack(2000)
        .flags("A")
        .build();
  };
  const Bytes listed = request("listed.example", "/", 40001);
  for (const std::uint16_t workers : {std::uint16_t{1}, std::uint16_t{2}}) {
    SCOPED_TRACE(workers);
    Wire wire({.workers = workers});
    wire.subscriber().send(acknowledgement(40000));
    wire.subscriber().send(acknowledgement(40001));
    wire.subscriber().send(listed);
    wire.subscriber().send(acknowledgement(40001));
    wire.subscriber().send(acknowledgement(40000));
    wire.run();
    const auto out = wire.network().receive();
    EXPECT_EQ(std::count(out.begin(), out.end(), acknowledgement(40000)), 2);
    EXPECT_EQ(std::count(out.begin(), out.end(), acknowledgement(40001)), 1);
    EXPECT_EQ(wire.count(base::Outcome::forward_not_candidate), 3U);
    EXPECT_EQ(wire.count(base::Outcome::drop_blocked), 1U);
    EXPECT_EQ(wire.count(base::Outcome::drop_blocked_flow), 1U);
    wire.expect_conservation();
  }
}

TEST(Worker, OnlyTheSubscribersRequestsAreLookedAt) {
  Wire wire;
  wire.network().send(request("listed.example"));
  wire.run();
  EXPECT_EQ(wire.subscriber().receive().size(), 1U);
  EXPECT_EQ(wire.count(base::Outcome::drop_blocked), 0U);
  wire.expect_conservation();
}

TEST(Worker, FullTransmitQueueDropsAndCounts) {
  constexpr unsigned kOut = 64;  // a ring of 64 holds 63
  constexpr unsigned kSent = 200;
  Wire wire({.out_size = kOut});
  for (unsigned i = 0; i < kSent; ++i) wire.subscriber().send(raw(100, i));
  wire.run();
  const auto out = wire.network().receive();
  ASSERT_EQ(out.size(), kOut - 1);
  for (unsigned i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], raw(100, i)) << "order is kept";
  EXPECT_EQ(wire.count(base::Outcome::drop_tx_full), kSent - (kOut - 1));
  wire.expect_conservation();
}

TEST(Worker, AnswersThatDoNotFitAreCounted) {
  constexpr unsigned kOut = 8;
  Wire wire({.out_size = kOut, .page_bytes = 13000});
  wire.subscriber().send(request("listed.example"));
  wire.run();
  EXPECT_EQ(wire.subscriber().receive().size(), kOut - 1);
  EXPECT_EQ(wire.count(base::Counter::injected, base::Towards::client), kOut - 1);
  EXPECT_GT(wire.count(base::Counter::inject_failed, base::Towards::client), 0U);
  wire.expect_conservation();
}

TEST(Worker, WithoutBuffersRequestsAreStillDropped) {
  Wire wire;
  wire.subscriber().send(request("listed.example"));
  std::vector<rte_mbuf*> hoard;
  while (rte_mbuf* mbuf = rte_pktmbuf_alloc(environment->pool())) hoard.push_back(mbuf);
  wire.run();
  for (rte_mbuf* mbuf : hoard) rte_pktmbuf_free(mbuf);
  EXPECT_TRUE(wire.network().receive().empty());
  EXPECT_EQ(wire.count(base::Outcome::drop_blocked), 1U);
  EXPECT_EQ(wire.count(base::Counter::inject_failed, base::Towards::client), 1U);
  wire.expect_conservation();
}

TEST(Worker, WithoutAListObeysTheSetting) {
  struct Case {
    const char* what;
    config::FailMode no_list;
    std::size_t forwarded;
    base::Outcome of_request;
    base::Outcome of_frame;
  };
  const Case cases[] = {
      {"open: as ever, requests are counted", config::FailMode::open, 3, base::Outcome::forward_no_list,
       base::Outcome::forward_not_ip},
      {"closed: nothing passes, neither way", config::FailMode::closed, 0, base::Outcome::drop_no_list,
       base::Outcome::drop_no_list},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.what);
    Wire wire({.fail = {.no_list = row.no_list}, .with_list = false});
    const Bytes arp = PacketBuilder().ethernet().arp_request("10.0.0.1", "10.0.0.2").build();
    wire.subscriber().send(request("listed.example"));
    wire.subscriber().send(arp);
    wire.network().send(arp);
    wire.run();
    EXPECT_EQ(wire.network().receive().size() + wire.subscriber().receive().size(), row.forwarded);
    EXPECT_GE(wire.count(row.of_request), 1U);
    EXPECT_GE(wire.count(row.of_frame), 2U);
    wire.expect_conservation();
    wire.publish(1);
    wire.subscriber().send(request("listed.example", "/again"));
    wire.subscriber().send(arp);
    wire.run();
    EXPECT_EQ(wire.network().receive().size(), row.no_list == config::FailMode::open ? 1U : 2U);
    wire.expect_conservation();
  }
}

TEST(Worker, ATrippedRuleDoesNotBlock) {
  for (const std::uint16_t workers : {std::uint16_t{1}, std::uint16_t{2}}) {
    Wire wire({.workers = workers});
    const std::vector<std::uint32_t> tripped{5, 7};  // 7 is the list's rule
    wire.trip({5, 6, 8});
    wire.subscriber().send(request("listed.example", "/first"));
    if (workers == 1) {
      wire.run();
      EXPECT_EQ(wire.count(base::Outcome::drop_blocked), 1U);
      // On another connection: the first one stays blocked.
      wire.trip(tripped);
      wire.subscriber().send(request("listed.example.", "/second", 40002));
    } else {
      wire.trip(tripped);
    }
    wire.run();
    EXPECT_EQ(wire.count(base::Outcome::forward_tripped), 1U);
    EXPECT_EQ(wire.count(base::Counter::blocked), workers == 1 ? 1U : 0U) << "what passes is not blocked";
    wire.expect_conservation();
    // Hits of tripped rules are still counted, so that an operator sees what they would block.
    std::uint32_t hits = 0;
    for (std::uint16_t i = 0; i < workers; ++i) {
      wire.worker(i).rule_hits().next_second([](const inspect::RuleHits::Hit&) {});
      wire.worker(i).rule_hits().next_second([&](const inspect::RuleHits::Hit& hit) {
        EXPECT_EQ(hit.rule.value, 7U);
        EXPECT_FALSE(hit.of_page);
        hits += hit.count;
      });
    }
    EXPECT_EQ(hits, workers == 1 ? 2U : 1U);
  }
}

TEST(Worker, MeasuresEachForwardedPacketIfEnabled) {
  for (const std::uint16_t workers : {std::uint16_t{1}, std::uint16_t{2}}) {
    Wire wire({.page_bytes = 5000, .workers = workers});
    const auto measured = [&] {
      std::uint64_t packets = 0;
      for (std::uint16_t i = 0; i < workers; ++i) {
        for (const std::uint64_t count : wire.worker(i).latency().values().counts) packets += count;
      }
      return packets;
    };
    wire.shared().measure_latency = true;
    for (unsigned i = 0; i < 200; ++i) wire.subscriber().send(raw(100, i));
    wire.subscriber().send(request("passed.example"));
    wire.subscriber().send(request("listed.example"));
    wire.network().send(raw(100, 1));
    wire.run();
    EXPECT_EQ(measured(), 202U) << "neither what is dropped nor what Weir makes";
    if (workers > 1) continue;
    wire.shared().measure_latency = false;
    wire.subscriber().send(raw(100, 1));
    wire.run();
    EXPECT_EQ(measured(), 202U);
  }
}

TEST(Worker, CountsTrafficByPort) {
  Wire wire;
  wire.subscriber().send(raw(100, 1));
  wire.subscriber().send(raw(50, 2));
  wire.network().send(raw(1000, 3), 300);
  wire.run();
  const auto subscriber = wire.worker().traffic(kSubscriber);
  const auto network = wire.worker().traffic(kNetwork);
  EXPECT_EQ(subscriber.received_packets, 2U);
  EXPECT_EQ(subscriber.received_bytes, 150U);
  EXPECT_EQ(subscriber.transmitted_packets, 1U);
  EXPECT_EQ(subscriber.transmitted_bytes, 1000U);
  EXPECT_EQ(network.received_bytes, 1000U);
  EXPECT_EQ(network.transmitted_packets, 2U);
  EXPECT_EQ(network.transmitted_bytes, 150U);
  EXPECT_GT(wire.worker().heartbeat(), 0U);
}

}  // namespace
}  // namespace weir::engine
