#pragma once

#include "config/problems.h"
#include "config/settings.h"

namespace weir::config {

/// What no setting shows alone: ports that make a wire, distinct names, settings that need one another.
void check_settings(const Settings& settings, Audience audience, const Lines& lines, Problems& problems);

}  // namespace weir::config
