#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "config/settings.h"
#include "control/publish/publisher.h"
#include "dataplane/base/result.h"

namespace weir::control {

inline constexpr std::uint64_t kMaxListedRules = 5000;
inline constexpr std::uint64_t kDefaultListedRules = 100;

/// What of the rules is asked for.
struct RuleListing {
  std::string list;  // empty: all
  std::uint64_t limit = kDefaultListedRules;
  std::string cursor;    // of the answer before; empty: from the start
  bool entries = false;  // show their text
};

/// A page of rules in the order of the lists. `cursor` of the answer goes on from there and is null at the
/// end. Error codes: list_unknown, cursor_invalid.
base::Result<nlohmann::json> list_rules(const config::Settings& settings, const View& view,
                                        const RuleListing& listing);

}  // namespace weir::control
