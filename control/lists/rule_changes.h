#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "control/lists/store.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// Makes new contents from old ones; nothing here touches the disk. Each gives the changed list a new serial.

/// What a feed brought, with the ids that its entries had before.
struct Adopted {
  std::size_t added = 0;
  std::size_t removed = 0;
};
/// Error code: ids_exhausted.
base::Result<Adopted> adopt_rules(LoadedState& draft, std::size_t list, RuleSet rules,
                                  std::size_t duplicates);

struct AddedRule {
  base::RuleId id;
  bool existed = false;  // it had the entry already: the note is replaced, the id stays
};
base::Result<AddedRule> add_entry(LoadedState& draft, std::size_t list, const rules::Rule& rule,
                                  ManualNote note);

/// Takes out the entry with this id; false when the list has none.
bool remove_id(LoadedState& draft, std::size_t list, base::RuleId id);
/// Takes out the entries, block and allow, that say the same as `rule`; the ids that went.
std::vector<base::RuleId> remove_entry(LoadedState& draft, std::size_t list, const rules::Rule& rule);

/// Takes out entries whose time has come; how many went.
std::size_t drop_expired(LoadedState& draft, std::int64_t now);
/// When the next entry expires.
std::optional<std::int64_t> next_expiry(const LoadedState& state);

}  // namespace weir::control
