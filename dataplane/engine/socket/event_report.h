#pragma once

#include <memory>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dataplane/engine/workers/worker.h"
#include "dataplane/match/snapshot_view.h"

namespace weir::engine {

/// What the workers blocked since the last call (with `skip`: nothing, and what they kept is forgotten), some
/// hundreds at once, oldest first for each worker:
/// `{"events":[{"time":UNIX SECONDS,"rule","list","protocol"}],"lost":N}`; lost: events that were overwritten
/// before they could be taken. Lists are named from `snapshot` (may be null). For the main thread.
nlohmann::json take_events(const std::vector<std::unique_ptr<Worker>>& workers,
                           const match::SnapshotView* snapshot, bool skip);

}  // namespace weir::engine
