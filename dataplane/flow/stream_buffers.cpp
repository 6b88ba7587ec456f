#include "dataplane/flow/stream_buffers.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace weir::flow {
namespace {

constexpr std::uint32_t kChunk = StreamBuffers::kChunkBytes;

constexpr std::uint32_t chunk_start(std::uint32_t sequence) noexcept { return sequence & ~(kChunk - 1); }

template <class Bits>
bool test(const Bits& bits, std::size_t i) noexcept {
  return (bits[i / 64] >> (i % 64) & 1U) != 0;
}

template <class Bits>
void set(Bits& bits, std::size_t i, bool value) noexcept {
  const std::uint64_t mask = std::uint64_t{1} << (i % 64);
  bits[i / 64] = value ? bits[i / 64] | mask : bits[i / 64] & ~mask;
}

constexpr std::uint64_t kAllBits = ~std::uint64_t{0};

// Calls `visit(word, mask)` for each word with bits in [begin, end), until it returns false.
template <class Visit>
void for_words(std::size_t begin, std::size_t end, const Visit& visit) noexcept {
  if (begin >= end) return;
  const std::size_t last = (end - 1) / 64;
  std::uint64_t mask = kAllBits << (begin % 64);
  for (std::size_t word = begin / 64; word < last; ++word, mask = kAllBits) {
    if (!visit(word, mask)) return;
  }
  visit(last, mask & kAllBits >> (63 - (end - 1) % 64));
}

template <class Bits>
bool any(const Bits& bits, std::size_t begin, std::size_t end) noexcept {
  std::uint64_t found = 0;
  for_words(begin, end, [&](std::size_t word, std::uint64_t mask) {
    found = bits[word] & mask;
    return found == 0;
  });
  return found != 0;
}

template <class Bits>
bool all(const Bits& bits, std::size_t begin, std::size_t end) noexcept {
  std::uint64_t missing = 0;
  for_words(begin, end, [&](std::size_t word, std::uint64_t mask) {
    missing = ~bits[word] & mask;
    return missing == 0;
  });
  return missing == 0;
}

template <class Bits>
void set_all(Bits& bits, std::size_t begin, std::size_t end) noexcept {
  for_words(begin, end, [&](std::size_t word, std::uint64_t mask) {
    bits[word] |= mask;
    return true;
  });
}

template <class Bits>
void clear_all(Bits& bits, std::size_t begin, std::size_t end) noexcept {
  for_words(begin, end, [&](std::size_t word, std::uint64_t mask) {
    bits[word] &= ~mask;
    return true;
  });
}

// The first clear bit from `begin` on; kChunk when there is none.
template <class Bits>
std::size_t first_clear(const Bits& bits, std::size_t begin) noexcept {
  std::size_t first = kChunk;
  for_words(begin, kChunk, [&](std::size_t word, std::uint64_t mask) {
    const std::uint64_t clear = ~bits[word] & mask;
    if (clear != 0) first = word * 64 + static_cast<std::size_t>(std::countr_zero(clear));
    return clear == 0;
  });
  return first;
}

}  // namespace

StreamBuffers::StreamBuffers(std::span<Flow> flows, std::size_t memory_bytes, bool keep_waiting)
    : flows_(flows),
      chunk_count_(std::max(memory_bytes / sizeof(Chunk), kMinChunks)),
      keep_waiting_(keep_waiting),
      // Value-initialised, so that every page is present before the first packet.
      chunks_(std::make_unique<Chunk[]>(chunk_count_)),
      next_(std::make_unique<std::uint32_t[]>(chunk_count_)),
      shares_(flows.size()) {
  for (std::size_t i = chunk_count_; i-- > 0;) {
    next_[i] = free_;
    free_ = static_cast<std::uint32_t>(i);
  }
}

const StreamBuffers::Chunk* StreamBuffers::chunk_at(const Flow& flow, std::uint32_t start) const noexcept {
  if (flow.buffer.last_chunk == kNone) return nullptr;
  // Most pieces belong at the end of their stream.
  const Chunk& last = chunks_[flow.buffer.last_chunk];
  if (last.start == start) return &last;
  if (is_before(last.start, start)) return nullptr;
  for (std::uint32_t i = flow.buffer.first_chunk; i != kNone; i = next_[i]) {
    if (chunks_[i].start == start) return &chunks_[i];
    if (is_before(start, chunks_[i].start)) return nullptr;
  }
  return nullptr;
}

