#include "dataplane/flow/accepted_connections.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "dataplane/flow/flow.h"
#include "dataplane/flow/source.h"

namespace weir::flow {
namespace {

using std::chrono::nanoseconds;

// With as many words as this for each connection, nine in ten are still there when as many again have come.
constexpr std::size_t kWordsPerConnection = 4;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kNoteEvery = nanoseconds(std::chrono::seconds(1)).count();

std::uint64_t word_of(std::uint64_t hash, std::uint32_t number) noexcept {
  return (hash >> 32 | 1U) << 32 | number;  // 0 is a free word
}

bool is_same(std::uint64_t a, std::uint64_t b) noexcept { return a >> 32 == b >> 32; }

}  // namespace

AcceptedConnections::AcceptedConnections(std::size_t connections)
    : words_(std::bit_ceil(std::max<std::size_t>(connections, 1) * kWordsPerConnection)),
      seed_(random_seed()),
      last_added_(kNever) {}

std::size_t AcceptedConnections::set_of(std::uint64_t hash) const noexcept {
  return (static_cast<std::size_t>(hash) & (words_.size() / kWays - 1)) * kWays;
}

void AcceptedConnections::add(const FlowKey& client, std::uint32_t first_byte, nanoseconds now) noexcept {
  // relaxed throughout: a word is whole in itself.
  const std::int64_t last = last_added_.load(std::memory_order_relaxed);
  if (last == kNever || now.count() < last || now.count() - last >= kNoteEvery) {
    last_added_.store(now.count(), std::memory_order_relaxed);
  }
  const std::uint64_t hash = hash_of_key(client, seed_);
  Word& newer = words_[set_of(hash)];
  Word& older = words_[set_of(hash) + 1];
  const std::uint64_t word = word_of(hash, first_byte);
  const std::uint64_t before = newer.load(std::memory_order_relaxed);
  if (!is_same(before, word)) older.store(before, std::memory_order_relaxed);
  newer.store(word, std::memory_order_relaxed);
}

bool AcceptedConnections::may_acknowledge(const FlowKey& client, std::uint32_t acknowledgement,
                                          nanoseconds now) const noexcept {
  const std::uint64_t hash = hash_of_key(client, seed_);
  const std::uint64_t wanted = word_of(hash, acknowledgement);
  for (std::size_t way = 0; way < kWays; ++way) {
    const std::uint64_t word = words_[set_of(hash) + way].load(std::memory_order_relaxed);
    if (is_same(word, wanted)) return acknowledgement - static_cast<std::uint32_t>(word) < kReceivedBytes;
  }
  const std::int64_t last = last_added_.load(std::memory_order_relaxed);
  return last == kNever || now - nanoseconds(last) >= kVisible;
}

}  // namespace weir::flow
