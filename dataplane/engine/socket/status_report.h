#pragma once

#include <memory>
#include <vector>

#include <nlohmann/json.hpp>

#include "dataplane/engine/ports/mbuf_pool.h"
#include "dataplane/engine/ports/port.h"
#include "dataplane/engine/snapshots/snapshot_store.h"
#include "dataplane/engine/workers/load_meter.h"
#include "dataplane/engine/workers/worker.h"

namespace weir::engine {

/// What the status is read from.
struct StatusParts {
  const SnapshotStore& snapshots;
  const WorkerShared& shared;
  const std::vector<std::unique_ptr<Worker>>& workers;
  const std::vector<std::unique_ptr<Port>>& ports;
  const LoadMeter& load;
  const rte_mempool& mbufs;
};

/// The state of snapshot, ports, workers, flows and packet buffers, as the method `status` returns it. For
/// the main thread.
nlohmann::json status_report(const StatusParts& parts);

}  // namespace weir::engine
