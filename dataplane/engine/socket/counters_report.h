#pragma once

#include <span>

#include <nlohmann/json.hpp>

#include "dataplane/base/counters.h"
#include "dataplane/engine/ports/latency_histogram.h"
#include "dataplane/match/snapshot_view.h"

namespace weir::engine {

/// Every family of base/counters.h, summed over the workers, as the method `counters` answers it. List axes
/// get their names from `snapshot` (null: none is active); zero samples of lists beyond it are left out.
nlohmann::json counters_report(std::span<const base::Counters* const> workers,
                               const match::SnapshotView* snapshot);

/// The workers' histograms together, as `counters` answers them: buckets that count those below, too.
nlohmann::json latency_report(std::span<const LatencyHistogram::Values> workers);

}  // namespace weir::engine
