#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/flow/connection_filter.h"
#include "dataplane/flow/flow.h"
#include "dataplane/flow/stream_buffers.h"

namespace weir::flow {

/// Fixed-capacity, set-associative table of one worker: memory is taken once, by the constructor. The set is
/// chosen by a hash with a random seed, so nobody outside can aim at a set. Not thread safe, but for
/// blocked().
///
/// A connection can have several readings: what a packet of unknown truth says (a SYN, a sequence number far
/// away) begins a further one beside the old. In a full set the longest unseen flow is forgotten and counted:
/// one that waits for nothing first, then one with a message that waits for its end, a blocked one last.
class FlowTable {
 public:
  static constexpr std::size_t kWays = 8;
  /// Readings of one connection, blocked ones included. Those stay until they expire, and a port that is
  /// blocked several times within that time must get further connections all the same.
  static constexpr std::size_t kReadings = 6;
  /// Of those, that are not blocked.
  static constexpr std::size_t kOpenReadings = 3;
  /// Pieces of a request may come a minute apart, requests of a connection more. But Linux's initial sequence
  /// numbers come round after 275 s: a port that is used again then would seem to contradict what it sent.
  static constexpr std::chrono::seconds kOpenLifetime{240};

  struct Settings {
    std::size_t capacity = 65536;                         // flows, rounded up to a power of two of at least 8
    std::chrono::nanoseconds lifetime{};                  // a blocked flow unseen for this long is gone
    std::size_t reassembly_bytes = std::size_t{4} << 20;  // see StreamBuffers
    bool keep_waiting = false;                            // see StreamBuffers
  };
  explicit FlowTable(const Settings& settings);

  /// The live readings of a connection; pointers are valid until the next add() or erase().
  class Readings {
   public:
    [[nodiscard]] Flow* const* begin() const noexcept { return flows_.data(); }
    [[nodiscard]] Flow* const* end() const noexcept { return flows_.data() + count_; }
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }

   private:
    friend class FlowTable;
    std::array<Flow*, kReadings> flows_{};
    std::size_t count_ = 0;
  };
  /// Begins to fetch what find() reads first for this key. The hash is for fetch_flows(), some packets later.
  std::uint64_t fetch_tags(const FlowKey& key) const noexcept;
  /// Begins to fetch the readings of a connection. Both only save time: find() needs neither.
  void fetch_flows(std::uint64_t hash) const noexcept;
  /// Sets last_seen of none of them. A clock that jumps back expires nothing.
  Readings find(const FlowKey& key, std::chrono::nanoseconds now) noexcept;
  /// Whether add() would forget nothing that matters: neither a message that waits nor a blocked connection.
  [[nodiscard]] bool has_place(const FlowKey& key, std::chrono::nanoseconds now) const noexcept;
  /// A new reading of the connection, empty. One that has kReadings already must lose one before.
  Flow& add(const FlowKey& key, std::chrono::nanoseconds now) noexcept;
  /// Makes the flow a blocked one, without buffered bytes.
  void block(Flow& flow, const BlockedStream& stream) noexcept;
  void erase(Flow& flow) noexcept;
  /// Frees the places of expired flows in the next set; calls go round the whole table. O(kWays).
  void sweep(std::chrono::nanoseconds now) noexcept;

  /// Frees the places of expired flows that hold parts of messages, the longest waiting one first.
  void release_stale(std::chrono::nanoseconds now) noexcept;

  [[nodiscard]] StreamBuffers& buffers() noexcept { return buffers_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return flows_.size(); }
  /// Blocked flows, those that have expired and that nothing has come across yet too. From any thread
  /// (memory_order_relaxed: a figure for people).
  [[nodiscard]] std::size_t blocked() const noexcept { return blocked_.load(std::memory_order_relaxed); }
  /// False: the packet belongs to none of them. Of TCP; takes a few instructions.
  [[nodiscard]] bool may_be_blocked(const proto::FastClassification& classification) const noexcept {
    return blocked_filter_.may_hold(classification);
  }
  /// Times that a flow became blocked since construction.
  [[nodiscard]] std::uint64_t blocks() const noexcept { return blocks_; }
  /// Live flows that had to go for new ones since construction.
  [[nodiscard]] std::uint64_t evictions() const noexcept { return evictions_; }

 private:
  [[nodiscard]] std::uint64_t hash_of(const FlowKey& key) const noexcept;
  [[nodiscard]] std::size_t set_of(std::uint64_t hash) const noexcept;
  [[nodiscard]] bool live(const Flow& flow, std::chrono::nanoseconds now) const noexcept;
  [[nodiscard]] std::size_t place_for(std::size_t set, std::chrono::nanoseconds now) noexcept;
  void release(std::size_t index) noexcept;
  void count_blocked(const FlowKey& key, bool more) noexcept;

  std::vector<Flow> flows_;
  std::vector<std::uint32_t> tags_;  // of each place; 0: free. Eight of them share half a cache line.
  StreamBuffers buffers_;
  ConnectionFilter blocked_filter_;
  std::chrono::nanoseconds lifetime_;
  std::uint64_t hash_seed_;
  std::uint64_t evictions_ = 0;
  std::uint64_t blocks_ = 0;
  std::size_t sweep_position_ = 0;
  std::atomic<std::size_t> blocked_{0};
};

}  // namespace weir::flow
