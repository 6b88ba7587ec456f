#include "dataplane/inspect/answer/answer_budget.h"

#include "dataplane/flow/source.h"

namespace weir::inspect {
namespace {

constexpr unsigned kSecondsAtOnce = 4;
/// Ethernet, IP and TCP headers of a segment.
constexpr std::size_t kHeaderBytes = 74;
/// Whoever aims at a bucket only has others get a reset in place of the page.
constexpr std::uint64_t kSeed = 0;

}  // namespace

AnswerBudget::AnswerBudget(unsigned bytes_per_second) {
  if (bytes_per_second == 0) return;
  buckets_.assign(kBuckets, base::RateLimit(bytes_per_second, bytes_per_second * kSecondsAtOnce));
}

bool AnswerBudget::fit(const proto::PacketView& packet, const BlockPage& page, std::chrono::nanoseconds now,
                       Verdict& verdict) noexcept {
  // Alerts and resets are smaller than what they answer.
  if (buckets_.empty() || verdict.answer != AnswerKind::http_page) return true;
  const proto::IpAddress& client = (verdict.reassembled != nullptr ? *verdict.reassembled : packet).source;
  const std::size_t payload = page.response(verdict.head_request).size();
  const std::size_t segments = payload / page.segment_bytes(verdict.client_mss, client.is_v6) + 1;
  if (buckets_[flow::hash_of_source(client, kSeed) % kBuckets].take(
          now, static_cast<unsigned>(payload + segments * kHeaderBytes))) {
    return true;
  }
  verdict.answer = AnswerKind::reset;
  return false;
}

}  // namespace weir::inspect
