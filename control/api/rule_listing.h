#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "config/settings.h"
#include "control/publish/publisher.h"
#include "dataplane/base/result.h"

namespace weir::control {

inline constexpr std::uint64_t kMaxListedRules = 5000;
inline constexpr std::uint64_t kDefaultListedRules = 100;

/// Which rules to list, and how.
struct RuleListing {
  std::optional<std::string> list;  // none: all
  std::uint64_t limit = kDefaultListedRules;
  std::optional<std::string> cursor;  // of the previous answer; none: from the start
  bool entries = false;               // with the text of the entries
};

/// One page of rules, in the order of the lists. The answer's `cursor` continues the listing; it is null at
/// the end. Error codes: list_unknown, cursor_invalid, entries_not_kept.
base::Result<nlohmann::json> list_rules(const config::Settings& settings, const View& view,
                                        const RuleListing& listing);

}  // namespace weir::control
