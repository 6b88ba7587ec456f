#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/engine/routed/router.h"
#include "dataplane/engine/workers/topology.h"

namespace weir::engine {

/// A router with two arms or one: frames that are addressed to it are forwarded to the next hop, and the
/// first worker asks for the next hops' link addresses. It answers ARP, neighbour discovery and echo
/// requests, and sends ICMP errors.
class RoutedTopology {
 public:
  static constexpr bool kFramesAreCopies = false;

  explicit RoutedTopology(const TopologyParts& parts) noexcept;

  void begin_turn(std::chrono::nanoseconds now) noexcept {
    if (asks_next_hops_) ask_next_hops(now);
  }

  [[nodiscard]] std::size_t admit(std::size_t from, std::span<rte_mbuf*> frames,
                                  std::chrono::nanoseconds now) noexcept;

  /// With one arm both directions arrive at one port: whoever sends a request is the client.
  [[nodiscard]] inspect::Direction direction_of(std::size_t from) const noexcept {
    if (routing_.is_one_armed()) return inspect::Direction::unknown;
    return from == kSubscriber ? inspect::Direction::from_subscriber : inspect::Direction::from_network;
  }

  void pass_on(std::size_t from, rte_mbuf* frame, base::Outcome outcome,
               std::uint64_t received_cycles) noexcept;
  void pass_on(std::size_t from, std::span<rte_mbuf* const> frames, base::Outcome outcome,
               std::uint64_t received_cycles) noexcept {
    for (rte_mbuf* const frame : frames) pass_on(from, frame, outcome, received_cycles);
  }

  void discard(rte_mbuf* frame, base::Outcome outcome) noexcept { exits_.discard(frame, outcome); }

  void send_answer(std::size_t from, rte_mbuf* answer, base::Towards towards) noexcept;

  [[nodiscard]] FrameExits& exits() noexcept { return exits_; }

 private:
  void reply(std::size_t from, const rte_mbuf* frame, const Router::Admission& admission) noexcept;
  void ask_next_hops(std::chrono::nanoseconds now) noexcept;

  FrameExits exits_;
  Routing& routing_;
  Router router_;
  FrameReader& reader_;
  rte_mempool* pool_;
  bool asks_next_hops_;
  std::array<std::byte, proto::kMaxNeighbourFrameBytes> question_{};
};
static_assert(WorkerTopology<RoutedTopology>);

}  // namespace weir::engine
