#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "control/guards.h"
#include "control/rule_set.h"
#include "match/plain_list.h"

namespace weir::control {

/// How many refused lines are kept with their reasons; all are counted.
inline constexpr std::size_t kMaxReportedLines = 20;

/// Lines of a feed that were not loaded. Reasons never repeat the line.
struct RefusedLines {
  std::size_t count = 0;
  std::vector<match::LineError> first;

  void add(match::LineError error) {
    if (++count <= kMaxReportedLines) first.push_back(std::move(error));
  }
  void append(RefusedLines others) {
    count += others.count;
    for (match::LineError& error : others.first) {
      if (first.size() < kMaxReportedLines) first.push_back(std::move(error));
    }
  }
};

/// A feed's entries, without ids; equal entries once.
struct ParsedList {
  RuleSet rules;
  std::size_t duplicates = 0;
  RefusedLines refused;
  std::optional<std::uint64_t> serial;
  std::optional<std::string> token;  // feeds::ListFacts
};

/// Reads a feed in the profile of `list`; what covers a protected host is refused line by line. Error codes:
/// those of feeds::read_list(); their messages name the feed.
base::Result<ParsedList> parse_list(const config::ListSettings& list, std::string_view text,
                                    const ProtectedHosts& protected_hosts, match::EntryParser& parser);

}  // namespace weir::control
