#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/flow/flow.h"

namespace weir::flow {

/// The sequence numbers of streams that are no longer followed because others took their place. A server may
/// still follow such a stream, so its numbers belong to no other one for a while. A connection has a fixed
/// number of ranges: when there are more, those that are nearest to each other become one, so numbers are
/// only ever added. The record of another connection gives way when there are too many connections. Memory is
/// taken at construction. Not thread safe.
class ForgottenNumbers {
 public:
  static constexpr std::size_t kRanges = 12;
  /// Longer than servers wait for the rest of a request, and so much shorter than 275 s, after which the
  /// initial sequence numbers of Linux repeat, that joined ranges are gone by then too.
  static constexpr std::chrono::seconds kLifetime{180};

  /// `connections` is rounded up to a power of two of at least kWays.
  explicit ForgottenNumbers(std::size_t connections);

  /// Remembers the numbers from `first` to `last`, both included. `hash` is of the key, with a secret seed.
  /// O(kRanges^2).
  void add(const FlowKey& key, std::uint64_t hash, std::uint32_t first, std::uint32_t last,
           std::chrono::nanoseconds now) noexcept;
  /// Whether one of the numbers from `first` to `last`, both included, is remembered. O(kRanges).
  [[nodiscard]] bool touches(const FlowKey& key, std::uint64_t hash, std::uint32_t first, std::uint32_t last,
                             std::chrono::nanoseconds now) const noexcept;

 private:
  static constexpr std::size_t kWays = 4;

  struct Range {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::chrono::nanoseconds added{};  // the latest of its numbers
  };
  struct Record {
    FlowKey key;
    std::chrono::nanoseconds added{};
    std::array<Range, kRanges> ranges;
    std::size_t count = 0;  // 0: the record is free
  };

  [[nodiscard]] std::span<const Record> set_of(std::uint64_t hash) const noexcept;
  Record& record_for(const FlowKey& key, std::uint64_t hash) noexcept;
  static void forget_expired(Record& record, std::chrono::nanoseconds now) noexcept;
  /// Joins `range` with all that it overlaps, which leave the record.
  static void absorb(Record& record, Range& range) noexcept;
  /// Joins the two ranges that are nearest to each other.
  static void join_nearest(Record& record) noexcept;
  static bool overlap(const Range& a, const Range& b) noexcept;
  static Range hull_of(const Range& below, const Range& above) noexcept;
  static bool is_live(const Range& range, std::chrono::nanoseconds now) noexcept;

  std::vector<Record> records_;
};

}  // namespace weir::flow
