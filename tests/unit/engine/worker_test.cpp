#include "engine/worker.h"

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>

#include <gtest/gtest.h>

#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "engine/eal.h"
#include "engine/eal_arguments.h"
#include "support/packet_builder.h"
#include "unit/engine/test_snapshot.h"

namespace weir::engine {
namespace {

using test::Bytes;
using test::PacketBuilder;

constexpr unsigned kRingSize = 2048;
constexpr std::size_t kSubscriber = 0;
constexpr std::size_t kNetwork = 1;

/// DPDK's environment without huge pages, once for the program: it cannot be started twice.
class Environment : public testing::Environment {
 public:
  void SetUp() override {
    auto arguments = eal_arguments({.user = {"--no-huge", "-m", "128"},
                                    .workers = {usable_cpus().front()},
                                    .pci_devices = {},
                                    .socket = "/run/weir/unit-test.sock",
                                    .cpus = usable_cpus()});
    ASSERT_TRUE(arguments.ok()) << arguments.error().message;
    auto eal = Eal::start(std::move(arguments).value(), log_);
    ASSERT_TRUE(eal.ok()) << eal.error().message;
    eal_ = std::move(eal).value();
    auto pool = make_mbuf_pool({.count = 8192, .frame_bytes = 2048}, log_);
    ASSERT_TRUE(pool.ok()) << pool.error().message;
    pool_ = std::move(pool).value();
  }
  void TearDown() override {
    pool_.reset();
    eal_.reset();
  }
  [[nodiscard]] rte_mempool* pool() const { return pool_.get(); }

