#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/base/result.h"

namespace weir::engine {

/// Whether the network interface of this name is up and has a carrier; false too where there is none.
bool interface_has_link(const std::string& name);

/// Longest IP packet that the interface takes; none where there is no such interface.
std::optional<std::uint16_t> interface_mtu(const std::string& name);

/// `ip link set NAME up|down`. Error code: interface_failed.
base::Status set_interface_up(const std::string& name, bool up);

}  // namespace weir::engine
