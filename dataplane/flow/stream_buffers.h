#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "dataplane/flow/flow.h"
#include "dataplane/flow/source_shares.h"

namespace weir::flow {

/// How a piece of a stream compares with the bytes held.
struct Overlap {
  std::size_t held_bytes = 0;        // bytes of the piece that are held
  bool conflict = false;             // some of them differ
  bool only_unverified = true;       // all of these came in segments with a wrong checksum
  bool unverified = false;           // some of the bytes held came in such segments
  std::uint32_t first_conflict = 0;  // with a conflict: sequence number of the first byte that differs
};

/// The bytes of streams, received in any order, in a pool of chunks that is allocated once. The first copy of
/// a byte counts. When the pool is full, the bytes of decided messages are evicted first (queue `kept`),
/// those of the longest untouched stream before others. Then follow the bytes of incomplete messages (queue
/// `waiting`): those that have expired, then the oldest of the source whose incomplete messages hold most
/// (SourceShares). Their streams are read segment by segment from then on. If incomplete messages are to be
/// kept, none is evicted; instead no source may take so much that the others find no room. Not thread safe.
class StreamBuffers {
 public:
  static constexpr std::size_t kChunkBytes = 512;
  /// The pool has at least this many chunks: a message of the largest size and its tail.
  static constexpr std::size_t kMinChunks = 320;

  /// `flows` are the records of the streams. `memory_bytes` is rounded down to whole chunks. `keep_waiting`:
  /// an incomplete message is never evicted for another one.
  StreamBuffers(std::span<Flow> flows, std::size_t memory_bytes, bool keep_waiting = false);

  [[nodiscard]] static bool empty(const Flow& flow) noexcept {
    return flow.buffer.first_chunk == BufferedBytes::kNone;
  }
  /// Compares a piece with the bytes held. O(bytes + chunks).
  [[nodiscard]] Overlap compare(const Flow& flow, std::uint32_t sequence,
                                std::span<const std::byte> piece) const noexcept;
  /// Stores the bytes of the piece that are not held yet. Verified bytes are never replaced; a `verified`
  /// piece replaces unverified ones. Returns false when there is no room even after evictions; then the flow
  /// has no bytes left.
  bool write(Flow& flow, std::uint32_t sequence, std::span<const std::byte> piece, bool verified) noexcept;
  /// Whether write() will find room for the piece, and the flow's source may take it; always true when
  /// incomplete messages may be evicted. May evict bytes of decided messages.
  [[nodiscard]] bool make_room(const Flow& flow, std::uint32_t sequence, std::size_t bytes) noexcept;
  /// Marks the held bytes of the piece as verified. They must be equal.
  void confirm(Flow& flow, std::uint32_t sequence, std::size_t bytes) noexcept;
  /// Marks the byte at `sequence`, if held, as urgent: receivers may take it out of the stream.
  void mark_urgent(Flow& flow, std::uint32_t sequence) noexcept;
  /// The end of the bytes that are held without a gap from `sequence` on; `sequence` itself when that byte is
  /// not held.
  [[nodiscard]] std::uint32_t contiguous_end(const Flow& flow, std::uint32_t sequence) const noexcept;
  /// Copies held bytes from `sequence` on up to the first gap, `end` or the end of `out`.
  std::size_t read(const Flow& flow, std::uint32_t sequence, std::uint32_t end, std::span<std::byte> out,
                   bool without_urgent = false) const noexcept;
  [[nodiscard]] std::optional<std::byte> at(const Flow& flow, std::uint32_t sequence) const noexcept;

  /// Frees the chunks that lie wholly before `sequence`.
  void release_before(Flow& flow, std::uint32_t sequence) noexcept;
  void release(Flow& flow) noexcept;
  /// Moves the flow to the young end of a queue. A flow without bytes is in no queue.
  void touch(Flow& flow, bool waiting) noexcept;

  /// What the incomplete messages of the flow's source hold, in chunks.
  [[nodiscard]] std::uint32_t share_of(const Flow& flow) const noexcept {
    return shares_.share_of(shares_.source_of(flow.key.source));
  }
  /// The flow whose message has been incomplete longest; null: there is none.
  [[nodiscard]] const Flow* longest_waiting() const noexcept {
    return waiting_.oldest == kNone ? nullptr : &flows_[waiting_.oldest];
  }
  [[nodiscard]] bool keeps_waiting() const noexcept { return keep_waiting_; }
  /// Incomplete messages that lost their bytes since construction.
  [[nodiscard]] std::uint64_t evictions() const noexcept { return evictions_; }
  [[nodiscard]] std::size_t chunk_capacity() const noexcept { return chunk_count_; }
  [[nodiscard]] std::size_t chunks_used() const noexcept { return used_count_; }

 private:
  static constexpr std::uint32_t kNone = BufferedBytes::kNone;
  using Bits = std::array<std::uint64_t, kChunkBytes / 64>;
  struct alignas(64) Chunk {
    std::uint32_t start;  // sequence number, a multiple of kChunkBytes
    Bits present;
    Bits unverified;
    Bits urgent;
    std::array<std::byte, kChunkBytes> bytes;
  };
  struct Queue {
    std::uint32_t oldest = kNone;
    std::uint32_t newest = kNone;
  };

  [[nodiscard]] std::uint32_t next_of(const Chunk& chunk) const noexcept {
    return next_[static_cast<std::size_t>(&chunk - chunks_.get())];
  }
  /// Prefetches the chunk that is written next.
  void expect_chunk() const noexcept;
  [[nodiscard]] const Chunk* chunk_at(const Flow& flow, std::uint32_t start) const noexcept;
  /// Finds or allocates the chunk; null without room.
  Chunk* make_chunk(Flow& flow, std::uint32_t start) noexcept;
  void link_chunk(Flow& flow, std::uint32_t index) noexcept;
  /// Frees the first chunk of the flow.
  void drop_first_chunk(Flow& flow) noexcept;
  static void write_chunk(Chunk& chunk, std::size_t offset, std::span<const std::byte> piece,
                          bool verified) noexcept;
  std::uint32_t take_chunk(const Flow& flow) noexcept;
  void free_chunk(std::uint32_t index) noexcept;
  bool evict_for(const Flow& flow) noexcept;
  bool evict_kept(const Flow& flow) noexcept;
  bool evict_waiting(const Flow& flow) noexcept;
  void enqueue(Flow& flow, BufferedBytes::Queue queue) noexcept;
  void unlink(Flow& flow) noexcept;
  void append(Flow& flow) noexcept;
  /// Joins the neighbours of the flow in its queue.
  void close_ranks(const Flow& flow) noexcept;
  [[nodiscard]] std::uint32_t index_of(const Flow& flow) const noexcept {
    return static_cast<std::uint32_t>(&flow - flows_.data());
  }
  Queue& queue_of(BufferedBytes::Queue queue) noexcept {
    return queue == BufferedBytes::Queue::kept ? kept_ : waiting_;
  }

  std::span<Flow> flows_;
  std::size_t chunk_count_;
  bool keep_waiting_;
  std::unique_ptr<Chunk[]> chunks_;
  // The next chunk of each chunk, in its flow or among the free ones. It is stored apart from the chunks, so
  // that allocating and freeing do not wait for their memory.
  std::unique_ptr<std::uint32_t[]> next_;
  std::size_t used_count_ = 0;
  std::uint32_t free_ = kNone;
  Queue kept_;
  Queue waiting_;
  SourceShares shares_;  // of the waiting flows; their chunks are the weight
  std::uint64_t evictions_ = 0;
};

}  // namespace weir::flow
