#include "dataplane/flow/flow_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

// The size of the key is known at compile time, which halves the time of an inlined hash.
#define XXH_INLINE_ALL  // NOLINT(cppcoreguidelines-macro-usage): the library's own switch
#include <xxhash.h>

#include "dataplane/flow/source.h"

namespace weir::flow {
namespace {

constexpr std::size_t kCacheLineBytes = 64;
// Sets of one piece of a sweep: their tags are eight cache lines in a row.
constexpr std::size_t kSweepSets = 16;
// Flows for one connection with forgotten numbers; few ports are used again that often.
constexpr std::size_t kFlowsPerForgetful = 64;

std::uint32_t tag_of(std::uint64_t hash) noexcept {
  return static_cast<std::uint32_t>(hash >> 32) | 1U;  // 0 is a free place
}

// Order of eviction: the lowest goes first.
int worth_of(const Flow& flow) noexcept {
  if (flow.reading == Reading::blocked) return 2;
  return flow.buffer.queue == BufferedBytes::Queue::waiting ? 1 : 0;
}

bool goes_before(const Flow& a, const Flow& b, const StreamBuffers& buffers) noexcept {
  const int worth_a = worth_of(a);
  const int worth_b = worth_of(b);
  if (worth_a != worth_b) return worth_a < worth_b;
  if (worth_a == 1) {
    // Of incomplete messages, one of the source that holds most.
    const std::uint32_t share_a = buffers.share_of(a);
    const std::uint32_t share_b = buffers.share_of(b);
    if (share_a != share_b) return share_a > share_b;
  }
  return a.last_seen < b.last_seen;
}

}  // namespace

FlowTable::FlowTable(const Settings& settings)
    : flows_(std::bit_ceil(std::max(settings.capacity, kWays))),
      tags_(flows_.size()),
      buffers_(flows_, settings.reassembly_bytes, settings.keep_waiting),
      blocked_filter_(flows_.size()),
      forgotten_(flows_.size() / kFlowsPerForgetful),
      lifetime_(settings.lifetime),
      sweep_interval_(settings.lifetime / static_cast<std::int64_t>(
                                              std::max<std::size_t>(flows_.size() / kWays / kSweepSets, 1))),
      hash_seed_(random_seed()) {}

std::uint64_t FlowTable::hash_of(const FlowKey& key) const noexcept { return hash_of_key(key, hash_seed_); }

std::size_t FlowTable::set_of(std::uint64_t hash) const noexcept {
  return (static_cast<std::size_t>(hash) & (flows_.size() / kWays - 1)) * kWays;
}

bool FlowTable::live(const Flow& flow, std::chrono::nanoseconds now) const noexcept {
  const std::chrono::nanoseconds lifetime = flow.reading == Reading::blocked ? lifetime_ : kOpenFlowLifetime;
  return flow.used && (now <= flow.last_seen || now - flow.last_seen < lifetime);
}

void FlowTable::count_blocked(const FlowKey& key, bool more) noexcept {
  // One writer: a load and a store, no locked instruction.
  blocked_.store(more ? blocked() + 1 : blocked() - 1, std::memory_order_relaxed);
  if (!more) return blocked_filter_.remove(key);
  blocked_filter_.add(key);
  ++blocks_;
}

void FlowTable::release(std::size_t index) noexcept {
  // The tag tells that a place is free, so its record need not be fetched.
  if (tags_[index] == 0) return;
  Flow& flow = flows_[index];
  buffers_.release(flow);
  if (flow.reading == Reading::blocked) count_blocked(flow.key, false);
  flow.used = false;
  tags_[index] = 0;
}

std::uint64_t FlowTable::fetch_tags(const FlowKey& key) const noexcept {
  const std::uint64_t hash = hash_of(key);
  __builtin_prefetch(&tags_[set_of(hash)]);
  return hash;
}

void FlowTable::fetch_flows(std::uint64_t hash) const noexcept {
  const std::size_t set = set_of(hash);
  const std::uint32_t tag = tag_of(hash);
  for (std::size_t i = set; i < set + kWays; ++i) {
    if (tags_[i] != tag) continue;
    const auto* record = reinterpret_cast<const std::byte*>(&flows_[i]);
    __builtin_prefetch(record, 1);
    __builtin_prefetch(record + kCacheLineBytes, 1);
  }
}

FlowTable::Readings FlowTable::find(const FlowKey& key, std::chrono::nanoseconds now) noexcept {
  Readings readings;
  const std::uint64_t hash = hash_of(key);
  const std::size_t set = set_of(hash);
  const std::uint32_t tag = tag_of(hash);
  for (std::size_t i = set; i < set + kWays; ++i) {
    if (tags_[i] != tag || flows_[i].key != key) continue;
    if (!live(flows_[i], now)) {
      release(i);
      continue;
    }
    if (readings.count_ < kReadings) readings.flows_[readings.count_++] = &flows_[i];
  }
  return readings;
}

std::size_t FlowTable::place_for(std::size_t set, std::chrono::nanoseconds now) noexcept {
  // The tags tell which places are free, so the records of other flows are not fetched.
  for (std::size_t i = set; i < set + kWays; ++i) {
    if (tags_[i] == 0) return i;
  }
  std::size_t oldest = set;
  for (std::size_t i = set; i < set + kWays; ++i) {
    if (!live(flows_[i], now)) return i;
    if (goes_before(flows_[i], flows_[oldest], buffers_)) oldest = i;
  }
  ++evictions_;
  return oldest;
}

bool FlowTable::has_place(const FlowKey& key, std::chrono::nanoseconds now) const noexcept {
  const std::size_t set = set_of(hash_of(key));
  for (std::size_t i = set; i < set + kWays; ++i) {
    if (tags_[i] == 0 || !live(flows_[i], now) || worth_of(flows_[i]) == 0) return true;
  }
  return false;
}

Flow& FlowTable::add(const FlowKey& key, std::chrono::nanoseconds now) noexcept {
  const std::uint64_t hash = hash_of(key);
  const std::size_t index = place_for(set_of(hash), now);
  release(index);
  Flow& flow = flows_[index];
  flow = Flow{};
  flow.key = key;
  flow.last_seen = now;
  flow.used = true;
  tags_[index] = tag_of(hash);
  return flow;
}

void FlowTable::block(Flow& flow, const BlockedStream& stream) noexcept {
  buffers_.release(flow);
  if (flow.reading != Reading::blocked) count_blocked(flow.key, true);
  flow.reading = Reading::blocked;
  flow.blocked = stream;
}

void FlowTable::erase(Flow& flow) noexcept { release(static_cast<std::size_t>(&flow - flows_.data())); }

void FlowTable::forget_numbers(const FlowKey& key, std::uint32_t first, std::uint32_t last,
                               std::chrono::nanoseconds now) noexcept {
  forgotten_.add(key, hash_of(key), first, last, now);
}

bool FlowTable::forgotten(const FlowKey& key, std::uint32_t first, std::uint32_t last,
                          std::chrono::nanoseconds now) const noexcept {
  return forgotten_.touches(key, hash_of(key), first, last, now);
}

void FlowTable::release_stale(std::chrono::nanoseconds now) noexcept {
  for (const Flow* flow = buffers_.longest_waiting(); flow != nullptr && !live(*flow, now);
       flow = buffers_.longest_waiting()) {
    release(static_cast<std::size_t>(flow - flows_.data()));
  }
}

void FlowTable::sweep_sets(std::chrono::nanoseconds now) noexcept {
  last_sweep_ = now;
  const std::size_t end = std::min(sweep_position_ + kSweepSets * kWays, flows_.size());
  for (std::size_t i = sweep_position_; i < end; ++i) {
    if (tags_[i] != 0 && !live(flows_[i], now)) release(i);
  }
  sweep_position_ = end & (flows_.size() - 1);
}

}  // namespace weir::flow
