#include <rte_mbuf.h>

#include "dataplane/engine/workers/worker.h"

namespace weir::engine {
namespace {

using base::Outcome;
using config::Topology;

/// What a copy's outcome says where inline's would say that the packet itself was forwarded or dropped.
constexpr Outcome outcome_of_copy(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::forward_bypass:
    case Outcome::forward_no_list:
    case Outcome::forward_handoff_full:
    case Outcome::drop_handoff_full:
      return Outcome::mirror_unseen;
    case Outcome::forward_monitor:
      return Outcome::mirror_monitor;
    case Outcome::drop_blocked:
    case Outcome::drop_blocked_flow:
      return Outcome::mirror_listed;
    default:
      return Outcome::mirror_seen;
  }
}

}  // namespace

void Worker::pass_on(std::size_t from, rte_mbuf* frame, Outcome outcome,
                     std::uint64_t received_cycles) noexcept {
  if (settings_.topology == Topology::mirror) return discard(frame, outcome);
  if (router_) return send_on(from, frame, outcome, received_cycles);
  out_[1 - from].forward(frame, outcome, received_cycles);
}

void Worker::pass_on(std::size_t from, std::span<rte_mbuf* const> frames, Outcome outcome,
                     std::uint64_t received_cycles) noexcept {
  if (settings_.topology == Topology::inline_wire)
    return out_[1 - from].forward(frames, outcome, received_cycles);
  for (rte_mbuf* frame : frames) pass_on(from, frame, outcome, received_cycles);
}

void Worker::discard(rte_mbuf* frame, Outcome outcome) noexcept {
  counters_.add(settings_.topology == Topology::mirror ? outcome_of_copy(outcome) : outcome);
  rte_pktmbuf_free(frame);
}

std::uint16_t Worker::admit(std::size_t from, std::span<rte_mbuf*> frames, const Moment& moment) noexcept {
  if (router_) return admit_routed(from, frames, moment);
  if (from == kSubscriber) return static_cast<std::uint16_t>(frames.size());
  // What comes in where answers leave is no copy: whoever is there talks to the card.
  counters_.add(Outcome::mirror_unseen, frames.size());
  rte_pktmbuf_free_bulk(frames.data(), static_cast<unsigned>(frames.size()));
  return 0;
}

inspect::Direction Worker::direction_of(std::size_t from) const noexcept {
  // With one arm both directions come by it: as in a copy, whoever sends a request is the client.
  if (settings_.topology == Topology::mirror || (router_ && shared_.routing->is_one_armed())) {
    return inspect::Direction::unknown;
  }
  return from == kSubscriber ? inspect::Direction::from_subscriber : inspect::Direction::from_network;
}

std::size_t Worker::exit_of_answer(std::size_t from, base::Towards towards) const noexcept {
  if (settings_.topology == Topology::mirror) return kNetwork;
  if (towards == base::Towards::client) return from;
  return router_ ? shared_.routing->exit_of(from) : 1 - from;
}

inspect::Verdict Worker::as_answered(const inspect::Verdict& verdict) const noexcept {
  inspect::Verdict answered = verdict;
  answered.server_has_packet = settings_.topology == Topology::mirror;
  return answered;
}

}  // namespace weir::engine
