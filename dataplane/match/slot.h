#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dataplane/match/snapshot_format.h"

namespace weir::match {

/// An unpacked table entry with its key.
struct Slot {
  Fingerprint key;
  std::uint32_t value = 0;
  std::uint8_t list = 0;
  std::uint8_t flags = 0;
  /// While building: the key of the rule itself, not one added by the policy of its list. Only these are
  /// counted.
  bool primary = false;

  bool operator==(const Slot&) const = default;
  [[nodiscard]] bool has(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }
  [[nodiscard]] bool is_rule() const noexcept { return !has(kPathInfo | kPortInfo); }
};
static_assert(sizeof(Slot) == 24);

/// Whether rule `a` wins when both match: allow first, then the list of higher precedence, then the lower id.
[[nodiscard]] inline bool decides_over(const Slot& a, const Slot& b) noexcept {
  if (a.has(kAllow) != b.has(kAllow)) return a.has(kAllow);
  if (a.list != b.list) return a.list < b.list;
  return a.value < b.value;
}

/// The tag of a key in its bucket.
[[nodiscard]] inline std::uint16_t tag_of(const Fingerprint& key) noexcept {
  return static_cast<std::uint16_t>(key.low);
}

/// The bucket of the key in a table of `bucket_count` buckets. Buckets are in the order of their keys.
[[nodiscard]] inline std::size_t bucket_index(const Fingerprint& key, std::size_t bucket_count) noexcept {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::size_t>(Wide{key.low} * bucket_count >> 64);
}

[[nodiscard]] inline TableEntry pack(const Slot& slot) noexcept {
  TableEntry entry;
  const auto middle = static_cast<std::uint32_t>(slot.key.low >> 16);
  std::memcpy(entry.high.data(), &slot.key.high, sizeof(entry.high));
  std::memcpy(entry.low.data(), &middle, sizeof(entry.low));
  std::memcpy(entry.value.data(), &slot.value, sizeof(entry.value));
  entry.list = slot.list;
  entry.flags = slot.flags;
  return entry;
}

[[nodiscard]] inline std::uint32_t value_of(const TableEntry& entry) noexcept {
  std::uint32_t value = 0;
  std::memcpy(&value, entry.value.data(), sizeof(value));
  return value;
}

[[nodiscard]] inline bool has_key(const TableEntry& entry, const Fingerprint& key) noexcept {
  std::uint64_t high = 0;
  std::uint32_t middle = 0;
  std::memcpy(&high, entry.high.data(), sizeof(high));
  std::memcpy(&middle, entry.low.data(), sizeof(middle));
  return high == key.high && middle == static_cast<std::uint32_t>(key.low >> 16);
}

/// The value of path info for prefix rules of one depth (see kDeepestBit).
[[nodiscard]] inline std::uint32_t depth_set(std::size_t depth) noexcept {
  if (depth < kDeepestBit) return std::uint32_t{1} << depth;
  const auto units = std::min<std::size_t>((depth + kDepthUnit - 1) / kDepthUnit, kAnyDepth);
  return std::uint32_t{1} << kDeepestBit | static_cast<std::uint32_t>(units) << kDepthShift;
}

/// The value for the prefix rules of both sets.
[[nodiscard]] inline std::uint32_t merge_depth_sets(std::uint32_t a, std::uint32_t b) noexcept {
  constexpr std::uint32_t kBits = (std::uint32_t{1} << kDepthShift) - 1;
  return ((a | b) & kBits) | std::max(a >> kDepthShift, b >> kDepthShift) << kDepthShift;
}

[[nodiscard]] inline bool has_depth(std::uint32_t set, std::size_t depth) noexcept {
  if (depth < kDeepestBit) return (set >> depth & 1U) != 0;
  if ((set >> kDeepestBit & 1U) == 0) return false;
  const std::uint32_t units = set >> kDepthShift;
  return units == kAnyDepth || depth <= std::size_t{units} * kDepthUnit;
}

}  // namespace weir::match
