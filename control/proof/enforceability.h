#pragma once

#include <cstddef>
#include <vector>

#include "control/publish/publisher.h"

namespace weir::control {

/// Entries of a list by what can be done with them.
struct EnforceabilityCounts {
  std::size_t whole_hosts = 0;  // block rules that hold on every protocol
  std::size_t paths = 0;        // block rules that need to see a path
  std::size_t overridden = 0;   // block rules that an allow rule on the whole host takes out of force
  std::size_t allow_rules = 0;
};

struct Enforceability {
  std::vector<EnforceabilityCounts> lists;  // as in the view
};

/// Goes through every list of `view`.
Enforceability count_enforceability(const View& view);

}  // namespace weir::control
