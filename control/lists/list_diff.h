#pragma once

#include <cstddef>

#include <nlohmann/json_fwd.hpp>

#include "control/lists/store.h"

namespace weir::control {

/// Most rules and entries that a comparison names; all are counted.
inline constexpr std::size_t kMaxDiffRules = 1000;

/// How `after` differs from `before` (null: nothing yet): `{"before","after","added","removed","unchanged",
/// "removed_rules":[ids]}`, and with `entries` also `"added_entries"` and, where the text is at hand,
/// `"removed_entries"`.
nlohmann::json diff_lists(const ListContent* before, const RuleSet& after, bool entries);

}  // namespace weir::control