Overlap StreamBuffers::compare(const Flow& flow, std::uint32_t sequence,
                               std::span<const std::byte> piece) const noexcept {
  Overlap overlap;
  if (empty(flow)) return overlap;
  while (!piece.empty()) {
    const std::size_t offset = sequence - chunk_start(sequence);
    const std::size_t count = std::min<std::size_t>(kChunk - offset, piece.size());
    const Chunk* chunk = chunk_at(flow, chunk_start(sequence));
    if (chunk != nullptr && any(chunk->unverified, offset, offset + count)) overlap.unverified = true;
    if (chunk != nullptr && all(chunk->present, offset, offset + count) &&
        std::memcmp(chunk->bytes.data() + offset, piece.data(), count) == 0) {
      overlap.held_bytes += count;
    } else if (chunk != nullptr && any(chunk->present, offset, offset + count)) {
      for (std::size_t i = 0; i < count; ++i) {
        if (!test(chunk->present, offset + i)) continue;
        ++overlap.held_bytes;
        if (chunk->bytes[offset + i] == piece[i]) continue;
        if (!overlap.conflict) overlap.first_conflict = sequence + static_cast<std::uint32_t>(i);
        overlap.conflict = true;
        if (!test(chunk->unverified, offset + i)) overlap.only_unverified = false;
      }
    }
    sequence += static_cast<std::uint32_t>(count);
    piece = piece.subspan(count);
  }
  return overlap;
}

void StreamBuffers::write_chunk(Chunk& chunk, std::size_t offset, std::span<const std::byte> piece,
                                bool verified) noexcept {
  const std::size_t end = offset + piece.size();
  if (!any(chunk.present, offset, end)) {
    std::memcpy(chunk.bytes.data() + offset, piece.data(), piece.size());
    set_all(chunk.present, offset, end);
    if (verified) {
      clear_all(chunk.unverified, offset, end);
    } else {
      set_all(chunk.unverified, offset, end);
    }
    return;
  }
  for (std::size_t i = offset; i < end; ++i) {
    const bool held = test(chunk.present, i);
    if (held && !(verified && test(chunk.unverified, i))) continue;
    chunk.bytes[i] = piece[i - offset];
    set(chunk.present, i, true);
    set(chunk.unverified, i, !verified);
  }
}

bool StreamBuffers::write(Flow& flow, std::uint32_t sequence, std::span<const std::byte> piece,
                          bool verified) noexcept {
  while (!piece.empty()) {
    const std::size_t offset = sequence - chunk_start(sequence);
    const std::size_t count = std::min<std::size_t>(kChunk - offset, piece.size());
    Chunk* chunk = make_chunk(flow, chunk_start(sequence));
    if (chunk == nullptr) {
      release(flow);
      return false;
    }
    write_chunk(*chunk, offset, piece.first(count), verified);
    sequence += static_cast<std::uint32_t>(count);
    piece = piece.subspan(count);
  }
  return true;
}

void StreamBuffers::confirm(Flow& flow, std::uint32_t sequence, std::size_t bytes) noexcept {
  while (bytes > 0) {
    const std::size_t offset = sequence - chunk_start(sequence);
    const std::size_t count = std::min<std::size_t>(kChunk - offset, bytes);
    if (chunk_at(flow, chunk_start(sequence)) != nullptr) {
      clear_all(make_chunk(flow, chunk_start(sequence))->unverified, offset, offset + count);
    }
    sequence += static_cast<std::uint32_t>(count);
    bytes -= count;
  }
}

void StreamBuffers::mark_urgent(Flow& flow, std::uint32_t sequence) noexcept {
  if (at(flow, sequence)) {
    set(make_chunk(flow, chunk_start(sequence))->urgent, sequence - chunk_start(sequence), true);
  }
}

std::uint32_t StreamBuffers::contiguous_end(const Flow& flow, std::uint32_t sequence) const noexcept {
  const Chunk* chunk = chunk_at(flow, chunk_start(sequence));
  while (chunk != nullptr) {
    const std::size_t end = first_clear(chunk->present, sequence - chunk->start);
    sequence = chunk->start + static_cast<std::uint32_t>(end);
    const std::uint32_t next = next_of(*chunk);
    if (end < kChunk || next == kNone || chunks_[next].start != sequence) break;
    chunk = &chunks_[next];
  }
  return sequence;
}

