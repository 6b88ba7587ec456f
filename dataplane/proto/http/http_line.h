#pragma once

#include <cstddef>
#include <string_view>

namespace weir::proto {

/// A line of a head with its LF.
struct HttpLine {
  std::string_view text;
  bool bare_cr = false;  // a CR that no LF follows is in it
  bool odd = false;      // it ends with a bare LF, or has a bare CR: servers disagree where lines end
};

/// Splits off the next line, which ends with LF; false when no LF is left. O(line).
bool take_line(std::string_view& rest, HttpLine& line) noexcept;

}  // namespace weir::proto
