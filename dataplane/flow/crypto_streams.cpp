#include "dataplane/flow/crypto_streams.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <xxhash.h>

#include "dataplane/flow/source.h"

namespace weir::flow {
namespace {

/// Calls `function(chunk number, begin in chunk, end in chunk)` for each chunk that [begin, end) touches,
/// until it returns false.
template <class Function>
bool for_each_chunk(std::size_t begin, std::size_t end, const Function& function) noexcept {
  while (begin < end) {
    const std::size_t number = begin / kCryptoChunkBytes;
    const std::size_t stop = std::min(end, (number + 1) * kCryptoChunkBytes);
    const std::size_t base = number * kCryptoChunkBytes;
    if (!function(number, begin - base, stop - base)) return false;
    begin = stop;
  }
  return true;
}

/// Calls `function(word, mask)` for each 64-bit word that the bits [begin, end) touch, until it returns
/// false.
template <class Words, class Function>
bool for_each_word(Words& words, std::size_t begin, std::size_t end, const Function& function) noexcept {
  while (begin < end) {
    const std::size_t stop = std::min(end, begin / 64 * 64 + 64);
    const std::uint64_t mask = (~std::uint64_t{0} >> (64 - (stop - begin))) << (begin % 64);
    if (!function(words[begin / 64], mask)) return false;
    begin = stop;
  }
  return true;
}

/// What is evicted last is worth most.
int worth_of(const CryptoStream& stream) noexcept { return stream.blocked ? 2 : stream.decided[0] ? 0 : 1; }

}  // namespace

CryptoStreams::CryptoStreams(const Settings& settings)
    : streams_(std::bit_ceil(std::max(settings.capacity, kWays))),
      tags_(streams_.size()),
      keys_(streams_.size()),
      chunks_(std::clamp(settings.memory_bytes / kCryptoChunkBytes, kMinChunks,
                         std::size_t{CryptoStream::kNoChunk})),
      shares_(streams_.size()),
      stream_counts_(shares_.places()),
      read_buffer_(kMaxCryptoBytes),
      free_count_(chunks_.size()),
      lifetime_(settings.lifetime),
      hash_seed_(random_seed()) {
  for (std::uint32_t i = 0; i < chunks_.size(); ++i) chunks_[i].next = i + 1 < chunks_.size() ? i + 1 : kNone;
  free_ = 0;
  for (CryptoStream& stream : streams_) stream.chunks.fill(CryptoStream::kNoChunk);
}

std::uint64_t CryptoStreams::connection_of(const FlowKey& key) const noexcept {
  // Written byte by byte, because the padding of a struct must not be hashed.
  std::array<std::byte, 36> bytes;
  std::memcpy(bytes.data(), key.source.bytes.data(), 16);
  std::memcpy(bytes.data() + 16, key.destination.bytes.data(), 16);
  std::memcpy(bytes.data() + 32, &key.source_port, 2);
  std::memcpy(bytes.data() + 34, &key.destination_port, 2);
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), hash_seed_ + (key.source.is_v6 ? 1 : 0));
}

bool CryptoStreams::live(const CryptoStream& stream, std::chrono::nanoseconds now) const noexcept {
  return stream.used && (now <= stream.last_seen || now - stream.last_seen < lifetime_);
}

CryptoStream* CryptoStreams::next_of(std::uint64_t connection, std::size_t& place,
                                     std::chrono::nanoseconds now) noexcept {
  now_ = now;
  const std::size_t set = set_of(connection);
  while (place < kWays) {
    const std::size_t index = set + place++;
    if (tags_[index] != tag_of(connection)) continue;
    CryptoStream& stream = streams_[index];
    if (stream.connection == connection && live(stream, now)) return &stream;
  }
  return nullptr;
}

CryptoStream* CryptoStreams::find(std::uint64_t connection, proto::QuicVersion version,
                                  const proto::QuicConnectionId& id, std::chrono::nanoseconds now) noexcept {
  std::size_t place = 0;
  while (CryptoStream* stream = next_of(connection, place, now)) {
    if (stream->version == version && stream->id == id) return stream;
  }
  return nullptr;
}

CryptoStream& CryptoStreams::add(std::uint64_t connection, SourceShares::Source source,
                                 proto::QuicVersion version, const proto::QuicConnectionId& id,
                                 const proto::QuicInitialKeys& keys, std::chrono::nanoseconds now) noexcept {
  now_ = now;
  CryptoStream& stream = place_for(connection, now);
  // The tag tells that a place was never used, so it need not be fetched.
  if (tags_[index_of(stream)] != 0) {
    release_bytes(stream);
    count(stream, false);
  }
  stream = CryptoStream{};
  stream.chunks.fill(CryptoStream::kNoChunk);
  stream.connection = connection;
  tags_[index_of(stream)] = tag_of(connection);
  keys_[index_of(stream)] = keys;
  stream.last_seen = now;
  stream.id = id;
  stream.version = version;
  stream.source = source;
  stream.used = true;
  count(stream, true);
  return stream;
}

