#include "dataplane/match/table_view.h"

#include <algorithm>
#include <bit>

#include "dataplane/match/tag_match.h"

namespace weir::match {
namespace {

enum class Instructions : std::uint8_t { portable, avx2, avx512 };

// Determined once: it cannot change.
Instructions best_instructions() noexcept {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512bw")) return Instructions::avx512;
  if (__builtin_cpu_supports("avx2")) return Instructions::avx2;
#endif
  return Instructions::portable;
}
const Instructions kInstructions = best_instructions();

}  // namespace

std::uint32_t TableView::find_tagged(std::size_t bucket, std::uint32_t tags,
                                     const Fingerprint& key) const noexcept {
  const std::uint32_t start = start_of(bucket);
  const std::uint32_t end = start_of(bucket + 1);
  for (; tags != 0; tags &= tags - 1) {
    const std::uint32_t entry = start + static_cast<std::uint32_t>(std::countr_zero(tags));
    // A tag of 0 also stands where there is no entry.
    if (entry >= end) break;
    if (has_key(entries_[entry], key)) return entry;
  }
  for (std::uint32_t entry = start + kBucketTags; entry < end; ++entry) {
    if (has_key(entries_[entry], key)) return entry;
  }
  return kNone;
}

template <class TagMatch>
[[gnu::always_inline]] inline void TableView::find_batch_with(std::span<const Fingerprint> keys,
                                                              std::uint32_t* found) const noexcept {
  // About as many prefetches as a core can have misses in flight.
  constexpr std::size_t kAhead = 24;
  const std::size_t bucket_count = bucket_count_;
  const Bucket* const buckets = buckets_;
  const auto ask_for = [&](std::size_t i) {
    __builtin_prefetch(buckets + bucket_index(keys[i], bucket_count));
  };
  const auto look_up = [&](std::size_t i) {
    const std::size_t bucket = bucket_index(keys[i], bucket_count);
    const std::uint32_t tags = TagMatch::of(buckets[bucket], tag_of(keys[i]));
    found[i] = kNone;
    if (tags != 0 || (buckets[bucket].first & kOverflows) != 0) [[unlikely]] {
      found[i] = find_tagged(bucket, tags, keys[i]);
    }
  };
  const std::size_t count = keys.size();
  // A small table stays in the cache and needs no prefetching.
  constexpr std::size_t kCachedBuckets = (std::size_t{256} << 10) / sizeof(Bucket);
  const std::size_t ahead = bucket_count <= kCachedBuckets ? 0 : std::min(kAhead, count);
  for (std::size_t i = 0; i < ahead; ++i) ask_for(i);
  for (std::size_t i = ahead; ahead != 0 && i < count; ++i) {
    ask_for(i);
    look_up(i - ahead);
  }
  for (std::size_t i = ahead == 0 ? 0 : count - ahead; i < count; ++i) look_up(i);
}

#ifdef __x86_64__
[[gnu::target("avx512bw")]] void TableView::find_batch_avx512(std::span<const Fingerprint> keys,
                                                              std::uint32_t* found) const noexcept {
  find_batch_with<Avx512TagMatch>(keys, found);
}

[[gnu::target("avx2")]] void TableView::find_batch_avx2(std::span<const Fingerprint> keys,
                                                        std::uint32_t* found) const noexcept {
  find_batch_with<Avx2TagMatch>(keys, found);
}

void TableView::find_batch_portable(std::span<const Fingerprint> keys, std::uint32_t* found) const noexcept {
  find_batch_with<Sse2TagMatch>(keys, found);
}
#else
void TableView::find_batch_portable(std::span<const Fingerprint> keys, std::uint32_t* found) const noexcept {
  find_batch_with<PortableTagMatch>(keys, found);
}
#endif

void TableView::find_batch(std::span<const Fingerprint> keys, std::span<std::uint32_t> found) const noexcept {
  if (bucket_count_ == 0) {
    std::fill(found.begin(), found.end(), kNone);
    return;
  }
#ifdef __x86_64__
  if (kInstructions == Instructions::avx512) return find_batch_avx512(keys, found.data());
  if (kInstructions == Instructions::avx2) return find_batch_avx2(keys, found.data());
#endif
  find_batch_portable(keys, found.data());
}

}  // namespace weir::match
