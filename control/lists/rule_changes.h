#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "control/lists/state.h"
#include "dataplane/base/result.h"

namespace weir::control {

// These functions change a draft in memory only. A list that they change gets a new serial.

struct Adopted {
  std::size_t added = 0;
  std::size_t removed = 0;
};
/// Replaces the entries of a feed with `rules`. Entries that the list already has keep their ids. Error code:
/// ids_exhausted.
base::Result<Adopted> adopt_rules(LoadedState& draft, std::size_t list, RuleSet rules,
                                  std::size_t duplicates);

struct AddedRule {
  base::RuleId id;
  bool existed = false;  // the list had the entry: its note is replaced and its id stays
};
/// Adds an entry to a manual list. Error code: ids_exhausted.
base::Result<AddedRule> add_entry(LoadedState& draft, std::size_t list, const rules::Rule& rule,
                                  ManualNote note);

/// Removes the entry with this id from a manual list. False if the list has none.
bool remove_id(LoadedState& draft, std::size_t list, base::RuleId id);
/// Removes the entries equal to `rule`, both block and allow, from a manual list. Returns their ids.
std::vector<base::RuleId> remove_entry(LoadedState& draft, std::size_t list, const rules::Rule& rule);

/// Removes the entries of manual lists that have expired. Returns how many.
std::size_t drop_expired(LoadedState& draft, std::int64_t now);
/// When the next entry expires. None: no entry expires.
std::optional<std::int64_t> next_expiry(const LoadedState& state);

}  // namespace weir::control
