#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <rte_mbuf.h>
#include <rte_spinlock.h>

#include "dataplane/base/towards.h"
#include "dataplane/counters/counters.h"
#include "dataplane/engine/ports/latency_histogram.h"
#include "dataplane/engine/ports/traffic_counters.h"
#include "dataplane/engine/ports/transmit_queue.h"
#include "dataplane/inspect/decision/verdict.h"
#include "dataplane/outcomes/outcome.h"

namespace weir::engine {

class Routing;

/// The two ports of a worker. Topology mirror: where the copies arrive, and where answers leave. Topology
/// routed with one arm has the first port only.
inline constexpr std::size_t kPorts = 2;
inline constexpr std::size_t kSubscriber = 0;
inline constexpr std::size_t kNetwork = 1;

/// One worker's share of a port.
struct WorkerPort {
  std::uint16_t id = 0;
  bool receives = true;  // from the receive queue with the worker's number
  std::uint16_t transmit_queue = 0;
  rte_spinlock_t* transmit_lock = nullptr;  // if workers share the transmit queue
};

/// The bytes of a frame in one piece.
class FrameReader {
 public:
  FrameReader() : copy_(kCopyBytes) {}

  /// The frame's own bytes if it has one buffer. Else a copy, valid until the next call, which is cut after
  /// the largest IP packet.
  std::span<const std::byte> read(const rte_mbuf* frame) noexcept {
    if (frame->nb_segs == 1) {
      return {rte_pktmbuf_mtod(frame, const std::byte*), rte_pktmbuf_data_len(frame)};
    }
    return read_segments(frame);
  }

 private:
  /// The largest IP packet and its link headers.
  static constexpr std::size_t kCopyBytes = 65535 + 256;

  std::span<const std::byte> read_segments(const rte_mbuf* frame) noexcept {
    const std::uint32_t size = std::min(rte_pktmbuf_pkt_len(frame), static_cast<std::uint32_t>(copy_.size()));
    const void* const bytes = rte_pktmbuf_read(frame, 0, size, copy_.data());
    if (bytes == nullptr) return {};
    return {static_cast<const std::byte*>(bytes), size};
  }

  std::vector<std::byte> copy_;
};

/// The ways out of a worker: its transmit queue at each port, or the end of a frame.
class FrameExits {
 public:
  FrameExits(const std::array<WorkerPort, kPorts>& ports, base::Counters& counters,
             std::array<TrafficCounters, kPorts>& traffic) noexcept
      : counters_(counters),
        queues_{TransmitQueue(ports[kSubscriber].id, ports[kSubscriber].transmit_queue,
                              ports[kSubscriber].transmit_lock, counters, traffic[kSubscriber]),
                TransmitQueue(ports[kNetwork].id, ports[kNetwork].transmit_queue,
                              ports[kNetwork].transmit_lock, counters, traffic[kNetwork])} {}

  [[nodiscard]] TransmitQueue& operator[](std::size_t port) noexcept { return queues_[port]; }

  /// Frees a received frame and counts its outcome.
  void discard(rte_mbuf* frame, base::Outcome outcome) noexcept {
    counters_.add(outcome);
    rte_pktmbuf_free(frame);
  }
  void discard(std::span<rte_mbuf*> frames, base::Outcome outcome) noexcept {
    counters_.add(outcome, frames.size());
    rte_pktmbuf_free_bulk(frames.data(), static_cast<unsigned>(frames.size()));
  }
  /// Counts a frame of Weir's own that cannot be sent.
  void count_not_sent(base::Towards towards) noexcept {
    counters_.add(base::Counter::inject_failed, base::index_of(towards));
  }

  void flush() noexcept {
    for (TransmitQueue& queue : queues_) queue.flush();
  }
  void measure(LatencyHistogram* latency, double nanoseconds_per_cycle) noexcept {
    for (TransmitQueue& queue : queues_) queue.measure(latency, nanoseconds_per_cycle);
  }

 private:
  base::Counters& counters_;
  std::array<TransmitQueue, kPorts> queues_;
};

/// What a topology is made from. All references must outlive it.
struct TopologyParts {
  const std::array<WorkerPort, kPorts>& ports;
  base::Counters& counters;
  std::array<TrafficCounters, kPorts>& traffic;
  FrameReader& reader;
  rte_mempool* pool = nullptr;
  Routing* routing = nullptr;  // topology routed only
  std::uint16_t worker = 0;
};

/// What a worker does differently in each topology. It is dispatched statically: each topology has its own
/// worker loop. No function throws.
template <class T>
concept WorkerTopology = std::constructible_from<T, const TopologyParts&> &&
    requires(T topology, std::size_t port, rte_mbuf* frame, std::span<rte_mbuf*> frames,
             std::span<rte_mbuf* const> burst, base::Outcome outcome, std::uint64_t cycles,
             base::Towards towards, std::chrono::nanoseconds now) {
  /// Received frames are copies of packets that the server has already.
  { T::kFramesAreCopies } -> std::convertible_to<bool>;
  /// Called at every turn of the loop, before frames are received.
  topology.begin_turn(now);
  /// Ends the frames that are not to be inspected, and moves the others to the front, in order. Returns their
  /// number.
  { topology.admit(port, frames, now) } -> std::same_as<std::size_t>;
  { topology.direction_of(port) } -> std::same_as<inspect::Direction>;
  /// Ends frames from `port` that are not to be dropped.
  topology.pass_on(port, frame, outcome, cycles);
  topology.pass_on(port, burst, outcome, cycles);
  /// Ends a frame that is to be dropped.
  topology.discard(frame, outcome);
  /// Sends an answer to a frame from `port`.
  topology.send_answer(port, frame, towards);
  { topology.exits() } -> std::same_as<FrameExits&>;
};

}  // namespace weir::engine
