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

/// Everything about a start that follows from the configuration, before any port is opened.
struct StartPlan {
  config::DataplaneSettings settings;
  std::string config_file;  // for messages
  // Subscriber, network. Topology mirror: mirror, answers. Topology routed with one arm: the only port.
  std::vector<config::PortSettings> ports;
  std::vector<RouterPort>
      router_ports;  // as `ports`, topology routed only; MAC address and MTU come from the devices
  std::vector<std::string> pci_devices;  // those of the ports, with their arguments
  inspect::InspectorSettings inspector;
  inspect::BlockPage page;
};

/// Checks the ports and reads the block page. Error code: config_invalid; the message names file and line.
base::Result<StartPlan> make_start_plan(const config::DataplaneSettings& settings,
                                        const std::string& config_file);

}  // namespace weir::engine
