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
#include "dataplane/inspect/fragment_inspector.h"
#include "dataplane/proto/packet/packet_view.h"

struct rte_mbuf;
struct rte_ring;

namespace weir::engine {

/// A packet that one worker put together from fragments and another one inspects: it belongs to the first, is
/// lent with the last fragment, and comes back with a verdict.
struct LentPacket {
  enum class State : std::uint8_t { lent, passed, blocked };

  /// The borrower writes passed or blocked (release) when it is done.
  std::atomic<State> state{State::lent};
  proto::PacketView view{};  // in `bytes`
  inspect::FragmentInspector::Completed origin{};
  std::vector<std::byte> bytes;
  std::size_t place = 0;  // among those that are lent
};

/// What one worker passes to another.
struct Handoff {
  rte_mbuf* frame = nullptr;
  LentPacket* whole = nullptr;  // null: the frame itself is to be inspected
  std::uint64_t received_cycles = 0;
};
static_assert(sizeof(Handoff) % 4 == 0, "what a ring of DPDK's takes");

/// Which worker inspects what, and the queues between the workers.
///
/// Whatever comes from one address for another is inspected by one worker, whichever queue of whichever
/// device it arrived at: a connection's packets, its fragments and the datagrams of QUIC have nothing else in
/// common that each of them shows. Ports have no part in it, since fragments have none. Between two workers
/// the order of packets is kept.
class Steering {
 public:
  /// For `workers` workers; no queue of more than `slots` packets (a power of two). Error code: memory.
  static base::Result<std::unique_ptr<Steering>> make(unsigned workers, std::uint32_t slots);
  ~Steering();
  Steering(const Steering&) = delete;
  Steering& operator=(const Steering&) = delete;

  /// Slots of each queue so that all of them together cannot hold more than a quarter of `mbufs`: 1024, or a
  /// lower power of two down to 32. One worker: 0.
  static std::uint32_t slots_for(std::uint32_t mbufs, unsigned workers) noexcept;

  [[nodiscard]] unsigned workers() const noexcept { return workers_; }
  /// The worker that inspects packets from `packet.source` for `packet.destination`.
  [[nodiscard]] unsigned owner_of(const proto::PacketView& packet) const noexcept {
    return owner_of(packet.source, packet.destination);
  }
  [[nodiscard]] unsigned owner_of(const proto::IpAddress& source,
                                  const proto::IpAddress& destination) const noexcept;

  /// Passes on as many as there is room for, from the first on; by worker `from` alone. Returns their number.
  unsigned pass(unsigned from, unsigned to, std::span<const Handoff> packets) noexcept;
  /// Takes what worker `from` has passed to `to`; by worker `to` alone. Returns the number.
  unsigned take(unsigned from, unsigned to, std::span<Handoff, kBurst> room) noexcept;

  /// What a worker that stops has come to the end of: receiving, and passing on what it was passed.
  enum class Stage : std::uint8_t { receiving, passing };
  void ended(Stage stage) noexcept {
    working_[static_cast<std::size_t>(stage)].fetch_sub(1, std::memory_order_release);
  }
  /// True: whatever any worker passed before the end of this stage is in the queues.
  [[nodiscard]] bool all_ended(Stage stage) const noexcept {
    return working_[static_cast<std::size_t>(stage)].load(std::memory_order_acquire) == 0;
  }

 private:
  explicit Steering(unsigned workers);
  [[nodiscard]] rte_ring* ring(unsigned from, unsigned to) const noexcept {
    return rings_[from * workers_ + to];
  }

  unsigned workers_;
  std::uint64_t seed_;
  std::vector<rte_ring*> rings_;  // [from * workers + to]; null from a worker to itself
  alignas(64) std::array<std::atomic<unsigned>, 2> working_;
};

/// The packets that one worker has to lend. Not thread safe but for LentPacket::state.
class PacketLender {
 public:
  /// So many packets of ordinary size, and so many of any size.
  struct Stock {
    std::size_t ordinary = 0;
    std::size_t large = 0;
  };
  static constexpr std::size_t kOrdinaryBytes = 2048;

  explicit PacketLender(const Stock& stock);

  /// A copy of what the inspector made of fragments; null when all are lent.
  LentPacket* lend(const proto::PacketView& whole,
                   const inspect::FragmentInspector::Completed& origin) noexcept;
  /// Takes back one that was never passed on.
  void take_back(LentPacket& packet) noexcept;
  /// Takes back those that are decided, and calls `settle(origin, blocked)` for each.
  template <class Settle>
  void collect(Settle settle) noexcept {
    for (std::size_t i = lent_.size(); i-- > 0;) {
      LentPacket& packet = *lent_[i];
      // acquire: the borrower is done with the bytes.
      const auto state = packet.state.load(std::memory_order_acquire);
      if (state == LentPacket::State::lent) continue;
      settle(packet.origin, state == LentPacket::State::blocked);
      take_back(packet);
    }
  }

 private:
  std::vector<LentPacket> packets_;
  // Each of them has room for all from the start.
  std::vector<LentPacket*> ordinary_;  // free
  std::vector<LentPacket*> large_;     // free
  std::vector<LentPacket*> lent_;
};

}  // namespace weir::engine
