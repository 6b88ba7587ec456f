#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "dataplane/flow/flow.h"

namespace weir::flow {

/// How a piece of a stream agrees with what is held of it.
struct Overlap {
  std::size_t held_bytes = 0;        // of the piece
  bool conflict = false;             // some of them differ
  bool only_unverified = true;       // all that differ came in segments with a wrong checksum
  bool unverified = false;           // some of those that are held did
  std::uint32_t first_conflict = 0;  // with a conflict: the sequence number of the first that differs
};

/// The bytes of streams, in any order, in a pool of chunks of fixed size that is taken once. The first copy
/// of a byte stands. When the pool is used up, the bytes of decided messages go first (queue `kept`), the
/// longest untouched stream's before others'; then those of messages that wait for their end (`waiting`),
/// whose streams are read segment by segment from then on, unless they are to be kept. Not thread safe.
class StreamBuffers {
 public:
  static constexpr std::size_t kChunkBytes = 512;
  /// Least number of chunks, whatever memory is asked for: one message of the largest size and its tail.
  static constexpr std::size_t kMinChunks = 320;

  /// `flows` are the records that streams are held for. `memory_bytes` is rounded down to whole chunks.
  /// `keep_waiting`: no message that waits makes room for another one.
  StreamBuffers(std::span<Flow> flows, std::size_t memory_bytes, bool keep_waiting = false);

  [[nodiscard]] static bool empty(const Flow& flow) noexcept {
    return flow.buffer.first_chunk == BufferedBytes::kNone;
  }
  /// Compares a piece with the bytes held. O(bytes + chunks).
  [[nodiscard]] Overlap compare(const Flow& flow, std::uint32_t sequence,
                                std::span<const std::byte> piece) const noexcept;
  /// What is not held yet is taken from the piece; what is held and `verified` stands. With a `verified`
  /// piece unverified bytes are replaced. False, and the flow has no bytes any more, when even after
  /// evictions there is no room.
  bool write(Flow& flow, std::uint32_t sequence, std::span<const std::byte> piece, bool verified) noexcept;
  /// Whether write() will find room for the piece; where messages that wait make room, always. Bytes of
  /// decided messages may be given up for it.
  [[nodiscard]] bool make_room(const Flow& flow, std::uint32_t sequence, std::size_t bytes) noexcept;
  /// The bytes of the piece that are held are the same, and `verified` from now on.
  void confirm(Flow& flow, std::uint32_t sequence, std::size_t bytes) noexcept;
  /// The byte at `sequence`, if held, is one that urgent mode takes out of the stream.
  void mark_urgent(Flow& flow, std::uint32_t sequence) noexcept;
  /// Behind the last byte that is held without a gap from `sequence` on; `sequence` when that one is not
  /// held.
  [[nodiscard]] std::uint32_t contiguous_end(const Flow& flow, std::uint32_t sequence) const noexcept;
  /// Copies held bytes from `sequence` on, without a gap, until `end` or until `out` is full.
  std::size_t read(const Flow& flow, std::uint32_t sequence, std::uint32_t end, std::span<std::byte> out,
                   bool without_urgent = false) const noexcept;
  [[nodiscard]] std::optional<std::byte> at(const Flow& flow, std::uint32_t sequence) const noexcept;

  /// Gives up the chunks that lie wholly before `sequence`.
  void release_before(Flow& flow, std::uint32_t sequence) noexcept;
  void release(Flow& flow) noexcept;
  /// Puts the flow at the young end of a queue. Without bytes it is in none.
  void touch(Flow& flow, bool waiting) noexcept;

  /// The flow whose message has waited longest; null: none waits.
  [[nodiscard]] const Flow* longest_waiting() const noexcept {
    return waiting_.oldest == kNone ? nullptr : &flows_[waiting_.oldest];
  }
  [[nodiscard]] bool keeps_waiting() const noexcept { return keep_waiting_; }
  /// Waiting messages that lost their bytes since construction.
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
  /// Has the chunk fetched that is the next to be written.
  void expect_chunk() const noexcept;
  [[nodiscard]] const Chunk* chunk_at(const Flow& flow, std::uint32_t start) const noexcept;
  /// Finds or makes the chunk; null without room.
  Chunk* make_chunk(Flow& flow, std::uint32_t start) noexcept;
  void link_chunk(Flow& flow, std::uint32_t index) noexcept;
  static void write_chunk(Chunk& chunk, std::size_t offset, std::span<const std::byte> piece,
                          bool verified) noexcept;
  std::uint32_t take_chunk(const Flow& flow) noexcept;
  void free_chunk(std::uint32_t index) noexcept;
  bool evict_for(const Flow& flow) noexcept;
  bool evict_from(const Queue& queue, const Flow& flow) noexcept;
  void enqueue(Flow& flow, BufferedBytes::Queue queue) noexcept;
  void unlink(Flow& flow) noexcept;
  Queue& queue_of(BufferedBytes::Queue queue) noexcept {
    return queue == BufferedBytes::Queue::kept ? kept_ : waiting_;
  }

  std::span<Flow> flows_;
  std::size_t chunk_count_;
  bool keep_waiting_;
  std::unique_ptr<Chunk[]> chunks_;
  // Of each chunk the one behind it, of a flow's or of the free ones. Apart from the chunks: taking and
  // giving back does not wait for their memory.
  std::unique_ptr<std::uint32_t[]> next_;
  std::size_t used_count_ = 0;
  std::uint32_t free_ = kNone;
  Queue kept_;
  Queue waiting_;
  std::uint64_t evictions_ = 0;
};

}  // namespace weir::flow
