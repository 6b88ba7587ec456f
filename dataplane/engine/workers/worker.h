#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "config/settings.h"
#include "dataplane/base/counters.h"
#include "dataplane/base/outcome.h"
#include "dataplane/engine/ports/latency_histogram.h"
#include "dataplane/engine/ports/mbuf_pool.h"
#include "dataplane/engine/ports/traffic_counters.h"
#include "dataplane/engine/ports/transmit_queue.h"
#include "dataplane/engine/routed/router.h"
#include "dataplane/engine/snapshots/snapshot_store.h"
#include "dataplane/engine/workers/event_ring.h"
#include "dataplane/engine/workers/idle_policy.h"
#include "dataplane/engine/workers/probe.h"
#include "dataplane/engine/workers/steering.h"
#include "dataplane/inspect/answer/answer.h"
#include "dataplane/inspect/decision/rule_hits.h"
#include "dataplane/inspect/inspector.h"

struct rte_mbuf;
struct rte_mempool;

namespace weir::engine {

/// What the workers share. The main thread writes the atomics, the workers read them.
struct WorkerShared {
  SnapshotStore& snapshots;
  /// Kept as long as a snapshot that was in force; never null.
  std::atomic<const inspect::BlockPage*> page;
  rte_mempool* pool;
  Steering* steering;          // null: one worker
  Routing* routing = nullptr;  // of mode routed alone
  std::atomic<base::Enforcement> enforcement;
  /// Rules that do not hold, sorted; null: none. Kept as long as a snapshot that was in force.
  std::atomic<const std::vector<std::uint32_t>*> tripped{nullptr};
  std::atomic<bool> measure_latency{false};
  std::atomic<bool> stop{false};
};

/// One worker's share of a port.
struct WorkerPort {
  std::uint16_t id = 0;
  bool receives = true;  // from the queue of the worker's number
  std::uint16_t transmit_queue = 0;
  rte_spinlock_t* transmit_lock = nullptr;  // where the queue is shared
};

/// One worker's own settings.
struct WorkerSettings {
  config::Topology topology = config::Topology::inline_wire;
  unsigned lcore = 1;
  std::uint16_t index = 0;  // among the workers, the receive queues and the snapshot's readers
  WorkerPort subscriber;    // in mode mirror: the copy's; in mode routed with one arm: the only one
  WorkerPort network;       // in mode mirror: the answers'; with one arm not used
  config::Idle idle = config::Idle::sleep;
  config::FailSettings fail;
  inspect::InspectorSettings inspector;
};

/// One lcore of the wire, run to completion: receive, inspect (or hand over to the worker whose flow it is),
/// forward or answer. Everything that it writes is in this object; other threads read only the counters, each
/// of which has this one writer.
class alignas(64) Worker {
 public:
  static constexpr std::size_t kPorts = 2;
  static constexpr std::size_t kSubscriber = 0;
  static constexpr std::size_t kNetwork = 1;

  Worker(const WorkerSettings& settings, WorkerShared& shared);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Works until `stop` is set, then takes what still stands in the receive queues (bounded) and sends it;
  /// ends when the other workers have passed on what they had.
  void run() noexcept;

  // For any thread.
  [[nodiscard]] unsigned lcore() const noexcept { return settings_.lcore; }
  [[nodiscard]] const base::Counters& counters() const noexcept { return counters_; }
  /// For its flow figures.
  [[nodiscard]] const inspect::Inspector& inspector() const noexcept { return inspector_; }
  [[nodiscard]] TrafficCounters::Values traffic(std::size_t port) const noexcept {
    return traffic_[port].values();
  }
  [[nodiscard]] const LatencyHistogram& latency() const noexcept { return latency_; }
  /// For the thread that counts the seconds.
  [[nodiscard]] inspect::RuleHits& rule_hits() noexcept { return rule_hits_; }
  /// For the main thread, which takes them: the listed requests that were dropped.
  [[nodiscard]] EventRing& events() noexcept { return events_; }
  /// For the main thread: what this worker is to decide beside its packets.
  [[nodiscard]] Probe& probe() noexcept { return probe_; }
  /// Grows with every turn of the loop.
  [[nodiscard]] std::uint64_t heartbeat() const noexcept {
    return heartbeat_.load(std::memory_order_relaxed);
  }
  /// TSC cycles spent in turns that received something.
  [[nodiscard]] std::uint64_t busy_cycles() const noexcept {
    return busy_cycles_.load(std::memory_order_relaxed);
  }

 private:
  /// Most bytes of a frame of several buffers that are inspected: the largest IP packet and its link headers.
  static constexpr std::size_t kCopyBytes = 65535 + 256;

  /// What holds for all packets of a burst.
  struct Moment {
    std::chrono::nanoseconds now;
    const match::SnapshotView* snapshot;
    base::Enforcement enforcement;
    std::uint64_t received_cycles;
  };
  /// What is to be passed to one other worker at the end of the burst.
  struct Outbox {
    std::array<Handoff, kBurst> packets;
    std::size_t count = 0;
  };
  static constexpr PacketLender::Stock kLentPackets{.ordinary = 256, .large = 8};

