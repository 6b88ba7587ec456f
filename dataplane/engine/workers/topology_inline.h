#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/engine/workers/topology.h"

namespace weir::engine {

/// A wire: every frame that is not dropped leaves through the other port, unchanged.
class InlineTopology {
 public:
  static constexpr bool kFramesAreCopies = false;

  explicit InlineTopology(const TopologyParts& parts) noexcept
      : exits_(parts.ports, parts.counters, parts.traffic) {}

  void begin_turn(std::chrono::nanoseconds /*now*/) noexcept {}

  [[nodiscard]] std::size_t admit(std::size_t /*from*/, std::span<rte_mbuf*> frames,
                                  std::chrono::nanoseconds /*now*/) noexcept {
    return frames.size();
  }

  [[nodiscard]] inspect::Direction direction_of(std::size_t from) const noexcept {
    return from == kSubscriber ? inspect::Direction::from_subscriber : inspect::Direction::from_network;
  }

  void pass_on(std::size_t from, rte_mbuf* frame, base::Outcome outcome,
               std::uint64_t received_cycles) noexcept {
    exits_[1 - from].forward(frame, outcome, received_cycles);
  }
  void pass_on(std::size_t from, std::span<rte_mbuf* const> frames, base::Outcome outcome,
               std::uint64_t received_cycles) noexcept {
    exits_[1 - from].forward(frames, outcome, received_cycles);
  }

  void discard(rte_mbuf* frame, base::Outcome outcome) noexcept { exits_.discard(frame, outcome); }

  void send_answer(std::size_t from, rte_mbuf* answer, base::Towards towards) noexcept {
    exits_[towards == base::Towards::client ? from : 1 - from].inject(answer, towards);
  }

  [[nodiscard]] FrameExits& exits() noexcept { return exits_; }

 private:
  FrameExits exits_;
};
static_assert(WorkerTopology<InlineTopology>);

}  // namespace weir::engine
