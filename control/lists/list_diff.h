#pragma once

#include <cstddef>

#include <nlohmann/json_fwd.hpp>

#include "control/lists/state.h"

namespace weir::control {

/// Limit of the rules and entries that a comparison names. All of them are counted.
inline constexpr std::size_t kMaxDiffRules = 1000;

/// How `after` differs from `before` (null: no content yet):
/// `{"before","after","added","removed","unchanged", "removed_rules":[ids]}`. With `entries` also
/// `"added_entries"` and `"removed_entries"` (null if only fingerprints are stored).
nlohmann::json diff_lists(const ListContent* before, const RuleSet& after, bool entries);

}  // namespace weir::control
