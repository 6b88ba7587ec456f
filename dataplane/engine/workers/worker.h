#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "config/settings.h"
#include "dataplane/base/enforcement.h"
#include "dataplane/counters/counters.h"
#include "dataplane/engine/ports/latency_histogram.h"
#include "dataplane/engine/ports/traffic_counters.h"
#include "dataplane/engine/routed/router.h"
#include "dataplane/engine/snapshots/published.h"
#include "dataplane/engine/snapshots/readers.h"
#include "dataplane/engine/snapshots/snapshot_store.h"
#include "dataplane/engine/workers/event_ring.h"
#include "dataplane/engine/workers/probe.h"
#include "dataplane/engine/workers/steering.h"
#include "dataplane/engine/workers/topology.h"
#include "dataplane/flow/accepted_connections.h"
#include "dataplane/inspect/answer/answer.h"
#include "dataplane/inspect/answer/answer_budget.h"
#include "dataplane/inspect/decision/rule_hits.h"
#include "dataplane/inspect/inspector.h"

struct rte_mempool;

namespace weir::engine {

/// What the workers share. The main thread writes, the workers read.
struct WorkerShared {
  /// The workers, by number.
  Readers& readers;
  SnapshotStore& snapshots;
  /// Never null.
  Published<inspect::BlockPage> page;
  /// Ids of the tripped rules, sorted. Null: none.
  Published<std::vector<std::uint32_t>> tripped;
  std::unique_ptr<flow::AcceptedConnections> accepted{};  // null: acknowledgements are not checked
  rte_mempool* pool = nullptr;
  Steering* steering = nullptr;  // null: one worker
  Routing* routing = nullptr;    // topology routed only
  std::atomic<base::Enforcement> enforcement{};
  std::atomic<bool> measure_latency{false};
  std::atomic<bool> stop{false};
};

/// The settings of one worker.
struct WorkerSettings {
  config::Topology topology = config::Topology::inline_wire;
  unsigned lcore = 1;
  std::uint16_t index = 0;  // its number as a worker, as a receive queue and as a reader
  std::array<WorkerPort, kPorts> ports;
  config::Idle idle = config::Idle::sleep;
  config::FailSettings fail;
  inspect::InspectorSettings inspector;
};

/// One lcore that processes packets, run to completion: receive, inspect (or hand off to the worker that owns
/// the addresses), forward or answer.
///
/// This class is what other threads see of a worker. A worker writes only to its own object. Other threads
/// read the counters, each of which has this one writer.
class alignas(64) Worker {
 public:
  virtual ~Worker() = default;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Works until `stop` is set. Then it processes what is left in its receive queues (bounded), and returns
  /// when no worker hands off any more.
  virtual void run() noexcept = 0;

  // For any thread.
  [[nodiscard]] unsigned lcore() const noexcept { return settings_.lcore; }
  [[nodiscard]] const base::Counters& counters() const noexcept { return counters_; }
  /// Only for its figures about flows.
  [[nodiscard]] const inspect::Inspector& inspector() const noexcept { return inspector_; }
  [[nodiscard]] TrafficCounters::Values traffic(std::size_t port) const noexcept {
    return traffic_[port].values();
  }
  [[nodiscard]] const LatencyHistogram& latency() const noexcept { return latency_; }
  /// Grows with every turn of the loop.
  [[nodiscard]] std::uint64_t heartbeat() const noexcept {
    return heartbeat_.load(std::memory_order_relaxed);
  }
  /// TSC cycles spent in turns that received something.
  [[nodiscard]] std::uint64_t busy_cycles() const noexcept {
    return busy_cycles_.load(std::memory_order_relaxed);
  }

  // For the main thread.
  /// Hits of the current second, for the breaker.
  [[nodiscard]] inspect::RuleHits& rule_hits() noexcept { return rule_hits_; }
  /// The listed requests that were dropped.
  [[nodiscard]] EventRing& events() noexcept { return events_; }
  /// A request of the self-test, which the worker decides between two bursts.
  [[nodiscard]] Probe& probe() noexcept { return probe_; }

 protected:
  Worker(const WorkerSettings& settings, WorkerShared& shared);

  WorkerSettings settings_;
  WorkerShared& shared_;
  base::Counters counters_;
  std::array<TrafficCounters, kPorts> traffic_;
  LatencyHistogram latency_;
  inspect::RuleHits rule_hits_;
  inspect::Inspector inspector_;
  inspect::AnswerBudget answer_budget_;
  EventRing events_;
  Probe probe_;
  alignas(64) std::atomic<std::uint64_t> heartbeat_{0};
  std::atomic<std::uint64_t> busy_cycles_{0};
};
static_assert(alignof(Worker) == 64, "no cache line is shared with another worker");

/// A worker of the topology that `settings` names. `shared` must outlive it.
std::unique_ptr<Worker> make_worker(const WorkerSettings& settings, WorkerShared& shared);

}  // namespace weir::engine
