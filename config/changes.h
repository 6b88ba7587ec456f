#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace weir::config {

/// The keys in which two configurations differ, in the order of the reference; lists as `lists[NAME]`, with
/// `lists` alone when their order differs, ports as `dataplane.ports`. Values are not told: some are secret.
std::vector<std::string> changed_settings(const Settings& before, const Settings& after);

}  // namespace weir::config
