#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "dataplane/base/ids.h"
#include "dataplane/base/request.h"

namespace weir::engine {

/// A listed request that was dropped. It contains nothing about the subscriber.
struct BlockEvent {
  std::chrono::nanoseconds time{};  // by the worker's clock
  base::RuleId rule;
  base::ListIndex list;
  base::Protocol protocol = base::Protocol::http;
};

/// The newest events of one worker. The worker never waits: events that the reader does not take in time are
/// overwritten, and the reader counts them. One writer, one reader; no lock, no allocation.
class EventRing {
 public:
  static constexpr std::size_t kSlots = 1024;  // a power of two

  /// By the worker.
  void add(const BlockEvent& event) noexcept {
    const std::uint64_t at = written_.load(std::memory_order_relaxed);
    // A reader that sees any of the writes below sees all earlier ones, that of `written_` included.
    std::atomic_thread_fence(std::memory_order_release);
    Slot& slot = slots_[at % kSlots];
    slot.time.store(event.time.count(), std::memory_order_relaxed);
    slot.rest.store(std::uint64_t{event.rule.value} << 32 | std::uint64_t{event.list.value} << 8 |
                        static_cast<std::uint64_t>(event.protocol),
                    std::memory_order_relaxed);
    // release: the slot is complete before it counts.
    written_.store(at + 1, std::memory_order_release);
  }

  /// By the reader: calls `take(event)` for up to `limit` events since the last call, oldest first. Returns
  /// how many were overwritten before they could be read.
  template <class Take>
  std::uint64_t take(std::size_t limit, Take take) {
    std::uint64_t lost = 0;
    while (limit > 0) {
      // acquire: the slots that it counts are complete.
      const std::uint64_t written = written_.load(std::memory_order_acquire);
      if (read_ == written) break;
      if (written - read_ >= kSlots) {  // the slot that is written next counts as lost
        const std::uint64_t oldest = written - kSlots + 1;
        lost += oldest - read_;
        read_ = oldest;
      }
      const Slot& slot = slots_[read_ % kSlots];
      const std::int64_t time = slot.time.load(std::memory_order_relaxed);
      const std::uint64_t rest = slot.rest.load(std::memory_order_relaxed);
      std::atomic_thread_fence(std::memory_order_acquire);
      // Overwritten meanwhile: the values may belong to two events.
      if (written_.load(std::memory_order_relaxed) - read_ >= kSlots) continue;
      ++read_;
      --limit;
      take(BlockEvent{.time = std::chrono::nanoseconds(time),
                      .rule = {static_cast<std::uint32_t>(rest >> 32)},
                      .list = {static_cast<std::uint8_t>(rest >> 8)},
                      .protocol = static_cast<base::Protocol>(rest & 0xff)});
    }
    return lost;
  }
  /// By the reader: skips all events so far.
  void skip() noexcept { read_ = written_.load(std::memory_order_acquire); }

 private:
  struct Slot {
    std::atomic<std::int64_t> time{0};
    std::atomic<std::uint64_t> rest{0};  // rule 32, list 8, protocol 8 bits
  };

  std::array<Slot, kSlots> slots_;
  alignas(64) std::atomic<std::uint64_t> written_{0};  // the worker's
  alignas(64) std::uint64_t read_ = 0;                 // the reader's
};

}  // namespace weir::engine
