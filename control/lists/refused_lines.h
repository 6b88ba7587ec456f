#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "dataplane/rules/plain_list.h"

namespace weir::control {

/// Limit of the refused lines that are kept with their reasons. All of them are counted.
inline constexpr std::size_t kMaxReportedLines = 20;

/// Lines of a feed that were not loaded. Reasons never quote the line.
struct RefusedLines {
  std::size_t count = 0;
  std::vector<rules::LineError> first;

  void add(rules::LineError error) {
    if (++count <= kMaxReportedLines) first.push_back(std::move(error));
  }
  void append(RefusedLines others) {
    count += others.count;
    for (rules::LineError& error : others.first) {
      if (first.size() < kMaxReportedLines) first.push_back(std::move(error));
    }
  }
};

}  // namespace weir::control
