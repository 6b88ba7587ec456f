#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/base/rate_limit.h"
#include "dataplane/inspect/block_page/block_page.h"
#include "dataplane/inspect/decision/verdict.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::inspect {

/// Limits the bytes of block pages that go to one destination (an IPv4 address or an IPv6 /64). A source
/// address can be forged, and a page is larger than the request for it: without a limit, somebody could aim
/// pages at a third party. Beyond it the client gets a RST, which is no larger than its request.
///
/// Destinations share 4096 buckets by a hash of their address. Not thread safe.
class AnswerBudget {
 public:
  /// `bytes_per_second` in the long run, four times as many at once. 0: no limit.
  explicit AnswerBudget(unsigned bytes_per_second);

  /// Charges the answer to `packet` to its destination. False: `verdict` was beyond the limit and is a RST
  /// now.
  bool fit(const proto::PacketView& packet, const BlockPage& page, std::chrono::nanoseconds now,
           Verdict& verdict) noexcept;

 private:
  static constexpr std::size_t kBuckets = 4096;

  std::vector<base::RateLimit> buckets_;  // empty: no limit
};

}  // namespace weir::inspect