 private:
  LogCapture log_;
  std::unique_ptr<Eal> eal_;
  MbufPool pool_;
};

Environment* const environment = [] {
  auto* made = new Environment;  // GoogleTest owns it
  testing::AddGlobalTestEnvironment(made);
  return made;
}();

/// An Ethernet port of two rings: what the test puts into `in` is received, what is sent comes to `out`.
class RingPort {
 public:
  explicit RingPort(unsigned out_size) {
    // A closed port's device keeps its name.
    static unsigned made = 0;
    const std::string name = "net_ring_test" + std::to_string(made++);
    in_ = rte_ring_create((name + "_in").c_str(), kRingSize, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
    out_ = rte_ring_create((name + "_out").c_str(), out_size, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
    const int port = rte_eth_from_rings(name.c_str(), &in_, 1, &out_, 1, 0);
    EXPECT_GE(port, 0);
    id_ = static_cast<std::uint16_t>(port);
    const rte_eth_conf configuration{};
    EXPECT_EQ(rte_eth_dev_configure(id_, 1, 1, &configuration), 0);
    EXPECT_EQ(rte_eth_rx_queue_setup(id_, 0, 256, 0, nullptr, environment->pool()), 0);
    EXPECT_EQ(rte_eth_tx_queue_setup(id_, 0, 256, 0, nullptr), 0);
    EXPECT_EQ(rte_eth_dev_start(id_), 0);
  }
  ~RingPort() {
    receive();
    rte_eth_dev_stop(id_);
    rte_eth_dev_close(id_);
    rte_ring_free(in_);
    rte_ring_free(out_);
  }
  RingPort(const RingPort&) = delete;
  RingPort& operator=(const RingPort&) = delete;

  [[nodiscard]] std::uint16_t id() const { return id_; }

  /// Puts a frame on the line, in buffers of `segment_bytes`.
  void send(const Bytes& frame, std::size_t segment_bytes = 2048) {
    rte_mbuf* first = nullptr;
    for (std::size_t at = 0; at < frame.size() || first == nullptr; at += segment_bytes) {
      const auto size = static_cast<std::uint16_t>(std::min(segment_bytes, frame.size() - at));
      rte_mbuf* segment = rte_pktmbuf_alloc(environment->pool());
      ASSERT_NE(segment, nullptr);
      char* room = rte_pktmbuf_append(segment, size);
      ASSERT_NE(room, nullptr);
      std::copy_n(frame.data() + at, size, reinterpret_cast<std::byte*>(room));
      if (first == nullptr) {
        first = segment;
      } else {
        ASSERT_EQ(rte_pktmbuf_chain(first, segment), 0);
      }
    }
    ASSERT_EQ(rte_ring_enqueue(in_, first), 0);
  }

  /// What came out since the last call.
  std::vector<Bytes> receive() {
    std::vector<Bytes> frames;
    void* object = nullptr;
    while (rte_ring_dequeue(out_, &object) == 0) {
      auto* mbuf = static_cast<rte_mbuf*>(object);
      Bytes frame;
      for (const rte_mbuf* segment = mbuf; segment != nullptr; segment = segment->next) {
        const auto* bytes = rte_pktmbuf_mtod(segment, const std::byte*);
        frame.insert(frame.end(), bytes, bytes + rte_pktmbuf_data_len(segment));
      }
      frames.push_back(std::move(frame));
      rte_pktmbuf_free(mbuf);
    }
    return frames;
  }

 private:
  rte_ring* in_ = nullptr;
  rte_ring* out_ = nullptr;
  std::uint16_t id_ = 0;
};

inspect::BlockPage page(std::size_t body_bytes = 0) {
  auto made = inspect::BlockPage::make(
      {.status = 451, .body = std::string(body_bytes, 'p'), .redirect = {}, .blocked_by = {}});
  EXPECT_TRUE(made.ok());
  return std::move(made).value();
}

/// A wire of one worker. run() lets it take what is there, on the test's own thread: `stop` is set from the
/// start, and a worker that stops still sends on what has arrived.
class Wire {
 public:
  explicit Wire(base::Enforcement enforcement = base::Enforcement::enforce, unsigned out_size = kRingSize,
                inspect::BlockPage block_page = page())
      : in_use_before_(rte_mempool_in_use_count(environment->pool())),
        page_(std::move(block_page)),
        subscriber_(out_size),
        network_(out_size),
        store_(1),
        shared_{.snapshots = store_, .page = page_, .pool = environment->pool(), .enforcement = enforcement},
        worker_(WorkerSettings{.lcore = 0,
                               .index = 0,
                               .subscriber_port = subscriber_.id(),
                               .network_port = network_.id(),
                               .idle = config::Idle::busy,
                               .inspector = {}},
                shared_) {
    auto snapshot = Snapshot::load(file_of(snapshot_bytes(1, {"hotline"}, "listed.example")).get());
    EXPECT_TRUE(snapshot.ok());
    if (snapshot.ok()) {
      EXPECT_TRUE(store_.publish(std::move(snapshot).value()).ok());
    }
    shared_.stop = true;
  }
  ~Wire() {
    subscriber_.receive();
    network_.receive();
    EXPECT_EQ(rte_mempool_in_use_count(environment->pool()), in_use_before_)
        << "buffers were lost or freed twice";
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void run() { worker_.run(); }
  RingPort& subscriber() { return subscriber_; }
  RingPort& network() { return network_; }
  Worker& worker() { return worker_; }
  std::uint64_t count(base::Outcome outcome) { return worker_.counters().get(outcome); }
  std::uint64_t count(base::Family family, base::Towards towards) {
    return worker_.counters().get(family, base::index_of(towards));
  }

  /// Received = sum of outcomes; sent = forwarded + injected.
  void expect_conservation() {
    std::uint64_t outcomes = 0;
    std::uint64_t dropped = 0;
    for (std::size_t i = 0; i < base::kOutcomes.size(); ++i) {
      const std::uint64_t value = count(static_cast<base::Outcome>(i));
      outcomes += value;
      if (base::kOutcomes[i].name.substr(0, 4) == "drop") dropped += value;
    }
    const auto in = worker_.traffic(kSubscriber);
    const auto out = worker_.traffic(kNetwork);
    EXPECT_EQ(in.received_packets + out.received_packets, outcomes);
    EXPECT_EQ(in.transmitted_packets + out.transmitted_packets,
              outcomes - dropped + count(base::Family::injected, base::Towards::client) +
                  count(base::Family::injected, base::Towards::server));
  }

 private:
  unsigned in_use_before_;
  inspect::BlockPage page_;
  RingPort subscriber_;
  RingPort network_;
  SnapshotStore store_;
  WorkerShared shared_;
  Worker worker_;
};

// Each host's on a connection of its own: what contradicts bytes that were seen before is dropped.
Bytes request(std::string_view host, std::string_view path = "/") {
  return PacketBuilder()
      .ethernet()
      .ipv4("10.0.0.1", "10.0.0.2")
      .tcp(host.starts_with("listed") ? 40001 : 40000, 80)
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

TEST(Worker, EveryFrameThatIsNoListedRequestComesOutUnchanged) {
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
  Wire wire(base::Enforcement::enforce, kRingSize, page(5000));
  const Bytes listed = request("listed.example", "/secret");
  wire.subscriber().send(request("passed.example"));
  wire.subscriber().send(listed);
  wire.run();
  const auto to_server = wire.network().receive();
  const auto to_client = wire.subscriber().receive();
  EXPECT_EQ(std::count(to_server.begin(), to_server.end(), listed), 0);
  EXPECT_EQ(std::count(to_server.begin(), to_server.end(), request("passed.example")), 1);
  EXPECT_EQ(to_server.size(), 1 + wire.count(base::Family::injected, base::Towards::server));
  EXPECT_EQ(to_client.size(), wire.count(base::Family::injected, base::Towards::client));
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

TEST(Worker, ModesAreObeyed) {
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
    Wire wire(row.enforcement);
    wire.subscriber().send(request("listed.example"));
    wire.run();
    const auto out = wire.network().receive();
    EXPECT_EQ(static_cast<std::size_t>(std::count(out.begin(), out.end(), request("listed.example"))),
              row.forwarded);
    EXPECT_EQ(wire.count(row.outcome), 1U);
    EXPECT_EQ(wire.worker().counters().get(base::Family::requests, base::index_of(base::Protocol::http),
                                           base::index_of(base::RequestVerdict::block)),
              row.requests);
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
  Wire wire(base::Enforcement::enforce, kOut);
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
  Wire wire(base::Enforcement::enforce, kOut, page(13000));
  wire.subscriber().send(request("listed.example"));
  wire.run();
  EXPECT_EQ(wire.subscriber().receive().size(), kOut - 1);
  EXPECT_EQ(wire.count(base::Family::injected, base::Towards::client), kOut - 1);
  EXPECT_GT(wire.count(base::Family::inject_failed, base::Towards::client), 0U);
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
  EXPECT_EQ(wire.count(base::Family::inject_failed, base::Towards::client), 1U);
  wire.expect_conservation();
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
