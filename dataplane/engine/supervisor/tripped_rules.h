#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/counters/counters.h"
#include "dataplane/engine/snapshots/published.h"
#include "dataplane/engine/snapshots/snapshot_store.h"
#include "dataplane/engine/supervisor/breaker.h"
#include "dataplane/engine/workers/worker.h"

namespace weir::engine {

/// Runs the breaker: collects the workers' hits, publishes the tripped rules to the workers, and logs each
/// trip. Main thread only.
class TrippedRules {
 public:
  /// `published`: where the workers read the ids. All references must outlive the object.
  TrippedRules(const config::BreakerSettings& settings, const SnapshotStore& snapshots,
               Published<std::vector<std::uint32_t>>& published, base::Counters& counters)
      : breaker_(settings), snapshots_(snapshots), published_(published), counters_(counters) {}

  /// Call it once a second.
  void next_second(const std::vector<std::unique_ptr<Worker>>& workers);
  /// Call it when another snapshot is in force.
  void snapshot_changed();
  /// Puts one rule, or all, back into force. Returns how many were tripped.
  std::size_t reset(std::optional<base::RuleId> rule);

  /// The ids of the rules that are beyond their limit, sorted.
  [[nodiscard]] std::vector<std::uint32_t> beyond() const { return breaker_.beyond(); }
  /// The ids of the tripped rules, sorted.
  [[nodiscard]] std::vector<std::uint32_t> rules() const { return breaker_.tripped(); }

 private:
  void publish();

  Breaker breaker_;
  const SnapshotStore& snapshots_;
  Published<std::vector<std::uint32_t>>& published_;
  base::Counters& counters_;
};

}  // namespace weir::engine
