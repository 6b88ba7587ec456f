#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/engine/snapshots/snapshot_store.h"
#include "dataplane/engine/supervisor/breaker.h"
#include "dataplane/engine/workers/worker.h"

namespace weir::engine {

/// The breaker at work: looks at the workers' hits, tells the workers which rules do not hold, and people
/// why. Main thread only.
class TrippedRules {
 public:
  /// All but the settings must outlive the object.
  TrippedRules(const config::BreakerSettings& settings, SnapshotStore& snapshots, WorkerShared& shared,
               base::Counters& counters)
      : breaker_(settings), snapshots_(snapshots), shared_(shared), counters_(counters) {}

  /// To be called once a second.
  void next_second(const std::vector<std::unique_ptr<Worker>>& workers);
  /// To be called when another snapshot is in force.
  void snapshot_changed();
  /// Puts one rule, or all, back into force. How many there were.
  std::size_t reset(std::optional<base::RuleId> rule);

  [[nodiscard]] const std::vector<std::uint32_t>& rules() const noexcept { return breaker_.tripped(); }

 private:
  using Rules = std::unique_ptr<const std::vector<std::uint32_t>>;
  void publish();

  Breaker breaker_;
  SnapshotStore& snapshots_;
  WorkerShared& shared_;
  base::Counters& counters_;
  Rules published_;
  std::vector<Rules> retired_;  // that a worker which stands still may still hold
};

}  // namespace weir::engine
