#pragma once

#include <cstddef>
#include <vector>

#include "control/publish/publisher.h"

namespace weir::control {

/// The entries of a list, by how far Weir can enforce them.
struct EnforceabilityCounts {
  std::size_t whole_hosts = 0;  // block rules that work on every protocol
  std::size_t paths = 0;        // block rules that need to see a path
  std::size_t overridden = 0;   // block rules without effect: an allow rule covers the whole host
  std::size_t allow_rules = 0;
};

struct Enforceability {
  std::vector<EnforceabilityCounts> lists;  // in the order of the view
};

/// Linear in the rules of `view`.
Enforceability count_enforceability(const View& view);

}  // namespace weir::control
