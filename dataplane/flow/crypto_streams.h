#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/flow/flow_table.h"
#include "dataplane/flow/source_shares.h"
#include "dataplane/proto/quic/quic_initial.h"
#include "dataplane/proto/quic/quic_initial_keys.h"

namespace weir::flow {

/// Bytes of a connection's handshake stream that are kept at most; servers accept less.
inline constexpr std::size_t kMaxCryptoBytes = 65536;
/// Bytes of one buffer. A usual hello fits, even a post-quantum one.
inline constexpr std::size_t kCryptoChunkBytes = 2048;

/// The state of the client's Initial packets under one set of keys. Belongs to CryptoStreams.
struct CryptoStream {
  static constexpr std::size_t kChunks = kMaxCryptoBytes / kCryptoChunkBytes;
  static constexpr std::uint16_t kNoChunk = 0xffff;

  std::uint64_t connection = 0;  // CryptoStreams::connection_of()
  std::chrono::nanoseconds last_seen{0};
  std::uint64_t next_number = 0;  // after the largest packet number seen
  std::array<std::uint16_t, kChunks> chunks{};
  std::uint32_t second_message = 0;  // start of the message after the first decided one; 0: not known
  SourceShares::Source source = 0;
  proto::QuicConnectionId id;  // the keys are derived from it
  proto::QuicVersion version = proto::QuicVersion::unknown;
  bool used = false;
  bool blocked = false;
  std::array<bool, 2> decided{};  // the message at offset 0, and the one at second_message
  bool counted = false;           // among the streams that its source has
  std::uint8_t waiting_chunks = 0;
};
static_assert(sizeof(CryptoStream) <= 128);

/// The QUIC connections of one worker whose Initials were seen, and the bytes of their handshake streams,
/// which may arrive in any order and any pieces. Table and pool of buffers have a fixed size, and the
/// constructor allocates all memory. Not thread safe.
///
/// - The first copy of a byte counts; a later one that differs is a conflict.
/// - The bytes of a decided message are kept until the pool needs them, so that a decoy that no server
/// received
///   cannot be completed differently later. They are evicted first, the oldest first; then those of a
///   connection that waits for the end of its hello (counted): the oldest of the source that holds most
///   (SourceShares). A connection without its bytes is read again from later packets.
/// - In a full set the decided connection that was unseen longest is evicted first. If there is none, one of
///   the source that has most undecided and blocked connections (counted): an undecided one before a blocked
///   one, and the one that was unseen longest before others.
class CryptoStreams {
 public:
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kMinChunks = 64;

  struct Settings {
    std::size_t capacity = 16384;                     // connections, rounded up to a power of two
    std::size_t memory_bytes = std::size_t{8} << 20;  // of handshake bytes; at least kMinChunks buffers
    std::chrono::nanoseconds lifetime = std::chrono::seconds(60);
  };
  enum class Stored : std::uint8_t { stored, conflict };

  explicit CryptoStreams(const Settings& settings);

  /// Keyed hash of a 5-tuple.
  [[nodiscard]] std::uint64_t connection_of(const FlowKey& key) const noexcept;
  [[nodiscard]] SourceShares::Source source_of(const FlowKey& key) const noexcept {
    return shares_.source_of(key.source);
  }
  /// The live streams of a 5-tuple, one per call: `place` begins at 0 and is advanced. Null: no more.
  CryptoStream* next_of(std::uint64_t connection, std::size_t& place, std::chrono::nanoseconds now) noexcept;

  CryptoStream* find(std::uint64_t connection, proto::QuicVersion version, const proto::QuicConnectionId& id,
                     std::chrono::nanoseconds now) noexcept;
  /// Adds a stream with the client's keys for the id. This may evict another one of the set, so references to
  /// them are no longer valid.
  CryptoStream& add(std::uint64_t connection, SourceShares::Source source, proto::QuicVersion version,
                    const proto::QuicConnectionId& id, const proto::QuicInitialKeys& keys,
                    std::chrono::nanoseconds now) noexcept;
  [[nodiscard]] const proto::QuicInitialKeys& keys_of(const CryptoStream& stream) const noexcept {
    return keys_[index_of(stream)];
  }

  /// Prefetches the memory that add() and the first store() of a new connection write to. Useful when other
  /// work (decryption) comes first.
  void expect(std::uint64_t connection) noexcept;

