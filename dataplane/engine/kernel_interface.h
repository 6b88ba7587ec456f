#pragma once

#include <string>

#include "base/result.h"

namespace weir::engine {

/// Whether the network interface of this name is up and has a carrier; false too where there is none.
bool interface_has_link(const std::string& name);

/// `ip link set NAME up|down`. Error code: interface_failed.
base::Status set_interface_up(const std::string& name, bool up);

}  // namespace weir::engine