void CryptoStreams::expect(std::uint64_t connection) noexcept {
  constexpr std::size_t kLine = 64;
  const std::size_t set = set_of(connection);
  for (std::size_t i = set; i < set + kWays; ++i) {
    auto* place = reinterpret_cast<std::byte*>(&streams_[i]);
    __builtin_prefetch(place, 1);
    __builtin_prefetch(place + kLine, 1);
    __builtin_prefetch(&keys_[i], 1);
    if (tags_[i] == 0) break;
  }
  if (free_ == kNone) return;
  auto* chunk = reinterpret_cast<std::byte*>(&chunks_[free_]);
  for (std::size_t i = 0; i < kExpectedBytes; i += kLine) __builtin_prefetch(chunk + i, 1);
  __builtin_prefetch(&chunks_[free_].owner, 1);
}

void CryptoStreams::count(CryptoStream& stream, bool counted) noexcept {
  if (stream.counted == counted) return;
  stream.counted = counted;
  if (counted) {
    ++stream_counts_[stream.source];
  } else {
    --stream_counts_[stream.source];
  }
}

void CryptoStreams::retire(CryptoStream& stream) noexcept {
  set_retired(stream, true);
  if (!stream.blocked) count(stream, false);
}

void CryptoStreams::block(CryptoStream& stream) noexcept {
  stream.blocked = true;
  count(stream, true);
}

bool CryptoStreams::goes_before(const CryptoStream& a, const CryptoStream& b) const noexcept {
  if (worth_of(a) != 0 && worth_of(b) != 0) {
    const std::uint32_t count_a = stream_counts_[a.source];
    const std::uint32_t count_b = stream_counts_[b.source];
    if (count_a != count_b) return count_a > count_b;
  }
  if (worth_of(a) != worth_of(b)) return worth_of(a) < worth_of(b);
  return a.last_seen < b.last_seen;
}

CryptoStream& CryptoStreams::place_for(std::uint64_t connection, std::chrono::nanoseconds now) noexcept {
  CryptoStream* place = nullptr;
  for (CryptoStream& stream : std::span(streams_).subspan(set_of(connection), kWays)) {
    if (tags_[index_of(stream)] == 0 || !live(stream, now)) return stream;
    if (place == nullptr || goes_before(stream, *place)) place = &stream;
  }
  if (worth_of(*place) > 0) ++evictions_;
  return *place;
}

CryptoStreams::Stored CryptoStreams::store(CryptoStream& stream, std::uint64_t offset,
                                           std::span<const std::byte> data) noexcept {
  if (offset >= kMaxCryptoBytes) return Stored::stored;
  const auto begin = static_cast<std::size_t>(offset);
  const std::size_t end = begin + std::min(data.size(), kMaxCryptoBytes - begin);
  bool conflict = false;
  bool news = false;
  for_each_chunk(begin, end, [&](std::size_t number, std::size_t from, std::size_t to) {
    Chunk* chunk = chunk_at(stream, number);
    if (chunk == nullptr) return false;
    const std::byte* source = data.data() + (number * kCryptoChunkBytes + from - begin);
    const bool untouched = for_each_word(
        chunk->present, from, to, [](std::uint64_t word, std::uint64_t mask) { return (word & mask) == 0; });
    if (untouched) {
      std::memcpy(chunk->bytes.data() + from, source, to - from);
      news = true;
    } else {
      for (std::size_t i = from; i < to; ++i, ++source) {
        const bool known = (chunk->present[i / 64] >> (i % 64) & 1U) != 0;
        conflict |= known && chunk->bytes[i] != *source;
        news |= !known;
        if (!known) chunk->bytes[i] = *source;
      }
    }
    return for_each_word(chunk->present, from, to, [](std::uint64_t& word, std::uint64_t mask) {
      word |= mask;
      return true;
    });
  });
  if (news && stream.decided[0]) set_retired(stream, false);
  return conflict ? Stored::conflict : Stored::stored;
}

bool CryptoStreams::has(const CryptoStream& stream, std::size_t begin, std::size_t end) const noexcept {
  if (end > kMaxCryptoBytes) return false;
  return for_each_chunk(begin, end, [&](std::size_t number, std::size_t from, std::size_t to) {
    if (stream.chunks[number] == CryptoStream::kNoChunk) return false;
    return for_each_word(chunks_[stream.chunks[number]].present, from, to,
                         [](std::uint64_t word, std::uint64_t mask) { return (word & mask) == mask; });
  });
}