  bool poll(std::uint64_t now_cycles) noexcept;
  void drain() noexcept;
  [[nodiscard]] Moment moment(std::uint64_t now_cycles) noexcept;
  void process(std::size_t from, std::array<rte_mbuf*, kBurst>& frames, std::uint16_t count,
               const Moment& moment) noexcept;
  [[nodiscard]] proto::PacketView parse(rte_mbuf* frame) noexcept;
  /// Notes what of a burst passes unread, parses the rest into views_, but for frames of several buffers, and
  /// has the state of its flows fetched.
  void announce(std::size_t from, std::span<rte_mbuf* const> frames) noexcept;
  /// Of the frame at this place of the burst that was announced. Frames of several buffers share one copy, so
  /// each is parsed when its turn has come; so is what was to pass unread until one before it was blocked.
  const proto::PacketView& view_of(std::size_t place, rte_mbuf* frame) noexcept;
  /// Whether the frame goes on whatever is in it, and is no other worker's.
  [[nodiscard]] bool passes_unread(std::size_t from, rte_mbuf* frame,
                                   inspect::Direction direction) const noexcept;
  /// How many frames from this place of the announced burst on pass unread.
  [[nodiscard]] std::size_t count_unread(std::size_t from, std::span<rte_mbuf* const> frames,
                                         std::size_t place) const noexcept;
  void process_frame(std::size_t from, rte_mbuf* frame, const proto::PacketView& packet,
                     const Moment& moment) noexcept;
  void finish(std::size_t from, rte_mbuf* frame, const proto::PacketView& packet,
              const inspect::Verdict& verdict, const Moment& moment) noexcept;
  /// Ends a packet that goes on: out of the other port, or what the mode has in its place.
  void pass_on(std::size_t from, rte_mbuf* frame, base::Outcome outcome,
               std::uint64_t received_cycles) noexcept;
  /// The same for several of one burst.
  void pass_on(std::size_t from, std::span<rte_mbuf* const> frames, base::Outcome outcome,
               std::uint64_t received_cycles) noexcept;
  /// Ends a packet that does not.
  void discard(rte_mbuf* frame, base::Outcome outcome) noexcept;
  void answer(std::size_t from, const proto::PacketView& packet, const inspect::Verdict& verdict) noexcept;
  void answer_probe(const Moment& moment) noexcept;
  std::span<const std::byte> contiguous(rte_mbuf* frame) noexcept;
  void idle(bool received) noexcept;

  // What the modes other than inline do otherwise (worker_modes.cpp).
  /// Ends what the mode does not look at; what is left stands at the front, in order. Returns how many.
  [[nodiscard]] std::uint16_t admit(std::size_t from, std::span<rte_mbuf*> frames,
                                    const Moment& moment) noexcept;
  [[nodiscard]] inspect::Direction direction_of(std::size_t from) const noexcept;
  [[nodiscard]] std::size_t exit_of_answer(std::size_t from, base::Towards towards) const noexcept;
  [[nodiscard]] inspect::Verdict as_answered(const inspect::Verdict& verdict) const noexcept;

  // In mode routed (worker_routed.cpp).
  [[nodiscard]] std::uint16_t admit_routed(std::size_t from, std::span<rte_mbuf*> frames,
                                           const Moment& moment) noexcept;
  void reply(std::size_t from, rte_mbuf* frame, const Router::Admission& admission) noexcept;
  void send_on(std::size_t from, rte_mbuf* frame, base::Outcome outcome,
               std::uint64_t received_cycles) noexcept;
  void ask_next_hops(const Moment& moment) noexcept;
  /// Where the frame cannot be directed to the next hop behind `exit`, it is counted and given back.
  [[nodiscard]] bool direct(std::size_t exit, rte_mbuf* frame) noexcept;

  // With several workers (worker_steering.cpp).
  [[nodiscard]] unsigned owner_of(const proto::PacketView& packet) const noexcept;
  /// A packet from the subscribers that is this worker's own.
  void process_own(rte_mbuf* frame, const proto::PacketView& packet, const Moment& moment) noexcept;
  void process_lent(const Handoff& handoff, const Moment& moment) noexcept;
  void lend(unsigned owner, rte_mbuf* frame, const proto::PacketView& whole, const Moment& moment) noexcept;
  void hand_off(unsigned owner, const Handoff& handoff) noexcept;
  void refuse_handoff(const Handoff& handoff) noexcept;
  bool take_handoffs(const Moment& moment) noexcept;
  void process_handoffs(std::span<const Handoff> packets, const Moment& moment) noexcept;
  void flush_handoffs(unsigned owner) noexcept;
  void end_handoffs() noexcept;

  WorkerSettings settings_;
  WorkerShared& shared_;
  std::array<WorkerPort, kPorts> ports_;
  base::Counters counters_;
  std::array<TrafficCounters, kPorts> traffic_;
  std::array<TransmitQueue, kPorts> out_;
  LatencyHistogram latency_;
  inspect::RuleHits rule_hits_;
  inspect::Inspector inspector_;
  std::optional<Router> router_;  // of mode routed alone
  IdlePolicy idle_policy_;
  double nanoseconds_per_cycle_;
  std::array<proto::PacketView, kBurst> views_;  // of the burst at hand
  std::array<bool, kBurst> unread_{};            // holds as long as the inspector's blocks() are these
  std::uint64_t blocks_ = 0;
  std::vector<std::byte> copy_;
  std::vector<Outbox> outboxes_;  // by worker
  PacketLender lender_;

  EventRing events_;
  Probe probe_;
  alignas(64) std::atomic<std::uint64_t> heartbeat_{0};
  std::atomic<std::uint64_t> busy_cycles_{0};
};
static_assert(alignof(Worker) == 64 && sizeof(Worker) % 64 == 0,
              "no cache line is shared with another worker");

}  // namespace weir::engine
