#pragma once

#include <array>
#include <cstdint>
#include <span>

#include <rte_spinlock.h>

#include "dataplane/base/towards.h"
#include "dataplane/counters/counters.h"
#include "dataplane/engine/ports/latency_histogram.h"
#include "dataplane/engine/ports/traffic_counters.h"
#include "dataplane/outcomes/outcome.h"

struct rte_mbuf;

namespace weir::engine {

/// One worker's transmit queue of one port: collects frames, sends them in bursts, and counts each frame's
/// outcome once it is certain. Keeps the order. Not thread safe.
class TransmitQueue {
 public:
  /// `lock`: held while sending, if workers share the device's queue; else null.
  TransmitQueue(std::uint16_t port, std::uint16_t queue, rte_spinlock_t* lock, base::Counters& counters,
                TrafficCounters& traffic) noexcept
      : counters_(counters), traffic_(traffic), lock_(lock), port_(port), queue_(queue) {}

  /// Takes over a received frame. Counts `outcome` when it was sent, drop_tx_full if it could not be sent.
  void forward(rte_mbuf* frame, base::Outcome outcome, std::uint64_t received_cycles) noexcept {
    received_cycles_[count_] = received_cycles;
    push(frame, static_cast<std::uint8_t>(base::index_of(outcome)));
  }
  /// The same for several frames that were received together.
  void forward(std::span<rte_mbuf* const> frames, base::Outcome outcome,
               std::uint64_t received_cycles) noexcept;
  /// Takes over a frame that Weir made.
  void inject(rte_mbuf* frame, base::Towards towards) noexcept {
    received_cycles_[count_] = count_ == 0 ? 0 : received_cycles_[count_ - 1];
    push(frame, static_cast<std::uint8_t>(kInjected + base::index_of(towards)));
  }
  /// Sends what was collected. If the device's queue stays full after some tries, the rest is dropped:
  /// waiting would only move the loss to the receive queue.
  void flush() noexcept;

  /// From now on counts the time that forwarded frames took in `latency`; null: does not.
  void measure(LatencyHistogram* latency, double nanoseconds_per_cycle) noexcept {
    latency_ = latency;
    nanoseconds_per_cycle_ = nanoseconds_per_cycle;
  }

 private:
  static constexpr std::uint16_t kCapacity = 64;
  static constexpr unsigned kTriesWithoutProgress = 8;
  /// The kind of a frame: an Outcome, or kInjected plus a Towards.
  static constexpr std::uint8_t kInjected = 0x80;
  static_assert(base::kOutcomes.size() <= kInjected);

  void push(rte_mbuf* frame, std::uint8_t kind) noexcept {
    frames_[count_] = frame;
    kinds_[count_] = kind;
    if (++count_ == kCapacity) flush();
  }
  void count(std::uint8_t kind, bool sent, std::uint64_t frames) noexcept;
  std::uint16_t send() noexcept;
  void measure(std::uint16_t sent) noexcept;

  base::Counters& counters_;
  TrafficCounters& traffic_;
  rte_spinlock_t* lock_;
  std::uint16_t port_;
  std::uint16_t queue_;
  std::uint16_t count_ = 0;
  std::array<rte_mbuf*, kCapacity> frames_{};
  std::array<std::uint8_t, kCapacity> kinds_{};
  std::array<std::uint64_t, kCapacity> received_cycles_{};
  LatencyHistogram* latency_ = nullptr;
  double nanoseconds_per_cycle_ = 0;
};

}  // namespace weir::engine
