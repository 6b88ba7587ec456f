#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/engine/process/eal.h"
#include "dataplane/engine/process/eal_arguments.h"
#include "dataplane/engine/workers/worker.h"
#include "tests/support/packet_builder.h"
#include "tests/unit/dataplane/engine/snapshots/test_snapshot.h"

namespace weir::engine {

using test::Bytes;
using test::PacketBuilder;

inline constexpr unsigned kRingSize = 2048;

/// DPDK's environment without huge pages, once per program: it cannot be started twice.
class Environment : public testing::Environment {
 public:
  void SetUp() override {
    // The logger keeps the stdout of this moment; while a port opens, stdout is another stream.
    static_cast<void>(spdlog::default_logger());
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

inline Environment* const environment = [] {
  auto* made = new Environment;  // GoogleTest owns it
  testing::AddGlobalTestEnvironment(made);
  return made;
}();

/// An Ethernet port made of rings, two for each queue: workers receive what the test puts into `in`, and what
/// they send arrives in `out`.
class RingPort {
 public:
  explicit RingPort(unsigned out_size, std::uint16_t receive_queues = 1, std::uint16_t transmit_queues = 1) {
    // The device of a closed port keeps its name.
    static unsigned made = 0;
    const std::string name = "net_ring_test" + std::to_string(made++);
    const auto ring = [&](const char* way, unsigned queue, unsigned size) {
      return rte_ring_create((name + way + std::to_string(queue)).c_str(), size, 0,
                             RING_F_SP_ENQ | RING_F_SC_DEQ);
    };
    for (unsigned queue = 0; queue < receive_queues; ++queue) in_.push_back(ring("_in", queue, kRingSize));
    for (unsigned queue = 0; queue < transmit_queues; ++queue) out_.push_back(ring("_out", queue, out_size));
    const int port =
        rte_eth_from_rings(name.c_str(), in_.data(), receive_queues, out_.data(), transmit_queues, 0);
    EXPECT_GE(port, 0);
    id_ = static_cast<std::uint16_t>(port);
    const rte_eth_conf configuration{};
    EXPECT_EQ(rte_eth_dev_configure(id_, receive_queues, transmit_queues, &configuration), 0);
    for (std::uint16_t queue = 0; queue < receive_queues; ++queue) {
      EXPECT_EQ(rte_eth_rx_queue_setup(id_, queue, 256, 0, nullptr, environment->pool()), 0);
    }
    for (std::uint16_t queue = 0; queue < transmit_queues; ++queue) {
      EXPECT_EQ(rte_eth_tx_queue_setup(id_, queue, 256, 0, nullptr), 0);
    }
    EXPECT_EQ(rte_eth_dev_start(id_), 0);
  }
  ~RingPort() {
    receive();
    rte_eth_dev_stop(id_);
    rte_eth_dev_close(id_);
    for (rte_ring* ring : in_) rte_ring_free(ring);
    for (rte_ring* ring : out_) rte_ring_free(ring);
  }
  RingPort(const RingPort&) = delete;
  RingPort& operator=(const RingPort&) = delete;

  [[nodiscard]] std::uint16_t id() const { return id_; }
  [[nodiscard]] std::size_t receive_queues() const { return in_.size(); }

  /// A frame for put(), in buffers of `segment_bytes`.
  static rte_mbuf* make(const Bytes& frame, std::size_t segment_bytes = 2048) {
    rte_mbuf* first = nullptr;
    for (std::size_t at = 0; at < frame.size() || first == nullptr; at += segment_bytes) {
      const auto size = static_cast<std::uint16_t>(std::min(segment_bytes, frame.size() - at));
      rte_mbuf* segment = rte_pktmbuf_alloc(environment->pool());
      char* room = segment != nullptr ? rte_pktmbuf_append(segment, size) : nullptr;
      if (room == nullptr) return nullptr;
      std::copy_n(frame.data() + at, size, reinterpret_cast<std::byte*>(room));
      if (first == nullptr) {
        first = segment;
      } else if (rte_pktmbuf_chain(first, segment) != 0) {
        return nullptr;
      }
    }
    return first;
  }
  /// Puts a frame on the line.
  void put(rte_mbuf* frame, std::size_t queue = 0) {
    ASSERT_NE(frame, nullptr) << "no buffers";
    ASSERT_EQ(rte_ring_enqueue(in_[queue], frame), 0);
    ++sent_;
  }
  void send(const Bytes& frame, std::size_t segment_bytes = 2048, std::size_t queue = 0) {
    put(make(frame, segment_bytes), queue);
  }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }

  /// What was sent since the last call, queue by queue.
  std::vector<Bytes> receive() {
    std::vector<Bytes> frames;
    for (rte_ring* ring : out_) {
      void* object = nullptr;
      while (rte_ring_dequeue(ring, &object) == 0) frames.push_back(bytes_of(static_cast<rte_mbuf*>(object)));
    }
    return frames;
  }

 private:
  static Bytes bytes_of(rte_mbuf* mbuf) {
    Bytes frame;
    for (const rte_mbuf* segment = mbuf; segment != nullptr; segment = segment->next) {
      const auto* bytes = rte_pktmbuf_mtod(segment, const std::byte*);
      frame.insert(frame.end(), bytes, bytes + rte_pktmbuf_data_len(segment));
    }
    rte_pktmbuf_free(mbuf);
    return frame;
  }

  std::vector<rte_ring*> in_;
  std::vector<rte_ring*> out_;
  std::uint64_t sent_ = 0;
  std::uint16_t id_ = 0;
};

inline std::unique_ptr<const inspect::BlockPage> page(std::size_t body_bytes = 0) {
  auto made = inspect::BlockPage::make(
      {.status = 451, .body = std::string(body_bytes, 'p'), .redirect = {}, .blocked_by = {}});
  EXPECT_TRUE(made.ok());
  return std::make_unique<const inspect::BlockPage>(std::move(made).value());
}

struct WireOptions {
  config::Topology topology = config::Topology::inline_wire;
  base::Enforcement enforcement = base::Enforcement::enforce;
  unsigned out_size = kRingSize;
  std::size_t page_bytes = 0;
  std::uint16_t workers = 1;
  std::uint16_t queues = 1;  // of each port; if there are fewer than workers, they share transmit queues
  std::uint32_t steering_slots = 1024;
  config::FailSettings fail{};
  bool with_list = true;
  std::vector<RouterPort> router_ports{};  // topology routed only
  unsigned icmp_errors_per_second = 100;
};

/// Workers between two ports, with a list that contains listed.example. run() processes what was sent so far:
/// `stop` is set from the start, and a worker that stops still processes what has arrived.
class Wire {
 public:
  explicit Wire(const WireOptions& options = {})
      : in_use_before_(rte_mempool_in_use_count(environment->pool())),
        subscriber_(options.out_size, options.queues, options.queues),
        network_(options.out_size, options.queues, options.queues),
        readers_(options.workers),
        store_(readers_),
        steering_(make_steering(options)),
        routing_(make_routing(options)),
        shared_{.readers = readers_,
                .snapshots = store_,
                .page = Published<inspect::BlockPage>(readers_, page(options.page_bytes)),
                .tripped = Published<std::vector<std::uint32_t>>(readers_),
                .pool = environment->pool(),
                .steering = steering_.get(),
                .routing = routing_.get(),
                .enforcement = options.enforcement} {
    for (std::uint16_t index = 0; index < options.workers; ++index) {
      workers_.push_back(
          make_worker({.topology = options.topology,
                       .lcore = index,
                       .index = index,
                       .ports = {share(subscriber_, index, options), share(network_, index, options)},
                       .idle = config::Idle::busy,
                       .fail = options.fail,
                       .inspector = {}},
                      shared_));
    }
    if (options.with_list) publish(1);
    shared_.stop = true;
  }
  ~Wire() {
    workers_.clear();
    steering_.reset();
    subscriber_.receive();
    network_.receive();
    EXPECT_EQ(rte_mempool_in_use_count(environment->pool()), in_use_before_)
        << "buffers were lost or freed twice";
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void publish(std::uint64_t generation) {
    auto snapshot = Snapshot::load(file_of(snapshot_bytes(generation, {"hotline"}, "listed.example")).get());
    ASSERT_TRUE(snapshot.ok());
    ASSERT_TRUE(store_.publish(std::move(snapshot).value()).ok());
  }
  /// Tells the workers which rules are tripped.
  void trip(std::vector<std::uint32_t> rules) {
    ASSERT_TRUE(
        shared_.tripped.publish(std::make_unique<const std::vector<std::uint32_t>>(std::move(rules))));
  }
  /// Runs all workers, each on its own thread if there are several.
  void run() {
    if (workers_.size() == 1) return workers_.front()->run();
    start();
    stop();
  }
  /// Starts workers that run until stop(). Frames for them must be made before, and what they send must be
  /// received after stop(): ThreadSanitizer does not see how DPDK's libraries order the accesses.
  void start_for_long() {
    shared_.stop = false;
    start();
  }
  /// Waits until each packet has its outcome and each worker has then made two turns.
  void settle() const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (outcomes() != subscriber_.sent() + network_.sent()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "packets were lost";
      std::this_thread::yield();
    }
    for (const auto& worker : workers_) {
      const std::uint64_t begin = worker->heartbeat();
      while (worker->heartbeat() < begin + 2) std::this_thread::yield();
    }
  }
  void stop() {
    shared_.stop = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  RingPort& subscriber() { return subscriber_; }
  RingPort& network() { return network_; }
  WorkerShared& shared() { return shared_; }
  Routing& routing() { return *routing_; }
  Worker& worker(std::size_t index = 0) { return *workers_[index]; }
  const std::vector<std::unique_ptr<Worker>>& workers() { return workers_; }
  std::uint64_t count(base::Outcome outcome) const {
    return count(base::Counter::packets, base::index_of(outcome));
  }
  std::uint64_t count(base::Counter family, base::Towards towards) const {
    return count(family, base::index_of(towards));
  }
  std::uint64_t count(base::Counter family, std::size_t first = 0) const {
    std::uint64_t sum = 0;
    for (const auto& worker : workers_) sum += worker->counters().get(family, first);
    return sum;
  }

  [[nodiscard]] std::uint64_t outcomes() const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < base::kOutcomes.size(); ++i) sum += count(static_cast<base::Outcome>(i));
    return sum;
  }

