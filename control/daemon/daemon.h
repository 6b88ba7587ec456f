#pragma once

#include <filesystem>

#include "config/settings.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// Runs the control daemon until SIGTERM or SIGINT. SIGHUP reads the configuration again, like the method
/// `reconfigure`. SIGUSR1 makes every feed due, as if its interval had passed. Call base::block_signals()
/// before the first thread starts. The error says why the daemon could not start.
base::Status run_daemon(const config::Settings& settings, const std::filesystem::path& config_file);

}  // namespace weir::control
