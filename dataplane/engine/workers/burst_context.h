#pragma once

#include <chrono>
#include <cstdint>

#include "dataplane/base/enforcement.h"
#include "dataplane/match/snapshot_view.h"

namespace weir::engine {

/// What all packets of one burst have in common.
struct BurstContext {
  std::chrono::nanoseconds now;         // by the processor's cycle counter
  const match::SnapshotView* snapshot;  // null: no list yet
  base::Enforcement enforcement;
  std::uint64_t received_cycles;  // when the burst was received, for the latency histogram
};

}  // namespace weir::engine
