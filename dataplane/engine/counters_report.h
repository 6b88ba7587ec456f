#pragma once

#include <span>

#include <nlohmann/json.hpp>

#include "base/counters.h"
#include "match/snapshot_view.h"

namespace weir::engine {

/// Every family of base/counters.h, summed over the workers, as the method `counters` answers it. List axes
/// get their names from `snapshot` (null: none is active); zero samples of lists beyond it are left out.
nlohmann::json counters_report(std::span<const base::Counters* const> workers,
                               const match::SnapshotView* snapshot);

}  // namespace weir::engine
