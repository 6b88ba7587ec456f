#include "dataplane/engine/workers/burst_parser.h"

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "dataplane/proto/packet/classify.h"

namespace weir::engine {

void BurstParser::prefetch(std::size_t from, std::span<rte_mbuf* const> frames,
                           inspect::Direction direction) noexcept {
  for (const rte_mbuf* const frame : frames) rte_prefetch0(rte_pktmbuf_mtod(frame, const void*));
  from_ = from;
  direction_ = direction;
  blocks_ = inspector_.blocks();
  std::array<std::uint64_t, kBurst> flows;
  std::size_t count = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    unread_[i] = passes_unread(frames[i]);
    if (unread_[i] || frames[i]->nb_segs != 1) continue;
    views_[i] = parse(frames[i]);
    if (from == kSubscriber) flows[count++] = inspector_.prefetch(views_[i]);
  }
  for (std::size_t i = 0; i < count; ++i) inspector_.prefetch_flow(flows[i]);
}

bool BurstParser::passes_unread(const rte_mbuf* frame) const noexcept {
  if (frame->nb_segs != 1) return false;
  const std::span bytes(rte_pktmbuf_mtod(frame, const std::byte*), rte_pktmbuf_data_len(frame));
  const proto::FastClassification fast = proto::classify(bytes, encapsulations_);
  if (!inspector_.passes_unread(fast, direction_)) return false;
  return handoffs_ == nullptr || from_ != kSubscriber || handoffs_->is_own(fast.source(), fast.destination());
}

std::size_t BurstParser::count_unread(std::span<rte_mbuf* const> frames, std::size_t place) const noexcept {
  const bool is_current = blocks_ == inspector_.blocks();
  std::size_t end = place;
  while (end < frames.size() && unread_[end] && (is_current || passes_unread(frames[end]))) ++end;
  return end - place;
}

proto::PacketView BurstParser::parse(const rte_mbuf* frame) noexcept {
  return proto::parse_packet(reader_.read(frame), proto::LinkType::ethernet, encapsulations_);
}

}  // namespace weir::engine
