#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/settings.h"
#include "dataplane/base/result.h"
#include "dataplane/engine/snapshots/snapshot_store.h"
#include "dataplane/engine/workers/worker.h"
#include "dataplane/inspect/answer/block_page.h"

namespace weir::engine {

/// Reads the configuration again while packets flow and takes over what may change: `dataplane.block.http`
/// with the page's file. Workers get the new page as they get a snapshot; every answer is of one page. Main
/// thread only.
class Reconfiguration {
 public:
  /// `in_force`: the settings of the start. The last two must outlive the object.
  Reconfiguration(std::string config_file, config::DataplaneSettings in_force, SnapshotStore& snapshots,
                  WorkerShared& shared)
      : config_file_(std::move(config_file)),
        in_force_(std::move(in_force)),
        snapshots_(snapshots),
        shared_(shared) {}

  /// {"changed": keys that differ from what was in force, "needs_restart": those of them that were not taken
  /// over, "page": true: its file was read again}. Where anything is wrong with the file all stays as it was.
  /// Error codes: config_unreadable, config_invalid.
  base::Result<nlohmann::json> reload();

 private:
  void publish(inspect::BlockPage page);

  std::string config_file_;
  config::DataplaneSettings in_force_;
  SnapshotStore& snapshots_;
  WorkerShared& shared_;
  std::unique_ptr<const inspect::BlockPage> page_;                  // null: that of the start
  std::vector<std::unique_ptr<const inspect::BlockPage>> retired_;  // that a worker may still send from
};

}  // namespace weir::engine
