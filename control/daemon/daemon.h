#pragma once

#include <filesystem>

#include "config/settings.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// Runs the control daemon until SIGTERM or SIGINT; SIGHUP makes every feed due. Signals must be blocked by
/// base::block_signals() before the first thread is made. The error says why it could not start.
base::Status run_daemon(const config::Settings& settings, const std::filesystem::path& config_file);

}  // namespace weir::control
