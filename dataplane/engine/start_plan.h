#pragma once

#include <string>
#include <vector>

#include "config/settings.h"
#include "dataplane/base/result.h"
#include "dataplane/engine/ports/device.h"
#include "dataplane/engine/routed/router.h"
#include "dataplane/inspect/answer/answer.h"
#include "dataplane/inspect/inspector.h"

namespace weir::engine {

/// Everything about a start that can be known from the configuration, before any port is touched.
struct StartPlan {
  config::DataplaneSettings settings;
  std::string config_file;  // for messages
  // Subscriber, network; in mode mirror: mirror, answers; in mode routed with one arm: the only one.
  std::vector<config::PortSettings> ports;
  std::vector<RouterPort> router_ports;  // as `ports`, in mode routed; what devices know is still missing
  std::vector<std::string> pci_devices;  // of the ports, with their arguments
  inspect::InspectorSettings inspector;
  inspect::BlockPage page;
};

/// Checks the ports and reads the block page. Error code: config_invalid; the message names file and line.
base::Result<StartPlan> make_start_plan(const config::DataplaneSettings& settings,
                                        const std::string& config_file);

}  // namespace weir::engine
