#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <vector>

#include "dataplane/match/slot.h"

namespace weir::rules {

/// Collects the slots of one table and writes them. The result does not depend on the order of add(). Memory:
/// 24 bytes per slot and up to a quarter more; write() frees it part by part.
class TableBuilder {
 public:
  /// Average number of keys per bucket. With more, more buckets overflow; with fewer, the table grows.
  enum class Density : std::uint8_t { fast = 18, compact = 26 };

  void add(const match::Slot& slot);
  [[nodiscard]] std::size_t size() const noexcept;

  /// Keeps only the slots of each key that can decide: one rule per scope (the host itself, the hosts below),
  /// one per scope for encrypted connections only, one path info per scope, and one port info. That is at
  /// most 7 per key, however many rules it has. Calls on_primary(slot, is_first) for each primary slot;
  /// is_first is false for a duplicate of another. Must be called once, before write().
  void reduce(const std::function<void(const match::Slot& slot, bool is_first)>& on_primary);

  /// Appends the slots that reduce() kept to `out`, in the order of their keys, after padding `out` to
  /// kTableAlignment. The object is empty afterwards. Throws std::length_error for more entries than a table
  /// can have, or when too many keys share a bucket, which does not happen with a random seed.
  match::TableRecord write(std::vector<std::byte>& out, Density density);

 private:
  // Parts by the first bits of the key. Each is sorted in the cache, and their order is that of the keys.
  static constexpr std::size_t kParts = 256;
  static constexpr unsigned kPartShift = 56;

  [[nodiscard]] bool fits(std::size_t bucket_count) const;

  std::array<std::vector<match::Slot>, kParts> parts_;
};

/// Most bytes that a table of `entries` adds to a snapshot, as long as no bucket has too many keys.
[[nodiscard]] std::size_t table_bytes(std::size_t entries, TableBuilder::Density density) noexcept;

}  // namespace weir::rules