std::size_t StreamBuffers::read(const Flow& flow, std::uint32_t sequence, std::uint32_t end,
                                std::span<std::byte> out, bool without_urgent) const noexcept {
  std::size_t total = 0;
  const Chunk* chunk = chunk_at(flow, chunk_start(sequence));
  while (chunk != nullptr && is_before(sequence, end)) {
    const std::size_t from = sequence - chunk->start;
    const std::size_t to = std::min<std::size_t>(first_clear(chunk->present, from), end - chunk->start);
    for (std::size_t i = from; without_urgent && i < to; ++i) {
      if (total == out.size()) return total;
      if (!test(chunk->urgent, i)) out[total++] = chunk->bytes[i];
    }
    if (!without_urgent) {
      const std::size_t count = std::min(to - from, out.size() - total);
      std::memcpy(out.data() + total, chunk->bytes.data() + from, count);
      total += count;
      if (count < to - from) return total;
    }
    sequence = chunk->start + static_cast<std::uint32_t>(to);
    const std::uint32_t next = next_of(*chunk);
    if (to < kChunk || next == kNone || chunks_[next].start != sequence) break;
    chunk = &chunks_[next];
  }
  return total;
}

std::optional<std::byte> StreamBuffers::at(const Flow& flow, std::uint32_t sequence) const noexcept {
  const Chunk* chunk = chunk_at(flow, chunk_start(sequence));
  const std::size_t offset = sequence - chunk_start(sequence);
  if (chunk == nullptr || !test(chunk->present, offset)) return std::nullopt;
  return chunk->bytes[offset];
}

StreamBuffers::Chunk* StreamBuffers::make_chunk(Flow& flow, std::uint32_t start) noexcept {
  if (const Chunk* known = chunk_at(flow, start)) {
    return &chunks_[static_cast<std::size_t>(known - chunks_.get())];
  }
  const std::uint32_t index = take_chunk(flow);
  if (index == kNone) return nullptr;
  Chunk& chunk = chunks_[index];
  chunk.start = start;
  chunk.present = {};
  chunk.unverified = {};
  chunk.urgent = {};
  link_chunk(flow, index);
  return &chunk;
}

void StreamBuffers::link_chunk(Flow& flow, std::uint32_t index) noexcept {
  BufferedBytes& buffer = flow.buffer;
  Chunk& chunk = chunks_[index];
  std::uint32_t before = kNone;
  if (buffer.last_chunk != kNone && is_before(chunks_[buffer.last_chunk].start, chunk.start)) {
    before = buffer.last_chunk;
  } else {
    for (std::uint32_t i = buffer.first_chunk; i != kNone && is_before(chunks_[i].start, chunk.start);
         i = next_[i]) {
      before = i;
    }
  }
  std::uint32_t& link = before == kNone ? buffer.first_chunk : next_[before];
  next_[index] = link;
  link = index;
  if (next_[index] == kNone) buffer.last_chunk = index;
  ++buffer.chunks;
  if (waits(flow)) shares_.change(shares_.source_of(flow.key.source), 1);
}

void StreamBuffers::drop_first_chunk(Flow& flow) noexcept {
  const std::uint32_t index = flow.buffer.first_chunk;
  flow.buffer.first_chunk = next_[index];
  free_chunk(index);
  --flow.buffer.chunks;
  if (waits(flow)) shares_.change(shares_.source_of(flow.key.source), -1);
}

std::uint32_t StreamBuffers::take_chunk(const Flow& flow) noexcept {
  if (free_ == kNone && !evict_for(flow)) return kNone;
  const std::uint32_t index = free_;
  free_ = next_[index];
  ++used_count_;
  expect_chunk();
  return index;
}

void StreamBuffers::free_chunk(std::uint32_t index) noexcept {
  next_[index] = free_;
  free_ = index;
  --used_count_;
}

bool StreamBuffers::evict_kept(const Flow& flow) noexcept {
  std::uint32_t index = kept_.oldest;
  if (index != kNone && &flows_[index] == &flow) index = flow.buffer.newer;
  if (index == kNone) return false;
  release(flows_[index]);
  return true;
}

