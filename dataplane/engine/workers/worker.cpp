#include "dataplane/engine/workers/worker.h"

#include "dataplane/engine/workers/topology_inline.h"
#include "dataplane/engine/workers/topology_mirror.h"
#include "dataplane/engine/workers/topology_routed.h"
#include "dataplane/engine/workers/worker_loop.h"

namespace weir::engine {

Worker::Worker(const WorkerSettings& settings, WorkerShared& shared)
    : settings_(settings),
      shared_(shared),
      inspector_(settings.inspector, counters_, nullptr, shared.accepted.get()),
      answer_budget_(settings.inspector.page_bytes_per_second) {
  inspector_.count_hits(rule_hits_);
}

std::unique_ptr<Worker> make_worker(const WorkerSettings& settings, WorkerShared& shared) {
  switch (settings.topology) {
    case config::Topology::mirror:
      return std::make_unique<WorkerLoop<MirrorTopology>>(settings, shared);
    case config::Topology::routed:
      return std::make_unique<WorkerLoop<RoutedTopology>>(settings, shared);
    case config::Topology::inline_wire:
      break;
  }
  return std::make_unique<WorkerLoop<InlineTopology>>(settings, shared);
}

}  // namespace weir::engine