std::span<const std::byte> CryptoStreams::read(const CryptoStream& stream, std::size_t begin,
                                               std::size_t end) noexcept {
  std::byte* to = read_buffer_.data();
  for_each_chunk(begin, end, [&](std::size_t number, std::size_t from, std::size_t stop) {
    to = std::copy_n(chunks_[stream.chunks[number]].bytes.data() + from, stop - from, to);
    return true;
  });
  return std::span(read_buffer_).first(end - begin);
}

std::uint32_t CryptoStreams::index_of(const CryptoStream& stream) const noexcept {
  return static_cast<std::uint32_t>(&stream - streams_.data());
}

void CryptoStreams::append(std::uint32_t index) noexcept {
  Chunk& chunk = chunks_[index];
  Queue& queue = queue_of(chunk);
  chunk.next = kNone;
  chunk.previous = queue.last;
  (queue.last == kNone ? queue.first : chunks_[queue.last].next) = index;
  queue.last = index;
}

void CryptoStreams::unlink(std::uint32_t index) noexcept {
  const Chunk& chunk = chunks_[index];
  Queue& queue = queue_of(chunk);
  (chunk.previous == kNone ? queue.first : chunks_[chunk.previous].next) = chunk.next;
  (chunk.next == kNone ? queue.last : chunks_[chunk.next].previous) = chunk.previous;
}

void CryptoStreams::set_retired(CryptoStream& stream, bool retired) noexcept {
  std::uint32_t moved = 0;
  for (const std::uint16_t index : stream.chunks) {
    if (index == CryptoStream::kNoChunk || chunks_[index].retired == retired) continue;
    unlink(index);
    chunks_[index].retired = retired;
    append(index);
    ++moved;
  }
  set_waiting(stream, retired ? 0 : stream.waiting_chunks + moved);
}

void CryptoStreams::set_waiting(CryptoStream& stream, std::uint32_t chunks) noexcept {
  const std::uint32_t before = stream.waiting_chunks;
  if (before == chunks) return;
  if (before == 0) {
    shares_.add(index_of(stream), stream.source, chunks);
  } else if (chunks == 0) {
    shares_.remove(index_of(stream), stream.source, before);
  } else {
    shares_.change(stream.source, static_cast<std::int32_t>(chunks) - static_cast<std::int32_t>(before));
  }
  stream.waiting_chunks = static_cast<std::uint8_t>(chunks);
}

CryptoStreams::Chunk* CryptoStreams::chunk_at(CryptoStream& stream, std::size_t number) noexcept {
  std::uint16_t& index = stream.chunks[number];
  if (index == CryptoStream::kNoChunk) {
    const std::uint32_t taken = take_chunk(index_of(stream));
    if (taken == kNone) return nullptr;
    index = static_cast<std::uint16_t>(taken);
  }
  return &chunks_[index];
}

std::uint32_t CryptoStreams::take_chunk(std::uint32_t owner) noexcept {
  if (free_ == kNone && !evict_one(owner)) return kNone;
  const std::uint32_t index = free_;
  Chunk& chunk = chunks_[index];
  free_ = chunk.next;
  --free_count_;
  chunk.present.fill(0);
  chunk.owner = owner;
  chunk.retired = false;
  append(index);
  set_waiting(streams_[owner], streams_[owner].waiting_chunks + 1U);
  return index;
}

bool CryptoStreams::evict_one(std::uint32_t spared) noexcept {
  const std::uint32_t index = next_victim(spared);
  if (index == kNone) return false;
  CryptoStream& victim = streams_[index];
  if (victim.waiting_chunks != 0 && live(victim, now_)) ++evictions_;
  release_bytes(victim);
  // Later copies are read again: without the old bytes a different copy cannot be told.
  victim.decided = {};
  return true;
}

// A stream has at most 32 chunks, so skipping those of the spared one is short.
std::uint32_t CryptoStreams::next_victim(std::uint32_t spared) const noexcept {
  const std::uint32_t oldest = waiting_.first == kNone ? kNone : chunks_[waiting_.first].owner;
  if (oldest != kNone && oldest != spared && !live(streams_[oldest], now_)) return oldest;
  for (std::uint32_t index = retired_.first; index != kNone; index = chunks_[index].next) {
    if (chunks_[index].owner != spared) return chunks_[index].owner;
  }
  return shares_.next_victim(spared);
}

void CryptoStreams::release_bytes(CryptoStream& stream) noexcept {
  set_waiting(stream, 0);
  for (std::uint16_t& index : stream.chunks) {
    if (index == CryptoStream::kNoChunk) continue;
    unlink(index);
    chunks_[index].owner = kNone;
    chunks_[index].next = free_;
    free_ = index;
    ++free_count_;
    index = CryptoStream::kNoChunk;
  }
}

}  // namespace weir::flow
