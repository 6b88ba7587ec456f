#pragma once

#include <memory>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "dataplane/engine/workers/worker.h"
#include "dataplane/match/snapshot_view.h"

namespace weir::engine {

/// The requests that the workers dropped since the last call, oldest first for each worker:
/// `{"events":[{"time":UNIX SECONDS,"rule","list","protocol"}],"lost":N}`. lost: events that were overwritten
/// before they could be taken. With `skip` it returns none and discards them. Lists get their names from
/// `snapshot`, which may be null. For the main thread.
nlohmann::json take_events(const std::vector<std::unique_ptr<Worker>>& workers,
                           const match::SnapshotView* snapshot, bool skip);

}  // namespace weir::engine
