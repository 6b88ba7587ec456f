#include <algorithm>

#include <rte_mbuf.h>

#include "dataplane/engine/workers/worker.h"

namespace weir::engine {
namespace {

std::span<std::byte> room_of(rte_mbuf* mbuf) noexcept {
  return {rte_pktmbuf_mtod(mbuf, std::byte*), rte_pktmbuf_tailroom(mbuf)};
}

}  // namespace

std::uint16_t Worker::admit_routed(std::size_t from, std::span<rte_mbuf*> frames,
                                   const Moment& moment) noexcept {
  std::uint16_t kept = 0;
  for (rte_mbuf* const frame : frames) {
    const auto admission = router_->admit(from, contiguous(frame), moment.now);
    if (!admission.outcome) {
      frames[kept++] = frame;
      continue;
    }
    if (admission.reply != Router::Admission::Reply::none) reply(from, frame, admission);
    discard(frame, *admission.outcome);
  }
  return kept;
}

void Worker::reply(std::size_t from, rte_mbuf* frame, const Router::Admission& admission) noexcept {
  const base::Towards towards = Router::towards(admission.reply);
  rte_mbuf* const mbuf = rte_pktmbuf_alloc(shared_.pool);
  if (mbuf == nullptr) {
    counters_.add(base::Counter::inject_failed, base::index_of(towards));
    return;
  }
  const std::size_t bytes = router_->reply(from, contiguous(frame), admission, room_of(mbuf));
  if (bytes == 0) {
    rte_pktmbuf_free(mbuf);
    return;
  }
  mbuf->data_len = static_cast<std::uint16_t>(bytes);
  mbuf->pkt_len = static_cast<std::uint32_t>(bytes);
  out_[from].inject(mbuf, towards);
}

// A driver puts the headers of a frame into its first buffer.
void Worker::send_on(std::size_t from, rte_mbuf* frame, base::Outcome outcome,
                     std::uint64_t received_cycles) noexcept {
  const std::size_t exit = shared_.routing->exit_of(from);
  const std::span<std::byte> first(rte_pktmbuf_mtod(frame, std::byte*), rte_pktmbuf_data_len(frame));
  if (const auto refused = router_->send_on(exit, first)) return discard(frame, *refused);
  out_[exit].forward(frame, outcome, received_cycles);
}

bool Worker::direct(std::size_t exit, rte_mbuf* frame) noexcept {
  if (router_->direct(exit, {rte_pktmbuf_mtod(frame, std::byte*), rte_pktmbuf_data_len(frame)})) return true;
  counters_.add(base::Counter::inject_failed, base::index_of(base::Towards::server));
  rte_pktmbuf_free(frame);
  return false;
}

void Worker::ask_next_hops(const Moment& moment) noexcept {
  const auto room = std::span(copy_).first(proto::kMaxNeighbourFrameBytes);
  for (auto question = router_->ask(moment.now, room); question.bytes != 0;
       question = router_->ask(moment.now, room)) {
    rte_mbuf* const mbuf = rte_pktmbuf_alloc(shared_.pool);
    if (mbuf == nullptr) {
      counters_.add(base::Counter::inject_failed, base::index_of(base::Towards::neighbour));
      return;
    }
    std::copy_n(room.begin(), question.bytes, room_of(mbuf).begin());
    mbuf->data_len = static_cast<std::uint16_t>(question.bytes);
    mbuf->pkt_len = static_cast<std::uint32_t>(question.bytes);
    out_[question.port].inject(mbuf, base::Towards::neighbour);
  }
}

}  // namespace weir::engine
