#pragma once

#include "config/problems.h"
#include "config/settings.h"

namespace weir::config {

/// Checks that need several settings: roles of ports, distinct names, settings that require each other.
void check_settings(const Settings& settings, Audience audience, const Lines& lines, Problems& problems);

}  // namespace weir::config
