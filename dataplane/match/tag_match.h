#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/match/snapshot_format.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

/// Ways to find a tag in a bucket. All give the same result, bit i for tag i, and read one cache line.
namespace weir::match {

// The first two of the 32 half-words of a bucket are not tags.
static_assert(offsetof(Bucket, tags) == 2 * sizeof(std::uint16_t));

/// For any processor.
struct PortableTagMatch {
  static std::uint32_t of(const Bucket& bucket, std::uint16_t tag) noexcept {
    std::uint32_t matches = 0;
    for (std::size_t i = 0; i < kBucketTags; ++i) {
      matches |= static_cast<std::uint32_t>(bucket.tags[i] == tag) << i;
    }
    return matches;
  }
};

#ifdef __x86_64__
/// For any x86-64 processor.
struct Sse2TagMatch {
  static std::uint32_t of(const Bucket& bucket, std::uint16_t tag) noexcept {
    const auto* const line = reinterpret_cast<const __m128i*>(&bucket);
    const __m128i wanted = _mm_set1_epi16(static_cast<short>(tag));
    const __m128i first = _mm_cmpeq_epi16(_mm_loadu_si128(line), wanted);
    const __m128i second = _mm_cmpeq_epi16(_mm_loadu_si128(line + 1), wanted);
    const __m128i third = _mm_cmpeq_epi16(_mm_loadu_si128(line + 2), wanted);
    const __m128i fourth = _mm_cmpeq_epi16(_mm_loadu_si128(line + 3), wanted);
    const auto low = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(first, second)));
    const auto high = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(third, fourth)));
    return (low | high << 16) >> 2;
  }
};

/// Only for processors with AVX2.
struct Avx2TagMatch {
  [[gnu::target("avx2")]] static std::uint32_t of(const Bucket& bucket, std::uint16_t tag) noexcept {
    const auto* const line = reinterpret_cast<const __m256i*>(&bucket);
    const __m256i wanted = _mm256_set1_epi16(static_cast<short>(tag));
    const __m256i low = _mm256_cmpeq_epi16(_mm256_loadu_si256(line), wanted);
    const __m256i high = _mm256_cmpeq_epi16(_mm256_loadu_si256(line + 1), wanted);
    // Packing works within halves of 128 bits, so the quarters must be put back in order.
    const __m256i packed = _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xD8);
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(packed)) >> 2;
  }
};

/// Only for processors with AVX-512BW.
struct Avx512TagMatch {
  [[gnu::target("avx512bw")]] static std::uint32_t of(const Bucket& bucket, std::uint16_t tag) noexcept {
    const __m512i wanted = _mm512_set1_epi16(static_cast<short>(tag));
    return _mm512_cmpeq_epi16_mask(_mm512_loadu_si512(&bucket), wanted) >> 2;
  }
};
#endif

}  // namespace weir::match
