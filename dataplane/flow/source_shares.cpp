#include "dataplane/flow/source_shares.h"

#include <algorithm>
#include <bit>

#include "dataplane/flow/source.h"

namespace weir::flow {

SourceShares::SourceShares(std::size_t items)
    : links_(items),
      places_(std::bit_ceil(std::clamp(items, kMinPlaces, kMaxPlaces))),
      seed_(random_seed()) {}

SourceShares::Source SourceShares::source_of(const proto::IpAddress& address) const noexcept {
  return static_cast<Source>(hash_of_source(address, seed_) & (places_.size() - 1));
}

// Exact up to 7, then four ranks for each doubling. 0 is no rank.
std::size_t SourceShares::rank_of(std::uint32_t weight) noexcept {
  constexpr int kExactBits = 3;
  const int shift = std::max(static_cast<int>(std::bit_width(weight)) - kExactBits, 0);
  return static_cast<std::size_t>(shift) * 4 + (weight >> shift);
}

void SourceShares::leave_rank(Source source, std::size_t rank) noexcept {
  const Place& place = places_[source];
  Rank& ends = ranks_[rank];
  (place.before == kNone ? ends.first : places_[place.before].after) = place.after;
  (place.after == kNone ? ends.last : places_[place.after].before) = place.before;
  if (ends.first == kNone) filled_[rank / 64] &= ~(std::uint64_t{1} << (rank % 64));
}

void SourceShares::enter_rank(Source source, std::size_t rank) noexcept {
  Place& place = places_[source];
  Rank& ends = ranks_[rank];
  place.before = ends.last;
  place.after = kNone;
  (ends.last == kNone ? ends.first : places_[ends.last].after) = source;
  ends.last = source;
  filled_[rank / 64] |= std::uint64_t{1} << (rank % 64);
}

void SourceShares::set_weight(Source source, std::uint32_t weight) noexcept {
  Place& place = places_[source];
  const std::size_t before = rank_of(place.weight);
  const std::size_t after = rank_of(weight);
  total_ = total_ - place.weight + weight;
  place.weight = weight;
  if (before == after) return;
  if (before != 0) leave_rank(source, before);
  if (after != 0) enter_rank(source, after);
}

void SourceShares::append(std::uint32_t item, Place& place) noexcept {
  links_[item] = {.older = place.newest, .newer = kNone};
  (place.newest == kNone ? place.oldest : links_[place.newest].newer) = item;
  place.newest = item;
}

void SourceShares::unlink(std::uint32_t item, Place& place) noexcept {
  const Link& link = links_[item];
  (link.older == kNone ? place.oldest : links_[link.older].newer) = link.newer;
  (link.newer == kNone ? place.newest : links_[link.newer].older) = link.older;
}

void SourceShares::add(std::uint32_t item, Source source, std::uint32_t weight) noexcept {
  append(item, places_[source]);
  set_weight(source, places_[source].weight + weight);
}

void SourceShares::remove(std::uint32_t item, Source source, std::uint32_t weight) noexcept {
  unlink(item, places_[source]);
  set_weight(source, places_[source].weight - weight);
}

void SourceShares::touch(std::uint32_t item, Source source) noexcept {
  Place& place = places_[source];
  if (place.newest == item) return;
  unlink(item, place);
  append(item, place);
}

void SourceShares::change(Source source, std::int32_t by) noexcept {
  set_weight(source, places_[source].weight + static_cast<std::uint32_t>(by));
}

// At most one source has no other item than the spared one, so a second place of a rank, or the first of the
// next rank, ends the search.
std::uint32_t SourceShares::next_victim(std::uint32_t spared) const noexcept {
  for (std::size_t word = filled_.size(); word-- > 0;) {
    for (std::uint64_t ranks = filled_[word]; ranks != 0;) {
      const auto bit = static_cast<std::size_t>(63 - std::countl_zero(ranks));
      ranks &= ~(std::uint64_t{1} << bit);
      for (std::uint32_t i = ranks_[word * 64 + bit].first; i != kNone; i = places_[i].after) {
        std::uint32_t item = places_[i].oldest;
        if (item == spared && item != kNone) item = links_[item].newer;
        if (item != kNone) return item;
      }
    }
  }
  return kNone;
}

bool SourceShares::may_take(Source source, std::uint64_t more, std::uint64_t capacity,
                            std::uint64_t least) const noexcept {
  const std::uint64_t after = total_ + more;
  if (after > capacity) return false;
  const std::uint64_t share = share_of(source) + more;
  return share <= least || share <= capacity - after;
}

}  // namespace weir::flow
