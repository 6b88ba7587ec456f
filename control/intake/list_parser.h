#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "control/intake/guards.h"
#include "control/lists/refused_lines.h"
#include "control/lists/rule_set.h"
#include "dataplane/rules/plain_list.h"

namespace weir::control {

/// The entries of a feed, without ids and without duplicates.
struct ParsedList {
  RuleSet rules;
  std::size_t duplicates = 0;
  RefusedLines refused;
  std::optional<std::uint64_t> serial;
  std::optional<std::string> token;  // formats::ListFacts
};

/// Reads a feed in the format of `list`. Refuses the lines that cover a protected host. Error codes: those of
/// formats::read_list(). Their messages name the feed.
base::Result<ParsedList> parse_list(const config::ListSettings& list, std::string_view text,
                                    const ProtectedHosts& protected_hosts, rules::EntryParser& parser);

}  // namespace weir::control
