#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace weir::bench {

/// The sizes to measure: always the `small` ones; with WEIR_BENCH=full in the environment also the `large`
/// ones, which take minutes and gigabytes.
inline std::vector<std::int64_t> sizes(std::vector<std::int64_t> small,
                                       const std::vector<std::int64_t>& large) {
  const char* const wanted = std::getenv("WEIR_BENCH");
  if (wanted != nullptr && std::string_view(wanted) == "full") {
    small.insert(small.end(), large.begin(), large.end());
  }
  return small;
}

}  // namespace weir::bench
