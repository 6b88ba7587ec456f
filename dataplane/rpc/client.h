#pragma once

#include <chrono>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace weir::rpc {

/// Connects to the Unix socket at `path`, makes one call and returns its result. `descriptor` (if not -1)
/// goes along by SCM_RIGHTS. Error codes: not_running (nobody listens), timeout, protocol, and those of the
/// server.
base::Result<nlohmann::json> call(const std::string& path, const std::string& method,
                                  const nlohmann::json& params, std::chrono::milliseconds timeout,
                                  int descriptor = -1);

}  // namespace weir::rpc
