#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/engine/workers/topology.h"

namespace weir::engine {

/// A mirror port: frames are copies, which are inspected and never forwarded. Answers leave through the other
/// port.
class MirrorTopology {
 public:
  static constexpr bool kFramesAreCopies = true;

  explicit MirrorTopology(const TopologyParts& parts) noexcept
      : exits_(parts.ports, parts.counters, parts.traffic) {}

  void begin_turn(std::chrono::nanoseconds /*now*/) noexcept {}

  [[nodiscard]] std::size_t admit(std::size_t from, std::span<rte_mbuf*> frames,
                                  std::chrono::nanoseconds /*now*/) noexcept {
    if (from == kSubscriber) return frames.size();
    // Frames from the port of the answers are no copies: somebody there talks to the network card.
    exits_.discard(frames, base::Outcome::mirror_unseen);
    return 0;
  }

  /// Both directions arrive at one port: whoever sends a request is the client.
  [[nodiscard]] inspect::Direction direction_of(std::size_t /*from*/) const noexcept {
    return inspect::Direction::unknown;
  }

  void pass_on(std::size_t /*from*/, rte_mbuf* frame, base::Outcome outcome,
               std::uint64_t /*received_cycles*/) noexcept {
    discard(frame, outcome);
  }
  void pass_on(std::size_t /*from*/, std::span<rte_mbuf* const> frames, base::Outcome outcome,
               std::uint64_t /*received_cycles*/) noexcept {
    for (rte_mbuf* const frame : frames) discard(frame, outcome);
  }

  void discard(rte_mbuf* frame, base::Outcome outcome) noexcept {
    exits_.discard(frame, outcome_of_copy(outcome));
  }

  void send_answer(std::size_t /*from*/, rte_mbuf* answer, base::Towards towards) noexcept {
    exits_[kNetwork].inject(answer, towards);
  }

  [[nodiscard]] FrameExits& exits() noexcept { return exits_; }

 private:
  /// The outcome of a copy, given what would have become of the packet itself. No default: whoever adds an
  /// outcome decides here what it means for a copy.
  static constexpr base::Outcome outcome_of_copy(base::Outcome outcome) noexcept {
    using base::Outcome;
    switch (outcome) {
      case Outcome::forward_bypass:
      case Outcome::forward_no_list:
      case Outcome::forward_handoff_full:
      case Outcome::forward_quic_budget:
      case Outcome::drop_handoff_full:
      case Outcome::drop_fragments_full:
      case Outcome::drop_quic_budget:
        return Outcome::mirror_unseen;
      case Outcome::forward_monitor:
        return Outcome::mirror_monitor;
      case Outcome::drop_blocked:
      case Outcome::drop_blocked_flow:
        return Outcome::mirror_listed;
      case Outcome::forward_not_ip:
      case Outcome::forward_malformed:
      case Outcome::forward_fragment:
      case Outcome::forward_not_candidate:
      case Outcome::forward_no_request:
      case Outcome::forward_incomplete:
      case Outcome::forward_unknown_version:
      case Outcome::forward_passed:
      case Outcome::forward_allowed:
      case Outcome::forward_tripped:
      case Outcome::drop_conflict:
      case Outcome::drop_overlap:
      case Outcome::drop_unknown_version:
      case Outcome::drop_no_list:
      case Outcome::drop_flow_table_full:
      case Outcome::drop_reassembly_full:
      case Outcome::drop_expired:
      case Outcome::drop_no_next_hop:
      case Outcome::drop_too_big:
      case Outcome::drop_unroutable:
      case Outcome::drop_tx_full:
      case Outcome::mirror_seen:
      case Outcome::mirror_listed:
      case Outcome::mirror_monitor:
      case Outcome::mirror_unseen:
      case Outcome::routed_local:
      case Outcome::routed_foreign:
        return Outcome::mirror_seen;
    }
    return Outcome::mirror_unseen;
  }

  FrameExits exits_;
};
static_assert(WorkerTopology<MirrorTopology>);

}  // namespace weir::engine