bool StreamBuffers::evict_waiting(const Flow& flow) noexcept {
  // The flow has just been seen, so its time is now.
  std::uint32_t index = waiting_.oldest;
  const bool expired = index != kNone && flow.last_seen - flows_[index].last_seen >= kOpenFlowLifetime;
  if (!expired) index = shares_.next_victim(index_of(flow));
  if (index == kNone) return false;
  Flow& victim = flows_[index];
  ++evictions_;
  victim.reading = Reading::sampled;
  release(victim);
  return true;
}

bool StreamBuffers::evict_for(const Flow& flow) noexcept {
  return evict_kept(flow) || (!keep_waiting_ && evict_waiting(flow));
}

bool StreamBuffers::make_room(const Flow& flow, std::uint32_t sequence, std::size_t bytes) noexcept {
  if (!keep_waiting_ || bytes == 0) return true;
  const std::uint32_t end = sequence + static_cast<std::uint32_t>(bytes);
  std::size_t needed = 0;
  for (std::uint32_t start = chunk_start(sequence); is_before(start, end); start += kChunk) {
    if (chunk_at(flow, start) == nullptr) ++needed;
  }
  if (needed == 0) return true;
  // A flow that does not wait yet will wait with all that it holds.
  const std::size_t more = needed + (waits(flow) ? 0 : flow.buffer.chunks);
  const SourceShares::Source source = shares_.source_of(flow.key.source);
  if (!shares_.may_take(source, more, chunk_count_, kMinChunks / 2)) return false;
  while (chunk_count_ - used_count_ < needed) {
    if (!evict_kept(flow)) return false;
  }
  return true;
}

void StreamBuffers::release_before(Flow& flow, std::uint32_t sequence) noexcept {
  BufferedBytes& buffer = flow.buffer;
  while (buffer.first_chunk != kNone) {
    if (is_before(sequence, chunks_[buffer.first_chunk].start + kChunk)) return;
    drop_first_chunk(flow);
  }
  buffer.last_chunk = kNone;
  unlink(flow);
}

void StreamBuffers::release(Flow& flow) noexcept {
  unlink(flow);
  while (flow.buffer.first_chunk != kNone) drop_first_chunk(flow);
  flow.buffer.last_chunk = kNone;
  expect_chunk();
}

void StreamBuffers::expect_chunk() const noexcept {
  if (free_ == kNone) return;
  const auto bytes = std::as_bytes(std::span(&chunks_[free_], 1));
  for (std::size_t i = 0; i < bytes.size(); i += alignof(Chunk)) __builtin_prefetch(&bytes[i], 1);
}

void StreamBuffers::touch(Flow& flow, bool waiting) noexcept {
  if (waiting && waits(flow)) {
    close_ranks(flow);
    append(flow);
    shares_.touch(index_of(flow), shares_.source_of(flow.key.source));
    return;
  }
  unlink(flow);
  if (!empty(flow)) enqueue(flow, waiting ? BufferedBytes::Queue::waiting : BufferedBytes::Queue::kept);
}

void StreamBuffers::enqueue(Flow& flow, BufferedBytes::Queue queue) noexcept {
  flow.buffer.queue = queue;
  append(flow);
  if (waits(flow)) shares_.add(index_of(flow), shares_.source_of(flow.key.source), flow.buffer.chunks);
}

void StreamBuffers::append(Flow& flow) noexcept {
  const std::uint32_t index = index_of(flow);
  Queue& ends = queue_of(flow.buffer.queue);
  flow.buffer.older = ends.newest;
  flow.buffer.newer = kNone;
  (ends.newest == kNone ? ends.oldest : flows_[ends.newest].buffer.newer) = index;
  ends.newest = index;
}

void StreamBuffers::close_ranks(const Flow& flow) noexcept {
  const BufferedBytes& buffer = flow.buffer;
  Queue& ends = queue_of(buffer.queue);
  (buffer.older == kNone ? ends.oldest : flows_[buffer.older].buffer.newer) = buffer.newer;
  (buffer.newer == kNone ? ends.newest : flows_[buffer.newer].buffer.older) = buffer.older;
}

void StreamBuffers::unlink(Flow& flow) noexcept {
  BufferedBytes& buffer = flow.buffer;
  if (buffer.queue == BufferedBytes::Queue::none) return;
  if (waits(flow)) shares_.remove(index_of(flow), shares_.source_of(flow.key.source), buffer.chunks);
  close_ranks(flow);
  buffer.older = kNone;
  buffer.newer = kNone;
  buffer.queue = BufferedBytes::Queue::none;
}

}  // namespace weir::flow
