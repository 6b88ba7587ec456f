#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/base/result.h"
#include "dataplane/engine/ports/mbuf_pool.h"
#include "dataplane/engine/workers/handoff.h"
#include "dataplane/proto/packet/packet_view.h"

struct rte_ring;

namespace weir::engine {

/// Decides which worker inspects which packets, and holds the queues between the workers.
///
/// All packets from one address to another belong to one worker, whichever receive queue of whichever device
/// they arrive at. The address pair is all that a connection's packets, their fragments and a QUIC client's
/// datagrams have in common. Ports are left out because fragments have none. Between two workers packets keep
/// their order.
class Steering {
 public:
  /// `slots`: the size of each queue, a power of two. Error code: memory.
  static base::Result<std::unique_ptr<Steering>> make(unsigned workers, std::uint32_t slots);
  ~Steering();
  Steering(const Steering&) = delete;
  Steering& operator=(const Steering&) = delete;

  /// The size of each queue with which all queues together hold at most a quarter of `mbufs`: 1024, or a
  /// lower power of two, but never below 32. 0 for one worker, which needs no queues.
  static std::uint32_t slots_for(std::uint32_t mbufs, unsigned workers) noexcept;

  [[nodiscard]] unsigned workers() const noexcept { return workers_; }
  /// The worker that inspects packets from `packet.source` to `packet.destination`.
  [[nodiscard]] unsigned owner_of(const proto::PacketView& packet) const noexcept {
    return owner_of(packet.source, packet.destination);
  }
  [[nodiscard]] unsigned owner_of(const proto::IpAddress& source,
                                  const proto::IpAddress& destination) const noexcept;

  /// Puts as many handoffs, from the first on, into the queue from worker `from` to worker `to` as it has
  /// room for. Returns their number. Only worker `from` calls it.
  unsigned pass(unsigned from, unsigned to, std::span<const Handoff> handoffs) noexcept;
  /// Takes handoffs from the same queue. Returns their number. Only worker `to` calls it.
  unsigned take(unsigned from, unsigned to, std::span<Handoff, kBurst> room) noexcept;

  /// The two steps in which the workers stop: first none receives any more, then none hands off any more.
  enum class StopStep : std::uint8_t { receiving, handing_off };
  /// A worker that stops has ended this step.
  void end(StopStep step) noexcept {
    working_[static_cast<std::size_t>(step)].fetch_sub(1, std::memory_order_release);
  }
  /// True: every worker has ended this step, and what they passed before is in the queues.
  [[nodiscard]] bool all_ended(StopStep step) const noexcept {
    return working_[static_cast<std::size_t>(step)].load(std::memory_order_acquire) == 0;
  }

 private:
  explicit Steering(unsigned workers);
  [[nodiscard]] rte_ring* ring(unsigned from, unsigned to) const noexcept {
    return rings_[from * workers_ + to];
  }

  unsigned workers_;
  std::uint64_t seed_;
  std::vector<rte_ring*> rings_;  // [from * workers + to]; null from a worker to itself
  alignas(64) std::array<std::atomic<unsigned>, 2> working_;  // by StopStep: workers that have not ended it
};

}  // namespace weir::engine
