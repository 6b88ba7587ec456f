#include "dataplane/engine/snapshots/snapshot_store.h"

#include <ctime>
#include <utility>

#include <fmt/format.h>

namespace weir::engine {

base::Status SnapshotStore::publish(std::unique_ptr<const Snapshot> snapshot,
                                    std::chrono::milliseconds grace_limit) {
  const base::Generation generation = snapshot->view.generation();
  if (active() != nullptr && generation < active()->view.generation()) {
    return base::Error{.code = "snapshot_stale",
                       .message = fmt::format("generation {} is older than the active one, {}",
                                              generation.value, active()->view.generation().value)};
  }
  activated_unix_seconds_ = static_cast<std::uint64_t>(std::time(nullptr));
  if (published_.publish(std::move(snapshot), grace_limit)) return base::ok_status();
  return base::Error{
      .code = "busy",
      .message = fmt::format("generation {} is in force, but a worker has not moved for {} ms: "
                             "see the workers' heartbeat in the status",
                             generation.value, grace_limit.count())};
}

}  // namespace weir::engine
