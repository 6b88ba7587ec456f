#pragma once

#include <cstdint>
#include <optional>

namespace weir::control {

/// Where a list stands in the sequence of lists that its source published. Empty fields: the list does not
/// say.
struct Edition {
  std::optional<std::uint64_t> serial;               // in the list itself
  std::optional<std::uint64_t> signed_serial;        // in the trusted comment of its signature
  std::optional<std::uint64_t> signed_unix_seconds;  // in the trusted comment of its signature
};

}  // namespace weir::control
