// The memory of FragmentTable: finds packets, and evicts them when they expire or memory runs out.
#include <array>
#include <cstring>

#include <xxhash.h>

#include "dataplane/flow/fragment_table.h"

namespace weir::flow {

std::size_t FragmentTable::bucket_of(const Key& key) const noexcept {
  // Written byte by byte, because the padding of a struct must not be hashed.
  std::array<std::byte, 38> bytes{};
  std::memcpy(bytes.data(), key.source.bytes.data(), 16);
  std::memcpy(bytes.data() + 16, key.destination.bytes.data(), 16);
  std::memcpy(bytes.data() + 32, &key.identification, 4);
  bytes[36] = std::byte{key.ip_protocol};
  bytes[37] = key.source.is_v6 ? std::byte{1} : std::byte{0};
  return static_cast<std::size_t>(XXH3_64bits_withSeed(bytes.data(), bytes.size(), hash_seed_)) &
         (buckets_.size() - 1);
}

// A clock that jumps back expires nothing.
bool FragmentTable::expired(const Packet& packet, std::chrono::nanoseconds now) const noexcept {
  const auto lifetime = packet.key.source.is_v6 ? kIpv6Lifetime : kIpv4Lifetime;
  return now > packet.last_seen && now - packet.last_seen >= lifetime;
}

std::uint32_t FragmentTable::find(const Key& key, std::chrono::nanoseconds now) noexcept {
  for (std::uint32_t i = buckets_[bucket_of(key)]; i != kNone; i = packets_[i].next_in_bucket) {
    if (packets_[i].key != key) continue;
    if (!expired(packets_[i], now)) return i;
    release(i);
    return kNone;
  }
  return kNone;
}

std::uint32_t FragmentTable::create(const Key& key, std::chrono::nanoseconds now) noexcept {
  if (free_packet_ == kNone) evict_for_packet();
  const std::uint32_t index = free_packet_;
  Packet& packet = packets_[index];
  free_packet_ = packet.newer;
  std::uint32_t& bucket = buckets_[bucket_of(key)];
  packet.key = key;
  packet.serial = ++serial_;
  packet.total_bytes = packet.received_bytes = packet.highest_bytes = 0;
  packet.last_seen = now;
  packet.harmless = false;
  packet.held = false;
  packet.next_in_bucket = bucket;
  packet.blocks.fill(kNone);
  packet.block_count = 0;
  bucket = index;
  enqueue(index, State::open);
  ++used_;
  return index;
}

// Two of each kind per fragment: more than a fragment can add.
void FragmentTable::expire(std::chrono::nanoseconds now) noexcept {
  for (Queue& queue : queues_) {
    for (int i = 0; i < 2 && queue.oldest != kNone && expired(packets_[queue.oldest], now); ++i) {
      release(queue.oldest);
    }
  }
}

bool FragmentTable::has_room(const Key& key, std::uint32_t index, const Range& range) const noexcept {
  // Enough for one packet of the largest size, or for a few small ones.
  constexpr std::uint64_t kLeastPackets = 8;
  if (index == kNone) {
    const SourceShares::Source source = packet_shares_.source_of(key.source);
    if (!packet_shares_.may_take(source, 1, packets_.size(), kLeastPackets)) return false;
  }
  const std::size_t first = range.first_unit * kUnitBytes / kBlockBytes;
  const std::size_t last = range.last_unit * kUnitBytes / kBlockBytes;
  std::size_t needed = 0;
  for (std::size_t i = first; i <= last; ++i) {
    if (index == kNone || packets_[index].blocks[i] == kNone) ++needed;
  }
  return needed == 0 ||
         block_shares_.may_take(block_shares_.source_of(key.source), needed, blocks_.size(), kMostBlocks);
}

void FragmentTable::evict_for_packet() noexcept {
  const std::uint32_t passed = queue_of(State::passed).oldest;
  evict(passed != kNone ? passed : packet_shares_.next_victim());
}

// Only open and passed packets have blocks, and one packet can never have all of them. A new packet has none
// yet.
void FragmentTable::evict_for_block(std::uint32_t keep) noexcept {
  while (free_block_ == kNone) {
    const std::uint32_t passed = queue_of(State::passed).oldest;
    evict(passed != kNone ? passed : block_shares_.next_victim(keep));
  }
}

void FragmentTable::evict(std::uint32_t index) noexcept {
  if (packets_[index].state != State::passed) ++evictions_;
  release(index);
}

void FragmentTable::release(std::uint32_t index) noexcept {
  Packet& packet = packets_[index];
  release_blocks(packet);
  dequeue(index);
  std::uint32_t* link = &buckets_[bucket_of(packet.key)];
  while (*link != index) link = &packets_[*link].next_in_bucket;
  *link = packet.next_in_bucket;
  packet.state = State::free;
  packet.newer = free_packet_;
  free_packet_ = index;
  --used_;
}

void FragmentTable::release_blocks(Packet& packet) noexcept {
  for (std::uint32_t& block : packet.blocks) {
    if (block == kNone) continue;
    blocks_[block].next_free = free_block_;
    free_block_ = block;
    block = kNone;
  }
  if (packet.state == State::open) {
    block_shares_.change(block_shares_.source_of(packet.key.source),
                         -static_cast<std::int32_t>(packet.block_count));
  }
  packet.block_count = 0;
}

void FragmentTable::close(std::uint32_t index, State state) noexcept {
  release_blocks(packets_[index]);
  dequeue(index);
  enqueue(index, state);
}

FragmentTable::Queue& FragmentTable::queue_of(State state) noexcept {
  return queues_[state == State::open ? 0 : state == State::passed ? 1 : 2];
}

void FragmentTable::link(std::uint32_t index) noexcept {
  Packet& packet = packets_[index];
  Queue& queue = queue_of(packet.state);
  packet.older = queue.newest;
  packet.newer = kNone;
  (queue.newest == kNone ? queue.oldest : packets_[queue.newest].newer) = index;
  queue.newest = index;
}

void FragmentTable::unlink(std::uint32_t index) noexcept {
  const Packet& packet = packets_[index];
  Queue& queue = queue_of(packet.state);
  (packet.older == kNone ? queue.oldest : packets_[packet.older].newer) = packet.newer;
  (packet.newer == kNone ? queue.newest : packets_[packet.newer].older) = packet.older;
}

void FragmentTable::enqueue(std::uint32_t index, State state) noexcept {
  Packet& packet = packets_[index];
  packet.state = state;
  link(index);
  if (state != State::passed) packet_shares_.add(index, packet_shares_.source_of(packet.key.source), 1);
  if (state != State::open) return;
  block_shares_.add(index, block_shares_.source_of(packet.key.source), packet.block_count);
}

void FragmentTable::dequeue(std::uint32_t index) noexcept {
  const Packet& packet = packets_[index];
  unlink(index);
  if (packet.state != State::passed) {
    packet_shares_.remove(index, packet_shares_.source_of(packet.key.source), 1);
  }
  if (packet.state != State::open) return;
  block_shares_.remove(index, block_shares_.source_of(packet.key.source), packet.block_count);
}

void FragmentTable::touch(std::uint32_t index, std::chrono::nanoseconds now) noexcept {
  Packet& packet = packets_[index];
  packet.last_seen = now;
  unlink(index);
  link(index);
  if (packet.state == State::passed) return;
  packet_shares_.touch(index, packet_shares_.source_of(packet.key.source));
  if (packet.state != State::open) return;
  block_shares_.touch(index, block_shares_.source_of(packet.key.source));
}

}  // namespace weir::flow
