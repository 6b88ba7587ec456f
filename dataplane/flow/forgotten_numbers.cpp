#include "dataplane/flow/forgotten_numbers.h"

#include <algorithm>
#include <bit>

namespace weir::flow {
namespace {

// Numbers wrap: how far it is upwards.
constexpr std::uint32_t up(std::uint32_t from, std::uint32_t to) noexcept { return to - from; }

}  // namespace

ForgottenNumbers::ForgottenNumbers(std::size_t connections)
    : records_(std::bit_ceil(std::max(connections, kWays))) {}

std::span<const ForgottenNumbers::Record> ForgottenNumbers::set_of(std::uint64_t hash) const noexcept {
  const std::size_t set = static_cast<std::size_t>(hash) & (records_.size() / kWays - 1);
  return std::span(records_).subspan(set * kWays, kWays);
}

bool ForgottenNumbers::is_live(const Range& range, std::chrono::nanoseconds now) noexcept {
  return now - range.added < kLifetime;
}

bool ForgottenNumbers::overlap(const Range& a, const Range& b) noexcept {
  return up(a.first, b.first) <= up(a.first, a.last) || up(b.first, a.first) <= up(b.first, b.last);
}

ForgottenNumbers::Range ForgottenNumbers::hull_of(const Range& below, const Range& above) noexcept {
  const bool inside = up(below.first, above.last) < up(below.first, below.last);
  return {.first = below.first,
          .last = inside ? below.last : above.last,
          .added = std::max(below.added, above.added)};
}

bool ForgottenNumbers::touches(const FlowKey& key, std::uint64_t hash, std::uint32_t first,
                               std::uint32_t last, std::chrono::nanoseconds now) const noexcept {
  const Range wanted{.first = first, .last = last};
  for (const Record& record : set_of(hash)) {
    if (record.count == 0 || record.key != key) continue;
    const auto ranges = std::span(record.ranges).first(record.count);
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const Range& range) { return is_live(range, now) && overlap(range, wanted); });
  }
  return false;
}

ForgottenNumbers::Record& ForgottenNumbers::record_for(const FlowKey& key, std::uint64_t hash) noexcept {
  const auto set = set_of(hash);
  Record* const begin = &records_[static_cast<std::size_t>(set.data() - records_.data())];
  Record* oldest = begin;
  for (Record* record = begin; record != begin + kWays; ++record) {
    if (record->count != 0 && record->key == key) return *record;
    const bool is_free = record->count == 0;
    if (oldest->count != 0 && (is_free || record->added < oldest->added)) oldest = record;
  }
  oldest->key = key;
  oldest->count = 0;
  return *oldest;
}

void ForgottenNumbers::forget_expired(Record& record, std::chrono::nanoseconds now) noexcept {
  auto* const end = record.ranges.begin() + record.count;
  auto* const live =
      std::remove_if(record.ranges.begin(), end, [now](const Range& range) { return !is_live(range, now); });
  record.count = static_cast<std::size_t>(live - record.ranges.begin());
}

void ForgottenNumbers::absorb(Record& record, Range& range) noexcept {
  for (std::size_t i = 0; i < record.count;) {
    const Range& other = record.ranges[i];
    if (!overlap(range, other)) {
      ++i;
      continue;
    }
    const bool starts_inside = up(range.first, other.first) <= up(range.first, range.last);
    range = starts_inside ? hull_of(range, other) : hull_of(other, range);
    record.ranges[i] = record.ranges[--record.count];
    i = 0;  // it is larger now
  }
}

// The shortest joined range holds no third one, and keeps all about equally long.
void ForgottenNumbers::join_nearest(Record& record) noexcept {
  std::size_t below = 0;
  std::size_t above = 1;
  const auto length = [&record](std::size_t from, std::size_t to) {
    return up(record.ranges[from].first, record.ranges[to].last);
  };
  for (std::size_t i = 0; i < record.count; ++i) {
    for (std::size_t j = 0; j < record.count; ++j) {
      if (i == j || length(i, j) >= length(below, above)) continue;
      below = i;
      above = j;
    }
  }
  record.ranges[below] = hull_of(record.ranges[below], record.ranges[above]);
  record.ranges[above] = record.ranges[--record.count];
}

void ForgottenNumbers::add(const FlowKey& key, std::uint64_t hash, std::uint32_t first, std::uint32_t last,
                           std::chrono::nanoseconds now) noexcept {
  Record& record = record_for(key, hash);
  Range range{.first = first, .last = last, .added = now};
  forget_expired(record, now);
  absorb(record, range);
  if (record.count == kRanges) join_nearest(record);
  // The joined range may not reach the new one: they were apart, or it would have been absorbed.
  absorb(record, range);
  record.ranges[record.count++] = range;
  record.added = now;
}

}  // namespace weir::flow
