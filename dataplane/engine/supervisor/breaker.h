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

/// Finds rules that match far too often: an entry that is too broad does harm at once, and matches at a rate
/// that no listed page reaches. Raises an alarm, and trips them if the settings say so. Counts and decides;
/// main thread only.
class Breaker {
 public:
  /// A rule is beyond its limit when it exceeds it in this many seconds in a row.
  static constexpr unsigned kSecondsBeyond = 5;
  /// It is within its limit again after this many seconds in a row.
  static constexpr unsigned kSecondsWithin = 60;

  /// What a second changed.
  struct News {
    std::vector<base::RuleId> beyond;   // are beyond their limit now
    std::vector<base::RuleId> tripped;  // some of them, or some that were beyond it before
    std::vector<base::RuleId> rearmed;  // tripped long enough: they are in force again
  };

  explicit Breaker(const config::BreakerSettings& settings) : settings_(settings) {}

  /// Ends a second of each worker's hits.
  News next_second(std::span<inspect::RuleHits* const> workers);

  /// The ids of the tripped rules, sorted.
  [[nodiscard]] std::vector<std::uint32_t> tripped() const;
  /// The ids of the rules that are beyond their limit, or were within the last kSecondsWithin, sorted.
  [[nodiscard]] std::vector<std::uint32_t> beyond() const;

  /// Puts one rule, or all, back into force. Returns how many were tripped.
  std::size_t reset(base::RuleId rule);
  std::size_t reset_all();
  /// Forgets the rules that the snapshot does not contain. True: there were some.
  bool keep_only(const match::SnapshotView& snapshot);

 private:
  struct Watched {
    unsigned seconds_beyond = 0;  // in a row
    unsigned seconds_within = 0;  // in a row
    std::uint64_t clients = 0;    // in the seconds beyond
    bool is_beyond = false;
  };
  [[nodiscard]] bool has_enough_clients(std::uint64_t clients) const;
  std::vector<base::RuleId> rearm();
  bool trip(std::uint32_t rule);

  config::BreakerSettings settings_;
  std::uint64_t second_ = 0;
  std::map<std::uint32_t, Watched> watched_;              // by rule
  std::map<std::uint32_t, std::uint64_t> tripped_since_;  // second, by rule
};

}  // namespace weir::engine
