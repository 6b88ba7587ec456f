#include "inspect/fragment_inspector.h"

namespace weir::inspect {

using base::Outcome;
using flow::FragmentFate;

FragmentInspector::FragmentInspector(const InspectorSettings& settings, base::Counters& counters)
    : encapsulations_(settings.encapsulations), counters_(counters), table_(settings.fragment_memory_bytes) {
  for (auto& buffer : buffers_) buffer.resize(flow::FragmentTable::kBufferBytes);
}

FragmentInspector::Taken FragmentInspector::take(const proto::PacketView& fragment,
                                                 std::chrono::nanoseconds now,
                                                 Enforcement enforcement) noexcept {
  const bool enforce = enforcement == Enforcement::enforce;
  const std::uint64_t evictions_before = table_.evictions();
  const proto::PacketView* piece = &fragment;
  Taken taken{.whole = nullptr, .verdict = forward(Outcome::forward_fragment)};
  for (completed_ = 0; completed_ < kLevels;) {
    const auto result = table_.add(*piece, now, buffers_[completed_]);
    if (result.fate == FragmentFate::overlap && enforce) taken.verdict = refuse(Outcome::drop_overlap);
    if (result.fate == FragmentFate::blocked && enforce) taken.verdict = refuse(Outcome::drop_blocked_flow);
    if (result.fate != FragmentFate::complete) break;
    packets_[completed_] = result.packet;
    proto::PacketView& whole = wholes_[completed_];
    whole = proto::parse_reassembled(*piece, result.frame, result.ip_offset, encapsulations_);
    ++completed_;
    if (whole.packet_class != proto::PacketClass::fragment) {
      taken.whole = &whole;
      break;
    }
    piece = &whole;
  }
  counters_.add(base::Family::fragment_evictions, 0, 0, table_.evictions() - evictions_before);
  return taken;
}

Verdict FragmentInspector::conclude(Verdict verdict) noexcept {
  if (verdict.action == Action::forward) return verdict;
  const Verdict refused = refuse(verdict.outcome);
  verdict.outcome = refused.outcome;
  verdict.reassembled = &wholes_[completed_ - 1];
  return verdict;
}

// What a fragment of a fragment comes to holds for every packet that it is a part of.
Verdict FragmentInspector::refuse(Outcome outcome) noexcept {
  for (std::size_t i = 0; i < completed_; ++i) table_.block(packets_[i]);
  return {.action = Action::drop, .outcome = outcome};
}

}  // namespace weir::inspect