  /// Stores bytes at an offset of the stream, without those beyond kMaxCryptoBytes. A conflicting piece
  /// changes nothing. O(bytes).
  Stored store(CryptoStream& stream, std::uint64_t offset, std::span<const std::byte> data) noexcept;
  /// Whether all bytes of [begin, end) are stored. O((end - begin) / 64).
  [[nodiscard]] bool has(const CryptoStream& stream, std::size_t begin, std::size_t end) const noexcept;
  /// The bytes [begin, end), all of which must be stored. Valid until the next call.
  std::span<const std::byte> read(const CryptoStream& stream, std::size_t begin, std::size_t end) noexcept;
  /// A message was decided: until new bytes arrive, those of the stream are evicted before undecided ones.
  void retire(CryptoStream& stream) noexcept;
  /// Marks the stream as blocked.
  void block(CryptoStream& stream) noexcept;

  /// Undecided and blocked streams that were evicted, and undecided ones that lost their bytes, since
  /// construction.
  [[nodiscard]] std::uint64_t evictions() const noexcept { return evictions_; }
  [[nodiscard]] std::size_t chunks_used() const noexcept { return chunks_.size() - free_count_; }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::size_t kWords = kCryptoChunkBytes / 64;
  static constexpr std::size_t kExpectedBytes = 768;  // the bits of a chunk and the bytes of a short hello

  struct Chunk {
    std::array<std::uint64_t, kWords> present{};
    std::array<std::byte, kCryptoChunkBytes> bytes{};
    std::uint32_t owner = kNone;
    std::uint32_t previous = kNone;
    std::uint32_t next = kNone;
    bool retired = false;
  };
  /// Chunks in the order of their allocation; the first is evicted next.
  struct Queue {
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
  };

  /// Never 0, which marks a place that was never used.
  [[nodiscard]] static std::uint32_t tag_of(std::uint64_t connection) noexcept {
    return static_cast<std::uint32_t>(connection >> 32) | 1U;
  }
  [[nodiscard]] std::size_t set_of(std::uint64_t connection) const noexcept {
    return (static_cast<std::size_t>(connection) & (streams_.size() / kWays - 1)) * kWays;
  }
  [[nodiscard]] bool live(const CryptoStream& stream, std::chrono::nanoseconds now) const noexcept;
  [[nodiscard]] std::uint32_t index_of(const CryptoStream& stream) const noexcept;
  Queue& queue_of(const Chunk& chunk) noexcept { return chunk.retired ? retired_ : waiting_; }
  void append(std::uint32_t index) noexcept;
  void unlink(std::uint32_t index) noexcept;
  void set_retired(CryptoStream& stream, bool retired) noexcept;
  void set_waiting(CryptoStream& stream, std::uint32_t chunks) noexcept;
  Chunk* chunk_at(CryptoStream& stream, std::size_t number) noexcept;
  std::uint32_t take_chunk(std::uint32_t owner) noexcept;
  bool evict_one(std::uint32_t spared) noexcept;
  [[nodiscard]] std::uint32_t next_victim(std::uint32_t spared) const noexcept;
  void release_bytes(CryptoStream& stream) noexcept;
  /// Counts the stream among those of its source, or no longer.
  void count(CryptoStream& stream, bool counted) noexcept;
  /// Whether `a` is evicted from a full set before `b`.
  [[nodiscard]] bool goes_before(const CryptoStream& a, const CryptoStream& b) const noexcept;
  CryptoStream& place_for(std::uint64_t connection, std::chrono::nanoseconds now) noexcept;

  std::vector<CryptoStream> streams_;
  // A part of each stream's `connection`. The tags of a set share half a cache line, so that the lookup of an
  // unknown connection does not touch the streams.
  std::vector<std::uint32_t> tags_;
  std::vector<proto::QuicInitialKeys> keys_;  // of each stream
  std::vector<Chunk> chunks_;
  SourceShares shares_;                       // of the streams with chunks in waiting_; these are the weight
  std::vector<std::uint32_t> stream_counts_;  // of each source: undecided and blocked streams
  std::vector<std::byte> read_buffer_;
  Queue retired_;
  Queue waiting_;
  std::uint32_t free_ = kNone;  // chained by Chunk::next
  std::size_t free_count_ = 0;
  std::chrono::nanoseconds lifetime_;
  std::chrono::nanoseconds now_{0};  // of the last call; decides which streams have expired
  std::uint64_t hash_seed_;
  std::uint64_t evictions_ = 0;
};

}  // namespace weir::flow
