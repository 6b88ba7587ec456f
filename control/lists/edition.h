#pragma once

#include <cstdint>
#include <optional>

namespace weir::control {

/// Where a list stands in the order of those that its source gave out. What it does not say is none.
struct Edition {
  std::optional<std::uint64_t> serial;         // the list's own
  std::optional<std::uint64_t> signed_serial;  // of its signature's trusted comment
  std::optional<std::uint64_t> signed_unix_seconds;
};

}  // namespace weir::control
