#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/proto/packet/packet_view.h"

namespace weir::flow {

/// Who holds how much of a memory that all senders share, so that eviction takes from whoever holds most and
/// a flood from one sender costs nobody else anything. The items of the memory are numbered; each belongs to
/// a source (source.h) and has a weight, which the owner of the memory keeps.
///
/// Sources are told apart by a keyed hash. Two with the same one share a place: with N places, a flood from
/// one sender concerns one in N of the others. Every call takes constant time. Not thread safe; the
/// constructor allocates all memory.
class SourceShares {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;
  /// The place of a source.
  using Source = std::uint32_t;

  explicit SourceShares(std::size_t items);

  /// Every Source is below this.
  [[nodiscard]] std::size_t places() const noexcept { return places_.size(); }
  [[nodiscard]] Source source_of(const proto::IpAddress& address) const noexcept;

  /// Adds an item as the youngest of its source. It must not be there.
  void add(std::uint32_t item, Source source, std::uint32_t weight) noexcept;
  /// Removes an item. `weight` is its weight now.
  void remove(std::uint32_t item, Source source, std::uint32_t weight) noexcept;
  /// Makes the item the youngest of its source.
  void touch(std::uint32_t item, Source source) noexcept;
  /// An item of the source, which is there, has become heavier or lighter.
  void change(Source source, std::int32_t by) noexcept;

  /// The oldest item of the source that holds most, to within a fourth; among equals, of the one that has
  /// held as much for the longest time. Never `spared`. kNone: there is none.
  [[nodiscard]] std::uint32_t next_victim(std::uint32_t spared = kNone) const noexcept;
  /// What the source holds.
  [[nodiscard]] std::uint32_t share_of(Source source) const noexcept { return places_[source].weight; }
  /// What all sources hold.
  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }
  /// Whether the source may take `more` of a memory of `capacity` in which nothing is evicted: then it holds
  /// no more than it leaves free, or no more than `least`. However much one sender takes, half is left for
  /// the others, and of n senders each leaves 1 / (n + 1).
  [[nodiscard]] bool may_take(Source source, std::uint64_t more, std::uint64_t capacity,
                              std::uint64_t least) const noexcept;

 private:
  static constexpr std::size_t kMinPlaces = 16384;
  static constexpr std::size_t kMaxPlaces = 65536;
  static constexpr std::size_t kRanks = 128;

  struct Link {
    std::uint32_t older = kNone;
    std::uint32_t newer = kNone;
  };
  struct Place {
    std::uint32_t oldest = kNone;  // items
    std::uint32_t newest = kNone;
    std::uint32_t weight = 0;
    std::uint32_t before = kNone;  // places of the same rank
    std::uint32_t after = kNone;
  };
  struct Rank {
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
  };

  [[nodiscard]] static std::size_t rank_of(std::uint32_t weight) noexcept;
  void set_weight(Source source, std::uint32_t weight) noexcept;
  void leave_rank(Source source, std::size_t rank) noexcept;
  void enter_rank(Source source, std::size_t rank) noexcept;
  void append(std::uint32_t item, Place& place) noexcept;
  void unlink(std::uint32_t item, Place& place) noexcept;

  std::vector<Link> links_;
  std::vector<Place> places_;
  std::array<Rank, kRanks> ranks_{};
  std::array<std::uint64_t, kRanks / 64> filled_{};  // a bit per rank
  std::uint64_t total_ = 0;
  std::uint64_t seed_;
};

}  // namespace weir::flow
