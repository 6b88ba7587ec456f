#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace weir::config {

/// The keys in which two configurations differ, in the order of the reference. A list is `lists[NAME]`,
/// `lists` alone means that their order differs, and any port is `dataplane.ports`. Values are not shown,
/// because some are secret.
std::vector<std::string> changed_settings(const Settings& before, const Settings& after);

/// What a reconfiguration makes of a configuration that was read again.
struct Reconfigured {
  Settings in_force;                 // the current settings and what was taken over from the wanted ones
  std::vector<std::string> changed;  // keys, as changed_settings()
  std::vector<std::string> needs_restart;  // those of `changed` that were not taken over
};

/// Takes over the settings of one daemon whose row says ChangeNeeds::reconfigure. The dataplane has
/// `dataplane`, the control daemon everything else. `changed` and `needs_restart` name settings of that
/// daemon only if it is the dataplane; the control daemon reports on the whole file.
Reconfigured take_over(const Settings& current, const Settings& wanted, Audience audience);

}  // namespace weir::config
