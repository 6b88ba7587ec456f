#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/match/slot.h"
#include "dataplane/match/snapshot_format.h"

namespace weir::match {

/// A validated table of a snapshot. Wait-free readers; a key that is not there costs one cache line.
class TableView {
 public:
  /// No such entry.
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  /// A table without buckets: holds nothing.
  TableView() = default;
  /// `buckets` with the additional last one; both as check_table() has them.
  TableView(std::span<const Bucket> buckets, std::span<const TableEntry> entries) noexcept
      : buckets_(buckets.data()), bucket_count_(buckets.size() - 1), entries_(entries) {}

  /// The number of the key's first entry, or kNone.
  [[nodiscard]] std::uint32_t find(const Fingerprint& key) const noexcept {
    std::uint32_t found = kNone;
    find_batch({&key, 1}, {&found, 1});
    return found;
  }

  /// find() of each key, with the cache lines of those to come asked for ahead. `found` is as long as `keys`.
  void find_batch(std::span<const Fingerprint> keys, std::span<std::uint32_t> found) const noexcept;

  /// Asks for the line that find() of the key will read.
  void prefetch(const Fingerprint& key) const noexcept {
    if (bucket_count_ != 0) __builtin_prefetch(buckets_ + bucket_of(key));
  }

  /// Calls on_slot(slot) for every entry of the key, of which `first` is what find() gave.
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
  /// Where `tags` says which of the bucket's tags are the key's.
  [[nodiscard]] std::uint32_t find_tagged(std::size_t bucket, std::uint32_t tags,
                                          const Fingerprint& key) const noexcept;

  const Bucket* buckets_ = nullptr;
  std::size_t bucket_count_ = 0;
  std::span<const TableEntry> entries_;
};

}  // namespace weir::match
