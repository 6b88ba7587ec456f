#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "match/rule.h"

namespace weir::match {

/// Most bad lines whose reason is kept; further ones are only counted, so that a file of garbage cannot fill
/// the memory.
inline constexpr std::size_t kMaxLineErrors = 1000;

/// A line that could not be used; `message` gives the reason and never repeats the line.
struct LineError {
  std::size_t line = 0;  // from 1
  std::string message;
};

struct PlainListSummary {
  std::size_t rules = 0;
  std::size_t bad_lines = 0;
  std::vector<LineError> errors;  // of the first kMaxLineErrors bad lines
};

/// Reads the `plain` profile: an entry a line, `#` starts a comment (at the line's start or after white
/// space), blank lines are skipped, LF or CRLF, an optional UTF-8 byte order mark. Calls `on_rule(rule,
/// line)` for each good line in order (rule id and list are left to the caller); bad lines are collected and
/// the rest loads.
PlainListSummary read_plain_list(std::string_view text, EntryParser& parser,
                                 const std::function<void(Rule&&, std::size_t line)>& on_rule);

}  // namespace weir::match
