#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "proto/packet_view.h"

namespace weir::flow {

/// Identity of one direction of a connection.
struct FlowKey {
  proto::IpAddress source;
  proto::IpAddress destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint8_t ip_protocol = 0;
  bool operator==(const FlowKey&) const = default;
};
FlowKey flow_key_of(const proto::PacketView& packet) noexcept;

/// What is known of a client's stream: undecided (room for reassembly), cleared, or blocked.
enum class FlowState : std::uint8_t { undecided, cleared, blocked };

/// What is sent in the place of a dropped packet.
enum class AnswerKind : std::uint8_t { none, http_page, tls_alert, reset, finish };

/// What answering the rest of a blocked connection needs to know of it.
struct BlockedStream {
  std::uint32_t server_next = 0;  // the sequence number that the server expects: nothing behind it gets there
  std::uint32_t request_end = 0;  // behind the dropped request's last sequence number
  std::uint32_t client_end = 0;   // behind the last sequence number that the client was seen to use
  AnswerKind answer = AnswerKind::none;  // what the request got, and its retransmissions get again
  bool head_request = false;
  bool server_knows = true;  // false: the connection's SYN never reached the server
};

struct Flow {
  FlowKey key;
  FlowState state = FlowState::undecided;
  bool used = false;
  BlockedStream blocked;  // meaningful in state blocked
  std::chrono::nanoseconds last_seen{0};
};

/// Fixed-capacity, set-associative table of one worker: memory is taken once, by the constructor. When a set
/// is full its longest unseen flow is forgotten and counted. The set is chosen by a hash with a random seed,
/// so nobody outside can aim at a set. Not thread safe, but for size().
class FlowTable {
 public:
  static constexpr std::size_t kWays = 8;

  /// `capacity` flows, rounded up to a power of two of at least 8; a flow unseen for `lifetime` is gone.
  FlowTable(std::size_t capacity, std::chrono::nanoseconds lifetime);

  /// The live flow, its last_seen set to `now`; null when unknown. Valid until the next call. A clock that
  /// jumps back does not expire flows.
  Flow* find(const FlowKey& key, std::chrono::nanoseconds now) noexcept;
  /// The flow, made undecided when unknown.
  Flow& find_or_add(const FlowKey& key, std::chrono::nanoseconds now) noexcept;
  void erase(const FlowKey& key) noexcept;
  /// Frees the places of expired flows in the next set; calls go round the whole table. O(kWays).
  void sweep(std::chrono::nanoseconds now) noexcept;

  [[nodiscard]] std::size_t capacity() const noexcept { return flows_.size(); }
  /// Places taken, those of expired flows that nothing has come across yet too. From any thread
  /// (memory_order_relaxed: a figure for people).
  [[nodiscard]] std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }
  /// Live flows that had to go for new ones since construction.
  [[nodiscard]] std::uint64_t evictions() const noexcept { return evictions_; }

 private:
  [[nodiscard]] std::size_t set_of(const FlowKey& key) const noexcept;
  [[nodiscard]] bool live(const Flow& flow, std::chrono::nanoseconds now) const noexcept;
  void take(Flow& flow) noexcept;
  void release(Flow& flow) noexcept;

  std::vector<Flow> flows_;
  std::chrono::nanoseconds lifetime_;
  std::uint64_t hash_seed_;
  std::uint64_t evictions_ = 0;
  std::size_t sweep_position_ = 0;
  std::atomic<std::size_t> size_{0};
};

}  // namespace weir::flow
