#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/counters.h"
#include "base/outcome.h"
#include "config/settings.h"
#include "engine/idle_policy.h"
#include "engine/mbuf_pool.h"
#include "engine/snapshot_store.h"
#include "engine/traffic_counters.h"
#include "engine/transmit_queue.h"
#include "inspect/answer.h"
#include "inspect/inspector.h"

struct rte_mbuf;
struct rte_mempool;

namespace weir::engine {

/// What the workers share. The main thread writes the atomics, the workers read them.
struct WorkerShared {
  SnapshotStore& snapshots;
  const inspect::BlockPage& page;
  rte_mempool* pool;
  std::atomic<base::Enforcement> enforcement;
  std::atomic<bool> stop{false};
};

/// One worker's own settings.
struct WorkerSettings {
  unsigned lcore = 1;
  std::uint16_t index = 0;  // its queue at every port, and its number among the snapshot's readers
  std::uint16_t subscriber_port = 0;
  std::uint16_t network_port = 0;
  config::Idle idle = config::Idle::sleep;
  inspect::InspectorSettings inspector;
};

/// One lcore of the wire, run to completion: receive, inspect, forward or answer. Everything that it writes
/// is in this object; other threads read only the counters, each of which has this one writer.
class alignas(64) Worker {
 public:
  static constexpr std::size_t kPorts = 2;  // 0: subscriber, 1: network

  Worker(const WorkerSettings& settings, WorkerShared& shared);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Works until `stop` is set, then takes what still stands in the receive queues (bounded) and sends it.
  void run() noexcept;

  // For any thread.
  [[nodiscard]] unsigned lcore() const noexcept { return settings_.lcore; }
  [[nodiscard]] const base::Counters& counters() const noexcept { return counters_; }
  /// For its flow figures.
  [[nodiscard]] const inspect::Inspector& inspector() const noexcept { return inspector_; }
  [[nodiscard]] TrafficCounters::Values traffic(std::size_t port) const noexcept {
    return traffic_[port].values();
  }
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

  bool poll(std::uint64_t now_cycles) noexcept;
  void process(std::size_t from, std::array<rte_mbuf*, kBurst>& frames, std::uint16_t count,
               std::uint64_t now_cycles) noexcept;
  void process_frame(std::size_t from, rte_mbuf* frame, std::chrono::nanoseconds now,
                     const match::SnapshotView* snapshot, base::Enforcement enforcement) noexcept;
  void answer(std::size_t from, const proto::PacketView& packet, const inspect::Verdict& verdict) noexcept;
  std::span<const std::byte> contiguous(rte_mbuf* frame) noexcept;
  void idle(bool received) noexcept;

  WorkerSettings settings_;
  WorkerShared& shared_;
  std::array<std::uint16_t, kPorts> ports_;
  base::Counters counters_;
  std::array<TrafficCounters, kPorts> traffic_;
  std::array<TransmitQueue, kPorts> out_;
  inspect::Inspector inspector_;
  IdlePolicy idle_policy_;
  double nanoseconds_per_cycle_;
  std::vector<std::byte> copy_;

  alignas(64) std::atomic<std::uint64_t> heartbeat_{0};
  std::atomic<std::uint64_t> busy_cycles_{0};
};
static_assert(alignof(Worker) == 64 && sizeof(Worker) % 64 == 0,
              "no cache line is shared with another worker");

}  // namespace weir::engine
