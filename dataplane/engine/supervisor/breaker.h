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

/// Suspends rules that block far more than they should: an entry that is too wide does harm at once, and at a
/// rate that no listed page has. Counts and decides; main thread only.
class Breaker {
 public:
  /// A rule is tripped when it exceeds its bound in so many seconds in a row.
  static constexpr unsigned kSecondsBeyond = 5;

  explicit Breaker(const config::BreakerSettings& settings) : settings_(settings) {}

  /// Ends a second of each worker's hits; returns the rules that are tripped because of it.
  std::vector<base::RuleId> next_second(std::span<inspect::RuleHits* const> workers);

  /// Sorted.
  [[nodiscard]] const std::vector<std::uint32_t>& tripped() const noexcept { return tripped_; }

  /// Puts one rule, or all, back into force. How many there were.
  std::size_t reset(base::RuleId rule);
  std::size_t reset_all();
  /// Forgets the rules that the snapshot does not have. True: there were some.
  bool keep_only(const match::SnapshotView& snapshot);

 private:
  config::BreakerSettings settings_;
  std::map<std::uint32_t, unsigned> seconds_beyond_;  // by rule
  std::vector<std::uint32_t> tripped_;
};

}  // namespace weir::engine
