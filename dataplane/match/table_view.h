#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/match/slot.h"
#include "dataplane/match/snapshot_format.h"

namespace weir::match {

/// A validated table of a snapshot. Readers are wait-free; an absent key costs one cache line.
class TableView {
 public:
  /// No entry.
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  /// An empty table without buckets.
  TableView() = default;
  /// Both have passed check_table(); `buckets` includes the extra last one.
  TableView(std::span<const Bucket> buckets, std::span<const TableEntry> entries) noexcept
      : buckets_(buckets.data()), bucket_count_(buckets.size() - 1), entries_(entries) {}

  /// Index of the first entry of the key, or kNone.
  [[nodiscard]] std::uint32_t find(const Fingerprint& key) const noexcept {
    std::uint32_t found = kNone;
    find_batch({&key, 1}, {&found, 1});
    return found;
  }

  /// find() of each key, with prefetching of the cache lines. `found` is as long as `keys`.
  void find_batch(std::span<const Fingerprint> keys, std::span<std::uint32_t> found) const noexcept;

  /// Prefetches the cache line that find() of the key reads.
  void prefetch(const Fingerprint& key) const noexcept {
    if (bucket_count_ != 0) __builtin_prefetch(buckets_ + bucket_of(key));
  }

  /// Calls on_slot(slot) for every entry of the key. `first` is the result of find().
  template <class OnSlot>
  void for_each(const Fingerprint& key, std::uint32_t first, OnSlot&& on_slot) const noexcept {
    if (first == kNone) return;
    const std::uint32_t end = start_of(bucket_of(key) + 1);
    for (std::uint32_t i = first; i < end && has_key(entries_[i], key); ++i) {
      const TableEntry& entry = entries_[i];
      on_slot(Slot{
          .key = key, .value = value_of(entry), .list = entry.list, .flags = entry.flags, .primary = false});
    }
  }

  [[nodiscard]] std::size_t bucket_count() const noexcept { return bucket_count_; }
  [[nodiscard]] std::span<const TableEntry> entries() const noexcept { return entries_; }

 private:
  [[nodiscard]] std::size_t bucket_of(const Fingerprint& key) const noexcept {
    return bucket_index(key, bucket_count_);
  }
  [[nodiscard]] std::uint32_t start_of(std::size_t bucket) const noexcept {
    return buckets_[bucket].first & ~kOverflows;
  }
  template <class TagMatch>
  void find_batch_with(std::span<const Fingerprint> keys, std::uint32_t* found) const noexcept;
  void find_batch_avx512(std::span<const Fingerprint> keys, std::uint32_t* found) const noexcept;
  void find_batch_avx2(std::span<const Fingerprint> keys, std::uint32_t* found) const noexcept;
  void find_batch_portable(std::span<const Fingerprint> keys, std::uint32_t* found) const noexcept;
  /// The first entry of the key in the bucket. `tags` has a bit for each tag of the bucket that is the key's.
  [[nodiscard]] std::uint32_t find_tagged(std::size_t bucket, std::uint32_t tags,
                                          const Fingerprint& key) const noexcept;

  const Bucket* buckets_ = nullptr;
  std::size_t bucket_count_ = 0;
  std::span<const TableEntry> entries_;
};

}  // namespace weir::match
