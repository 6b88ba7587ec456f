#pragma once

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

struct Flow {
  FlowKey key;
  FlowState state = FlowState::undecided;
  bool used = false;
  std::chrono::nanoseconds last_seen{0};
};

/// Fixed-capacity, set-associative table of one worker: memory is taken once, by the constructor. When a set
/// is full its longest unseen flow is forgotten and counted. Not thread safe.
class FlowTable {
 public:
  /// `capacity` flows, rounded up to a power of two of at least 8; a flow unseen for `lifetime` is gone.
  FlowTable(std::size_t capacity, std::chrono::nanoseconds lifetime);

  /// The live flow, its last_seen set to `now`; null when unknown. Valid until the next call. A clock that
  /// jumps back does not expire flows.
  Flow* find(const FlowKey& key, std::chrono::nanoseconds now) noexcept;
  /// The flow, made undecided when unknown.
  Flow& find_or_add(const FlowKey& key, std::chrono::nanoseconds now) noexcept;
  void erase(const FlowKey& key) noexcept;

  /// Live flows that had to go for new ones since construction.
  [[nodiscard]] std::uint64_t evictions() const noexcept { return evictions_; }

 private:
  static constexpr std::size_t kWays = 8;
  [[nodiscard]] std::size_t set_of(const FlowKey& key) const noexcept;
  [[nodiscard]] bool live(const Flow& flow, std::chrono::nanoseconds now) const noexcept;

  std::vector<Flow> flows_;
  std::chrono::nanoseconds lifetime_;
  std::uint64_t hash_seed_;
  std::uint64_t evictions_ = 0;
};

}  // namespace weir::flow
