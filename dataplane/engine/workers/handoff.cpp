#include "dataplane/engine/workers/handoff.h"

#include <algorithm>
#include <span>

#include "dataplane/flow/fragment_table.h"

namespace weir::engine {

HandoffPool::HandoffPool(const Size& size) : packets_(size.ordinary + size.large) {
  free_ordinary_.reserve(packets_.size());
  free_large_.reserve(packets_.size());
  in_use_.reserve(packets_.size());
  for (HandedOffPacket& packet : packets_) {
    const bool is_ordinary = free_ordinary_.size() < size.ordinary;
    packet.bytes.resize(is_ordinary ? kOrdinaryBytes : flow::FragmentTable::kBufferBytes);
    (is_ordinary ? free_ordinary_ : free_large_).push_back(&packet);
  }
}

HandedOffPacket* HandoffPool::take(const proto::PacketView& whole,
                                   const inspect::FragmentInspector::Completed& origin) noexcept {
  auto& free = whole.frame.size() <= kOrdinaryBytes && !free_ordinary_.empty() ? free_ordinary_ : free_large_;
  if (free.empty() || whole.frame.size() > free.back()->bytes.size()) return nullptr;
  HandedOffPacket& packet = *free.back();
  free.pop_back();
  std::copy(whole.frame.begin(), whole.frame.end(), packet.bytes.begin());
  packet.view = whole;
  packet.view.frame = std::span(packet.bytes).first(whole.frame.size());
  const auto payload_offset = static_cast<std::size_t>(whole.payload.data() - whole.frame.data());
  packet.view.payload = whole.payload.empty()
                            ? std::span<const std::byte>()
                            : packet.view.frame.subspan(payload_offset, whole.payload.size());
  packet.origin = origin;
  // relaxed: the queue between the workers publishes it.
  packet.state.store(HandedOffPacket::State::undecided, std::memory_order_relaxed);
  packet.place = in_use_.size();
  in_use_.push_back(&packet);
  return &packet;
}

void HandoffPool::give_back(HandedOffPacket& packet) noexcept {
  in_use_[packet.place] = in_use_.back();
  in_use_[packet.place]->place = packet.place;
  in_use_.pop_back();
  (packet.bytes.size() == kOrdinaryBytes ? free_ordinary_ : free_large_).push_back(&packet);
}

}  // namespace weir::engine