  /// Received = sum of outcomes; sent = forwarded + injected.
  void expect_conservation() const {
    std::uint64_t forwarded = 0;
    for (std::size_t i = 0; i < base::kOutcomes.size(); ++i) {
      if (base::kOutcomes[i].name.starts_with("forward")) forwarded += count(static_cast<base::Outcome>(i));
    }
    std::uint64_t received = 0;
    std::uint64_t transmitted = 0;
    for (const auto& worker : workers_) {
      for (const std::size_t port : {kSubscriber, kNetwork}) {
        received += worker->traffic(port).received_packets;
        transmitted += worker->traffic(port).transmitted_packets;
      }
    }
    EXPECT_EQ(received, outcomes());
    std::uint64_t injected = 0;
    for (std::size_t i = 0; i < base::kTowards.size(); ++i) injected += count(base::Counter::injected, i);
    EXPECT_EQ(transmitted, forwarded + injected);
  }

 private:
  void start() {
    for (const auto& worker : workers_) threads_.emplace_back([&worker] { worker->run(); });
  }
  static std::unique_ptr<Steering> make_steering(const WireOptions& options) {
    if (options.workers == 1) return nullptr;
    auto made = Steering::make(options.workers, options.steering_slots);
    EXPECT_TRUE(made.ok()) << made.error().message;
    return made.ok() ? std::move(made).value() : nullptr;
  }
  static std::unique_ptr<Routing> make_routing(const WireOptions& options) {
    if (options.router_ports.empty()) return nullptr;
    return std::make_unique<Routing>(options.router_ports, options.icmp_errors_per_second);
  }
  WorkerPort share(const RingPort& port, std::uint16_t worker, const WireOptions& options) {
    return {.id = port.id(),
            .receives = worker < options.queues,
            .transmit_queue = static_cast<std::uint16_t>(worker % options.queues),
            .transmit_lock = options.queues < options.workers ? &transmit_lock_ : nullptr};
  }

  unsigned in_use_before_;
  RingPort subscriber_;
  RingPort network_;
  Readers readers_;
  SnapshotStore store_;
  std::unique_ptr<Steering> steering_;
  std::unique_ptr<Routing> routing_;
  WorkerShared shared_;
  rte_spinlock_t transmit_lock_ = RTE_SPINLOCK_INITIALIZER;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
};

}  // namespace weir::engine
