#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace weir::engine {

/// How long packets took from their reception to the transmit queue of the device, for one worker. That
/// worker writes, any thread reads. One bucket per power of two of nanoseconds.
class LatencyHistogram {
 public:
  static constexpr unsigned kFirstBits = 8;  // the first bucket: below 256 ns
  static constexpr std::size_t kBuckets = 24;

  struct Values {
    std::array<std::uint64_t, kBuckets> counts{};
    std::uint64_t sum_ns = 0;
  };

  void add(std::uint64_t ns, std::uint64_t packets) noexcept {
    const auto bits = static_cast<unsigned>(std::bit_width(ns));
    const std::size_t bucket =
        bits <= kFirstBits ? 0 : std::min<std::size_t>(bits - kFirstBits, kBuckets - 1);
    add(counts_[bucket], packets);
    add(sum_ns_, ns * packets);
  }
  [[nodiscard]] Values values() const noexcept {
    Values values;
    // relaxed: each number stands alone.
    for (std::size_t i = 0; i < kBuckets; ++i) values.counts[i] = counts_[i].load(std::memory_order_relaxed);
    values.sum_ns = sum_ns_.load(std::memory_order_relaxed);
    return values;
  }
  /// The upper bound of the bucket, exclusive. The last bucket has none.
  static constexpr std::uint64_t bound_ns(std::size_t bucket) noexcept {
    return std::uint64_t{1} << (kFirstBits + bucket);
  }

 private:
  static void add(std::atomic<std::uint64_t>& cell, std::uint64_t amount) noexcept {
    cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint64_t>, kBuckets> counts_{};
  std::atomic<std::uint64_t> sum_ns_{0};
};

}  // namespace weir::engine
