#pragma once

#include <span>

#include <nlohmann/json.hpp>

#include "dataplane/counters/counters.h"
#include "dataplane/engine/ports/latency_histogram.h"
#include "dataplane/match/snapshot_view.h"

namespace weir::engine {

/// Every counter of counters/counters.h, summed over `workers`, as the method `counters` returns it. Lists
/// get their names from `snapshot` (null: none is active). Samples of lists that it does not have are left
/// out if zero.
nlohmann::json counters_report(std::span<const base::Counters* const> workers,
                               const match::SnapshotView* snapshot);

/// The sum of the workers' histograms, as the method `counters` returns it. Buckets are cumulative.
nlohmann::json latency_report(std::span<const LatencyHistogram::Values> workers);

}  // namespace weir::engine
