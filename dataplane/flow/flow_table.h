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
#include "dataplane/flow/forgotten_numbers.h"
#include "dataplane/flow/stream_buffers.h"

namespace weir::flow {

/// Set-associative table of fixed capacity, for one worker. The constructor allocates all memory. A hash with
/// a random seed chooses the set, so nobody outside can aim at one. Not thread safe, except blocked().
///
/// A connection can have several readings. A packet that may or may not be genuine (a SYN, a sequence number
/// far away) starts another reading beside the existing ones. In a full set the flow that was unseen longest
/// is evicted and counted: first one that waits for nothing, then one with an incomplete message, last a
/// blocked one.
class FlowTable {
 public:
  static constexpr std::size_t kWays = 8;
  /// Readings of one connection, blocked ones included. Blocked ones stay until they expire, and a port that
  /// is blocked several times in that time must still be able to open connections.
  static constexpr std::size_t kReadings = 6;
  /// Of these, the ones that are not blocked.
  static constexpr std::size_t kOpenReadings = 3;

  struct Settings {
    std::size_t capacity = 65536;                         // flows, rounded up to a power of two of at least 8
    std::chrono::nanoseconds lifetime{};                  // a blocked flow expires when unseen for this long
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
  /// Prefetches what find() reads first for this key. Pass the hash to fetch_flows() some packets later.
  std::uint64_t fetch_tags(const FlowKey& key) const noexcept;
  /// Prefetches the readings of a connection. Both calls only save time: find() needs neither.
  void fetch_flows(std::uint64_t hash) const noexcept;
  /// The readings of a connection. Does not set last_seen. A clock that jumps back expires nothing.
  Readings find(const FlowKey& key, std::chrono::nanoseconds now) noexcept;
  /// Whether add() would evict neither an incomplete message nor a blocked connection.
  [[nodiscard]] bool has_place(const FlowKey& key, std::chrono::nanoseconds now) const noexcept;
  /// Adds an empty reading of the connection. When it has kReadings, erase one first.
  Flow& add(const FlowKey& key, std::chrono::nanoseconds now) noexcept;
  /// Marks the flow as blocked and releases its buffered bytes.
  void block(Flow& flow, const BlockedStream& stream) noexcept;
  void erase(Flow& flow) noexcept;
  /// Frees the places of expired flows in the next few sets, once per interval; calls go through the whole
  /// table in about the lifetime of a blocked flow. Does nothing within an interval.
  void sweep(std::chrono::nanoseconds now) noexcept {
    if (now - last_sweep_ >= sweep_interval_ || now < last_sweep_) sweep_sets(now);
  }

  /// See ForgottenNumbers.
  void forget_numbers(const FlowKey& key, std::uint32_t first, std::uint32_t last,
                      std::chrono::nanoseconds now) noexcept;
  [[nodiscard]] bool forgotten(const FlowKey& key, std::uint32_t first, std::uint32_t last,
                               std::chrono::nanoseconds now) const noexcept;

  /// Frees the places of expired flows with incomplete messages, the longest waiting first.
  void release_stale(std::chrono::nanoseconds now) noexcept;

  [[nodiscard]] StreamBuffers& buffers() noexcept { return buffers_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return flows_.size(); }
  /// Blocked flows, including expired ones that have not been freed yet. From any thread
  /// (memory_order_relaxed: a figure for display).
  [[nodiscard]] std::size_t blocked() const noexcept { return blocked_.load(std::memory_order_relaxed); }
  /// False: the packet, which is of TCP, belongs to no blocked flow. Takes a few instructions.
  [[nodiscard]] bool may_be_blocked(const proto::FastClassification& classification) const noexcept {
    return blocked_filter_.may_hold(classification);
  }
  [[nodiscard]] bool may_be_blocked(const FlowKey& key) const noexcept {
    return blocked_filter_.may_hold(key);
  }
  /// Flows that were blocked since construction.
  [[nodiscard]] std::uint64_t blocks() const noexcept { return blocks_; }
  /// Live flows that were evicted since construction.
  [[nodiscard]] std::uint64_t evictions() const noexcept { return evictions_; }

 private:
  [[nodiscard]] std::uint64_t hash_of(const FlowKey& key) const noexcept;
  [[nodiscard]] std::size_t set_of(std::uint64_t hash) const noexcept;
  [[nodiscard]] bool live(const Flow& flow, std::chrono::nanoseconds now) const noexcept;
  [[nodiscard]] std::size_t place_for(std::size_t set, std::chrono::nanoseconds now) noexcept;
  void release(std::size_t index) noexcept;
  void count_blocked(const FlowKey& key, bool more) noexcept;
  void sweep_sets(std::chrono::nanoseconds now) noexcept;

  std::vector<Flow> flows_;
  std::vector<std::uint32_t> tags_;  // one per place; 0: free. Eight of them share half a cache line.
  StreamBuffers buffers_;
  ConnectionFilter blocked_filter_;
  ForgottenNumbers forgotten_;
  std::chrono::nanoseconds lifetime_;
  std::chrono::nanoseconds sweep_interval_;
  std::chrono::nanoseconds last_sweep_{0};
  std::uint64_t hash_seed_;
  std::uint64_t evictions_ = 0;
  std::uint64_t blocks_ = 0;
  std::size_t sweep_position_ = 0;
  std::atomic<std::size_t> blocked_{0};
};

}  // namespace weir::flow
