#include "dataplane/engine/workers/worker_handoffs.h"

namespace weir::engine {
namespace {

constexpr HandoffPool::Size kPoolSize{.ordinary = 256, .large = 8};

}  // namespace

WorkerHandoffs::WorkerHandoffs(Steering& steering, unsigned worker, bool drops_refused,
                               inspect::Inspector& inspector, base::Counters& counters)
    : steering_(steering),
      worker_(worker),
      drops_refused_(drops_refused),
      inspector_(inspector),
      counters_(counters),
      outboxes_(steering.workers()),
      pool_(kPoolSize) {}

unsigned WorkerHandoffs::owner_of(const proto::PacketView& packet) const noexcept {
  switch (packet.packet_class) {
    case proto::PacketClass::not_ip:
    case proto::PacketClass::malformed:
      return worker_;
    case proto::PacketClass::other:  // not inspected, but kept in order with fragments of its addresses
    case proto::PacketClass::fragment:
    case proto::PacketClass::tcp:
    case proto::PacketClass::udp:
      break;
  }
  return steering_.owner_of(packet);
}

std::optional<inspect::Verdict> WorkerHandoffs::inspect(rte_mbuf* frame, const proto::PacketView& packet,
                                                        inspect::Direction direction,
                                                        const BurstContext& burst) noexcept {
  if (const unsigned owner = owner_of(packet); owner != worker_) {
    add(owner, {.frame = frame, .whole = nullptr, .received_cycles = burst.received_cycles});
    return std::nullopt;
  }
  const inspect::Inspection inspection =
      inspector_.begin(packet, direction, burst.now, burst.snapshot, burst.enforcement);
  if (inspection.completed == nullptr) return inspection.verdict;
  // The fragments of a tunnel belong to the worker of the tunnel's addresses, but the packet inside may
  // belong to another one.
  const proto::PacketView& whole = *inspection.completed;
  if (const unsigned owner = owner_of(whole); owner != worker_) {
    if (hand_off_whole(owner, frame, whole, burst)) return std::nullopt;
    return refusal();
  }
  return inspector_.decide_completed(whole, direction, burst.now, burst.snapshot, burst.enforcement);
}

bool WorkerHandoffs::hand_off_whole(unsigned owner, rte_mbuf* frame, const proto::PacketView& whole,
                                    const BurstContext& burst) noexcept {
  settle_decided();
  // Monitor drops nothing, not even while the decision is open.
  const bool enforces = burst.enforcement == base::Enforcement::enforce;
  const auto origin = enforces ? inspector_.hold_completed() : inspect::FragmentInspector::Completed{};
  HandedOffPacket* const copy = pool_.take(whole, origin);
  if (copy == nullptr) {
    inspector_.settle_completed(origin, drops_refused_);
    return false;
  }
  add(owner, {.frame = frame, .whole = copy, .received_cycles = burst.received_cycles});
  return true;
}

void WorkerHandoffs::add(unsigned owner, const Handoff& handoff) noexcept {
  Outbox& outbox = outboxes_[owner];
  outbox.handoffs[outbox.count++] = handoff;
}

std::span<const Handoff> WorkerHandoffs::flush(unsigned owner) noexcept {
  Outbox& outbox = outboxes_[owner];
  if (outbox.count == 0) return {};
  const auto handoffs = std::span<const Handoff>(outbox.handoffs).first(outbox.count);
  outbox.count = 0;
  const unsigned passed = steering_.pass(worker_, owner, handoffs);
  counters_.add(base::Counter::handoffs, 0, 0, passed);
  const auto refused = handoffs.subspan(passed);
  for (const Handoff& handoff : refused) {
    if (handoff.whole == nullptr) continue;
    inspector_.settle_completed(handoff.whole->origin, drops_refused_);
    pool_.give_back(*handoff.whole);
  }
  return refused;
}

inspect::Verdict WorkerHandoffs::refusal() const noexcept {
  if (!drops_refused_) return inspect::forward(base::Outcome::forward_handoff_full);
  return {.action = inspect::Action::drop, .outcome = base::Outcome::drop_handoff_full};
}

inspect::Verdict WorkerHandoffs::decide(const HandedOffPacket& whole, inspect::Direction direction,
                                        const BurstContext& burst) noexcept {
  inspect::Verdict verdict =
      inspector_.inspect(whole.view, direction, burst.now, burst.snapshot, burst.enforcement);
  // The frame is a fragment: what is answered is the whole packet.
  if (verdict.action == inspect::Action::drop) verdict.reassembled = &whole.view;
  return verdict;
}

void WorkerHandoffs::report(HandedOffPacket& whole, const inspect::Verdict& verdict) noexcept {
  using State = HandedOffPacket::State;
  // release: the worker that owns the packet may overwrite the bytes once it has seen this.
  whole.state.store(verdict.action == inspect::Action::drop ? State::dropped : State::passed,
                    std::memory_order_release);
}

void WorkerHandoffs::settle_decided() noexcept {
  pool_.collect([this](const inspect::FragmentInspector::Completed& origin, bool dropped) {
    inspector_.settle_completed(origin, dropped);
  });
}

}  // namespace weir::engine
