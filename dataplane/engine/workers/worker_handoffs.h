#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/counters/counters.h"
#include "dataplane/engine/ports/mbuf_pool.h"
#include "dataplane/engine/workers/burst_context.h"
#include "dataplane/engine/workers/handoff.h"
#include "dataplane/engine/workers/steering.h"
#include "dataplane/inspect/inspector.h"

namespace weir::engine {

/// One worker's side of the handoffs: it inspects what belongs to this worker and hands off the rest. It also
/// holds the fragments whose packet another worker decides, until that decision is known. Not thread safe.
class WorkerHandoffs {
 public:
  /// `drops_refused`: what becomes of a frame that cannot be handed off (dataplane.fail.handoff). All
  /// references must outlive the object.
  WorkerHandoffs(Steering& steering, unsigned worker, bool drops_refused, inspect::Inspector& inspector,
                 base::Counters& counters);

  [[nodiscard]] unsigned workers() const noexcept { return steering_.workers(); }
  [[nodiscard]] bool is_own(const proto::IpAddress& source,
                            const proto::IpAddress& destination) const noexcept {
    return steering_.owner_of(source, destination) == worker_;
  }

  /// The verdict on a packet from the subscribers if this worker decides it. None: the frame is on its way to
  /// the worker that does. At most kBurst calls between two calls of flush().
  [[nodiscard]] std::optional<inspect::Verdict> inspect(rte_mbuf* frame, const proto::PacketView& packet,
                                                        inspect::Direction direction,
                                                        const BurstContext& burst) noexcept;

  /// Passes the collected handoffs to `owner`. Returns those that its queue had no room for: the caller ends
  /// their frames with refusal(). They are valid until the next inspect().
  [[nodiscard]] std::span<const Handoff> flush(unsigned owner) noexcept;
  [[nodiscard]] inspect::Verdict refusal() const noexcept;

  /// Takes what worker `from` has handed off to this one.
  [[nodiscard]] std::span<const Handoff> take(unsigned from, std::array<Handoff, kBurst>& room) noexcept {
    return std::span(room).first(steering_.take(from, worker_, room));
  }
  /// Decides a packet that another worker reassembled. Then the caller sends the answer and calls report().
  [[nodiscard]] inspect::Verdict decide(const HandedOffPacket& whole, inspect::Direction direction,
                                        const BurstContext& burst) noexcept;
  /// Tells the other worker the verdict; `whole` is not to be used any more.
  static void report(HandedOffPacket& whole, const inspect::Verdict& verdict) noexcept;
  /// Applies what other workers have decided to the fragments here.
  void settle_decided() noexcept;

 private:
  /// The handoffs to one worker, collected during a burst.
  struct Outbox {
    std::array<Handoff, kBurst> handoffs;
    std::size_t count = 0;
  };

  [[nodiscard]] unsigned owner_of(const proto::PacketView& packet) const noexcept;
  void add(unsigned owner, const Handoff& handoff) noexcept;
  /// False: there is no room for a copy of `whole`.
  [[nodiscard]] bool hand_off_whole(unsigned owner, rte_mbuf* frame, const proto::PacketView& whole,
                                    const BurstContext& burst) noexcept;

  Steering& steering_;
  unsigned worker_;
  bool drops_refused_;
  inspect::Inspector& inspector_;
  base::Counters& counters_;
  std::vector<Outbox> outboxes_;  // by worker
  HandoffPool pool_;
};

}  // namespace weir::engine
