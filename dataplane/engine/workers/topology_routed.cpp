#include "dataplane/engine/workers/topology_routed.h"

#include <algorithm>

#include "dataplane/engine/ports/mbuf_bytes.h"

namespace weir::engine {
namespace {

/// Drivers put a frame's headers into its first buffer.
std::span<std::byte> first_buffer_of(rte_mbuf* frame) noexcept {
  return {rte_pktmbuf_mtod(frame, std::byte*), rte_pktmbuf_data_len(frame)};
}

}  // namespace

RoutedTopology::RoutedTopology(const TopologyParts& parts) noexcept
    : exits_(parts.ports, parts.counters, parts.traffic),
      routing_(*parts.routing),
      router_(*parts.routing, parts.counters),
      reader_(parts.reader),
      pool_(parts.pool),
      asks_next_hops_(parts.worker == 0) {}

std::size_t RoutedTopology::admit(std::size_t from, std::span<rte_mbuf*> frames,
                                  std::chrono::nanoseconds now) noexcept {
  std::size_t kept = 0;
  for (rte_mbuf* const frame : frames) {
    const auto admission = router_.admit(from, reader_.read(frame), now);
    if (!admission.outcome) {
      frames[kept++] = frame;
      continue;
    }
    if (admission.reply != Router::Admission::Reply::none) reply(from, frame, admission);
    discard(frame, *admission.outcome);
  }
  return kept;
}

void RoutedTopology::reply(std::size_t from, const rte_mbuf* frame,
                           const Router::Admission& admission) noexcept {
  const base::Towards towards = Router::towards(admission.reply);
  rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool_);
  if (mbuf == nullptr) return exits_.count_not_sent(towards);
  const std::size_t bytes = router_.reply(from, reader_.read(frame), admission, room_of(mbuf));
  if (bytes == 0) {
    rte_pktmbuf_free(mbuf);
    return;
  }
  set_length(mbuf, bytes);
  exits_[from].inject(mbuf, towards);
}

void RoutedTopology::pass_on(std::size_t from, rte_mbuf* frame, base::Outcome outcome,
                             std::uint64_t received_cycles) noexcept {
  const std::size_t exit = routing_.exit_of(from);
  if (const auto refused = router_.send_on(exit, first_buffer_of(frame))) return discard(frame, *refused);
  exits_[exit].forward(frame, outcome, received_cycles);
}

void RoutedTopology::send_answer(std::size_t from, rte_mbuf* answer, base::Towards towards) noexcept {
  // Back to the client by the link addresses of its own frame; to the server by the next hop.
  if (towards == base::Towards::client) return exits_[from].inject(answer, towards);
  const std::size_t exit = routing_.exit_of(from);
  if (router_.direct(exit, first_buffer_of(answer))) return exits_[exit].inject(answer, towards);
  exits_.count_not_sent(towards);
  rte_pktmbuf_free(answer);
}

void RoutedTopology::ask_next_hops(std::chrono::nanoseconds now) noexcept {
  for (auto question = router_.ask(now, question_); question.bytes != 0;
       question = router_.ask(now, question_)) {
    rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool_);
    if (mbuf == nullptr) return exits_.count_not_sent(base::Towards::neighbour);
    std::copy_n(question_.begin(), question.bytes, room_of(mbuf).begin());
    set_length(mbuf, question.bytes);
    exits_[question.port].inject(mbuf, base::Towards::neighbour);
  }
}

}  // namespace weir::engine
