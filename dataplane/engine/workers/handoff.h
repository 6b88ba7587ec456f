#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/inspect/fragment_inspector.h"
#include "dataplane/proto/packet/packet_view.h"

struct rte_mbuf;

namespace weir::engine {

/// A packet that one worker reassembled from fragments and another worker decides. It belongs to the first
/// worker's HandoffPool. It travels with the last fragment, and its state brings the decision back.
struct HandedOffPacket {
  enum class State : std::uint8_t { undecided, passed, dropped };

  /// The worker that decides writes passed or dropped (release) when it no longer needs the bytes.
  std::atomic<State> state{State::undecided};
  proto::PacketView view{};  // into `bytes`
  inspect::FragmentInspector::Completed origin{};
  std::vector<std::byte> bytes;
  std::size_t place = 0;  // in the pool's list of packets in use
};

/// What one worker passes to another.
struct Handoff {
  rte_mbuf* frame = nullptr;
  HandedOffPacket* whole = nullptr;  // the packet that `frame` completed; null: inspect the frame itself
  std::uint64_t received_cycles = 0;
};
static_assert(sizeof(Handoff) % 4 == 0, "DPDK's rings take elements of whole 32-bit words");

/// One worker's packets for handing off. Not thread safe, except for HandedOffPacket::state.
class HandoffPool {
 public:
  struct Size {
    std::size_t ordinary = 0;  // packets of up to kOrdinaryBytes
    std::size_t large = 0;     // packets of any size
  };
  static constexpr std::size_t kOrdinaryBytes = 2048;

  explicit HandoffPool(const Size& size);

  /// A copy of `whole`, which fragments completed. Null: no free packet is large enough.
  HandedOffPacket* take(const proto::PacketView& whole,
                        const inspect::FragmentInspector::Completed& origin) noexcept;
  /// Returns a packet that no other worker has.
  void give_back(HandedOffPacket& packet) noexcept;
  /// Gives back every packet that has been decided, and calls `settle(origin, dropped)` for each.
  template <class Settle>
  void collect(Settle settle) noexcept {
    for (std::size_t i = in_use_.size(); i-- > 0;) {
      HandedOffPacket& packet = *in_use_[i];
      // acquire: the other worker no longer needs the bytes.
      const auto state = packet.state.load(std::memory_order_acquire);
      if (state == HandedOffPacket::State::undecided) continue;
      settle(packet.origin, state == HandedOffPacket::State::dropped);
      give_back(packet);
    }
  }

 private:
  std::vector<HandedOffPacket> packets_;
  // Each list has room for all packets from the start.
  std::vector<HandedOffPacket*> free_ordinary_;
  std::vector<HandedOffPacket*> free_large_;
  std::vector<HandedOffPacket*> in_use_;
};

}  // namespace weir::engine
