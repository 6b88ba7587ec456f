#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/base/result.h"

namespace weir::engine {

/// True: the network interface is up and has a carrier. False also if there is no such interface.
bool interface_has_link(const std::string& name);

/// The interface's MTU; none if there is no such interface.
std::optional<std::uint16_t> interface_mtu(const std::string& name);

/// `ip link set NAME up|down`. Error code: interface_failed.
base::Status set_interface_up(const std::string& name, bool up);

}  // namespace weir::engine
