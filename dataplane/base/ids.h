#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace weir::base {

/// The number of a rule, as operators see it. Only the control daemon knows its entry.
struct RuleId {
  std::uint32_t value = 0;
  auto operator<=>(const RuleId&) const = default;
};

/// The index of a list in the configuration. 0 has the highest precedence.
struct ListIndex {
  std::uint8_t value = 0;
  auto operator<=>(const ListIndex&) const = default;
};

/// The number of a snapshot. It grows with each one that the control daemon builds, rollbacks included. 0:
/// none.
struct Generation {
  std::uint64_t value = 0;
  auto operator<=>(const Generation&) const = default;
};

/// Maximum number of lists in one snapshot.
inline constexpr std::size_t kMaxLists = 64;

}  // namespace weir::base
