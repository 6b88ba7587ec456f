#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "config/settings.h"
#include "dataplane/base/result.h"
#include "dataplane/engine/snapshots/published.h"
#include "dataplane/inspect/block_page/block_page.h"

namespace weir::engine {

/// Reads the configuration again while packets flow, and puts the settings into force that may change:
/// `dataplane.block.http` with the page's file. Workers get the new page the way they get a snapshot, and
/// each answer comes from one page. Main thread only.
class Reconfiguration {
 public:
  /// `in_force`: the settings of the start. `page` must outlive the object.
  Reconfiguration(std::string config_file, config::DataplaneSettings in_force,
                  Published<inspect::BlockPage>& page)
      : config_file_(std::move(config_file)), in_force_(std::move(in_force)), page_(page) {}

  /// {"changed": the keys that differ from the settings in force, "needs_restart": those of them that only a
  /// restart puts into force, "page": true (its file was read again)}. On an error nothing changes. Error
  /// codes: config_unreadable, config_invalid.
  base::Result<nlohmann::json> reload();

 private:
  void publish(inspect::BlockPage page);

  std::string config_file_;
  config::DataplaneSettings in_force_;
  Published<inspect::BlockPage>& page_;
};

}  // namespace weir::engine
