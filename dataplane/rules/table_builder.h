#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <vector>

#include "dataplane/match/slot.h"

namespace weir::rules {

/// Collects the slots of one table and writes them. The result does not depend on the order in which they
/// were added. Memory: 24 bytes a slot and up to a quarter more; written part by part, each given back in
/// turn.
class TableBuilder {
 public:
  /// Most keys for a bucket on average: with more, more of them overflow, with fewer, the table grows.
  enum class Density : std::uint8_t { fast = 18, compact = 26 };

  void add(const match::Slot& slot);
  [[nodiscard]] std::size_t size() const noexcept;

  /// Leaves, of the slots of each key, only those that can decide: one rule for each scope (the host itself,
  /// the hosts below) and for encrypted connections alone, one path info for each scope, one port info. At
  /// most 7 for a key, however many rules it has. Calls on_primary(slot, is_first) for each primary slot:
  /// is_first is false for one that says the same as another. Must be called once, before write().
  void reduce(const std::function<void(const match::Slot& slot, bool is_first)>& on_primary);

  /// What reduce() left, as bytes behind `out` (padded to kTableAlignment first), in the order of the keys;
  /// this object is empty afterwards. Throws std::length_error for more entries than a table can have, or
  /// keys that all fall together (which no seed drawn at random gives).
  match::TableRecord write(std::vector<std::byte>& out, Density density);

 private:
  // Parts by the key's first bits: sorted one by one they stay in the cache, and their order is the keys'.
  static constexpr std::size_t kParts = 256;
  static constexpr unsigned kPartShift = 56;

  [[nodiscard]] bool fits(std::size_t bucket_count) const;

  std::array<std::vector<match::Slot>, kParts> parts_;
};

/// Bytes that a table of so many entries adds to a snapshot, at most (where no bucket overfills).
[[nodiscard]] std::size_t table_bytes(std::size_t entries, TableBuilder::Density density) noexcept;

}  // namespace weir::rules
