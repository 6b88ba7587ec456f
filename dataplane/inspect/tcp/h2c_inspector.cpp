#include "dataplane/inspect/tcp/h2c_inspector.h"

#include <algorithm>

namespace weir::inspect {

using base::Counter;
using base::index_of;
using base::ParseStatus;
using base::Protocol;

H2cInspector::H2cInspector(std::size_t connections, std::chrono::nanoseconds lifetime,
                           base::Counters& counters, RequestDecider& decider)
    : lifetime_(lifetime),
      counters_(counters),
      decider_(decider),
      slots_(std::clamp<std::size_t>(connections, 1, kMaxConnections)),
      shares_(slots_.size()),
      alone_(std::make_unique<proto::H2ClientStream>()) {
  free_.reserve(slots_.size());
  for (std::size_t i = slots_.size(); i-- > 0;) {
    slots_[i].stream = std::make_unique<proto::H2ClientStream>();
    free_.push_back(static_cast<std::uint32_t>(i));
  }
}

H2cInspector::Handle H2cInspector::open(const proto::IpAddress& client,
                                        std::chrono::nanoseconds now) noexcept {
  const flow::SourceShares::Source source = shares_.source_of(client);
  if (free_.empty()) free_longest_unseen(now);
  if (free_.empty()) free_from_heaviest(source);
  if (free_.empty()) {
    counters_.add(Counter::h2c_unfollowed);
    return kNoHandle;
  }
  const std::uint32_t place = free_.back();
  free_.pop_back();
  Slot& slot = slots_[place];
  constexpr std::uint32_t kLastUse = (std::uint32_t{1} << (32 - kSlotBits)) - 1;
  slot.use = slot.use == kLastUse ? 1 : slot.use + 1;
  slot.open = true;
  slot.last_seen = now;
  slot.source = source;
  slot.stream->reset();
  shares_.add(place, source, 1);
  return slot.use << kSlotBits | place;
}

bool H2cInspector::gives_way(const Slot& slot, std::chrono::nanoseconds now) const noexcept {
  const std::chrono::nanoseconds unseen = now - slot.last_seen;
  return unseen >= lifetime_ || (unseen >= kBriefly && !slot.stream->is_incomplete());
}

void H2cInspector::free_longest_unseen(std::chrono::nanoseconds now) noexcept {
  Slot* longest = nullptr;
  for (Slot& slot : slots_) {
    if (!gives_way(slot, now)) continue;
    if (longest == nullptr || slot.last_seen < longest->last_seen) longest = &slot;
  }
  if (longest == nullptr) return;
  release(*longest);
}

void H2cInspector::free_from_heaviest(flow::SourceShares::Source source) noexcept {
  Slot& victim = slots_[shares_.next_victim()];
  if (shares_.share_of(victim.source) > shares_.share_of(source) + 1) release(victim);
}

void H2cInspector::release(Slot& slot) noexcept {
  slot.open = false;
  shares_.remove(place_of(slot), slot.source, 1);
  free_.push_back(place_of(slot));
}

H2cInspector::Slot* H2cInspector::slot_of(Handle handle) noexcept {
  const std::size_t place = handle & (kMaxConnections - 1);
  if (place >= slots_.size()) return nullptr;
  Slot& slot = slots_[place];
  return slot.open && slot.use == handle >> kSlotBits ? &slot : nullptr;
}

void H2cInspector::close(Handle handle) noexcept {
  Slot* slot = slot_of(handle);
  if (slot == nullptr) return;
  release(*slot);
}

H2cProgress H2cInspector::read(Handle handle, const H2cPiece& piece, std::chrono::nanoseconds now,
                               Findings& findings) noexcept {
  Slot* slot = slot_of(handle);
  if (slot == nullptr) {
    counters_.add(Counter::h2c_unfollowed);
    return {};
  }
  slot->last_seen = std::max(slot->last_seen, now);
  shares_.touch(place_of(*slot), slot->source);
  const H2cProgress progress = read_stream(*slot->stream, piece, findings);
  if (progress.state == H2cState::ended) close(handle);
  return progress;
}

H2cProgress H2cInspector::read_alone(const H2cPiece& piece, Findings& findings) noexcept {
  alone_->reset();
  return read_stream(*alone_, piece, findings);
}

H2cProgress H2cInspector::read_stream(proto::H2ClientStream& stream, const H2cPiece& piece,
                                      Findings& findings) noexcept {
  std::span<const std::byte> rest = piece.bytes;
  H2cProgress progress{.state = H2cState::followed, .incomplete = false, .doubtful = false};
  for (;;) {
    const proto::H2Parse parse = stream.next(rest, text_);
    progress.doubtful = !stream.begins_with_settings();
    progress.incomplete = parse.status == ParseStatus::need_more && stream.is_incomplete();
    if (parse.status == ParseStatus::need_more && !progress.incomplete) break;
    counters_.add(Counter::parse, index_of(Protocol::h2c), index_of(parse.status));
    if (parse.status == ParseStatus::need_more) break;
    if (parse.status == ParseStatus::malformed) continue;
    if (parse.status == ParseStatus::absent) {
      progress.state = H2cState::ended;
      break;
    }

    const RequestNames names(parse.request, piece.packet);
    decider_.decide(piece.snapshot, names,
                    {.protocol = Protocol::h2c, .packet = &piece.packet, .method = parse.request.method},
                    findings);
    if (findings.block && piece.stop_at_block) break;
  }
  return progress;
}

}  // namespace weir::inspect
