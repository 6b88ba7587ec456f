#pragma once

#include <filesystem>

#include "config/settings.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// Runs the control daemon until SIGTERM or SIGINT; SIGHUP makes every feed due. Signals must be blocked by
/// block_signals() before the first thread is made. The error says why it could not start.
base::Status run_daemon(const config::Settings& settings, const std::filesystem::path& config_file);

/// Blocks the signals that run_daemon() waits for, in this thread and those that it makes.
void block_signals();

}  // namespace weir::control
