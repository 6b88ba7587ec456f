#pragma once

#include <array>
#include <cstdint>
#include <span>

#include <rte_spinlock.h>

#include "dataplane/base/counters.h"
#include "dataplane/base/outcome.h"
#include "dataplane/engine/ports/latency_histogram.h"
#include "dataplane/engine/ports/traffic_counters.h"

struct rte_mbuf;

namespace weir::engine {

/// One worker's way out of one port: gathers frames, sends them in bursts, and counts what became of each
/// once it is sure. Order is kept. Not thread safe.
class TransmitQueue {
 public:
  /// `lock`: null, or what workers that share the device's queue send under.
  TransmitQueue(std::uint16_t port, std::uint16_t queue, rte_spinlock_t* lock, base::Counters& counters,
                TrafficCounters& traffic) noexcept
      : counters_(counters), traffic_(traffic), lock_(lock), port_(port), queue_(queue) {}

  /// Takes over a frame received at `received_cycles` that goes on; `outcome` is counted when it was sent,
  /// drop_tx_full when not.
  void forward(rte_mbuf* frame, base::Outcome outcome, std::uint64_t received_cycles) noexcept {
    received_cycles_[count_] = received_cycles;
    push(frame, static_cast<std::uint8_t>(base::index_of(outcome)));
  }
  /// The same for several that were received together.
  void forward(std::span<rte_mbuf* const> frames, base::Outcome outcome,
               std::uint64_t received_cycles) noexcept;
  /// Takes over a frame of our own.
  void inject(rte_mbuf* frame, base::Towards towards) noexcept {
    received_cycles_[count_] = count_ == 0 ? 0 : received_cycles_[count_ - 1];
    push(frame, static_cast<std::uint8_t>(kInjected + base::index_of(towards)));
  }
  /// Sends what is there. A queue that stays full after some tries loses the rest: a wire has no memory, and
  /// waiting would only move the loss to the receiving side.
  void flush() noexcept;

  /// Where the time that forwarded frames took is counted from now on; null: nowhere.
  void measure(LatencyHistogram* latency, double nanoseconds_per_cycle) noexcept {
    latency_ = latency;
    nanoseconds_per_cycle_ = nanoseconds_per_cycle;
  }

 private:
  static constexpr std::uint16_t kCapacity = 64;
  static constexpr unsigned kTriesWithoutProgress = 8;
  /// A frame's kind: an Outcome, or kInjected plus a Towards.
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
