#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "config/settings.h"
#include "dataplane/base/ids.h"
#include "dataplane/inspect/decision/rule_hits.h"
#include "dataplane/match/snapshot_view.h"

namespace weir::engine {

/// Trips rules that match far too often: an entry that is too broad does harm at once, and matches at a rate
/// that no listed page reaches. Counts and decides; main thread only.
class Breaker {
 public:
  /// A rule trips when it exceeds its limit in this many seconds in a row.
  static constexpr unsigned kSecondsBeyond = 5;

  explicit Breaker(const config::BreakerSettings& settings) : settings_(settings) {}

  /// Ends a second of each worker's hits. Returns the rules that trip now.
  std::vector<base::RuleId> next_second(std::span<inspect::RuleHits* const> workers);

  /// The ids of the tripped rules, sorted.
  [[nodiscard]] const std::vector<std::uint32_t>& tripped() const noexcept { return tripped_; }

  /// Puts one rule, or all, back into force. Returns how many were tripped.
  std::size_t reset(base::RuleId rule);
  std::size_t reset_all();
  /// Forgets the rules that the snapshot does not contain. True: there were some.
  bool keep_only(const match::SnapshotView& snapshot);

 private:
  config::BreakerSettings settings_;
  std::map<std::uint32_t, unsigned> seconds_beyond_;  // by rule
  std::vector<std::uint32_t> tripped_;
};

}  // namespace weir::engine
