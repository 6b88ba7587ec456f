#include <algorithm>

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_pause.h>

#include "dataplane/engine/workers/worker.h"

namespace weir::engine {

unsigned Worker::owner_of(const proto::PacketView& packet) const noexcept {
  switch (packet.packet_class) {
    case proto::PacketClass::not_ip:
    case proto::PacketClass::malformed:
      return settings_.index;
    case proto::PacketClass::fragment:
    case proto::PacketClass::other:  // not inspected, but in order with the fragments of its like
    case proto::PacketClass::tcp:
    case proto::PacketClass::udp:
      break;
  }
  return shared_.steering->owner_of(packet);
}

void Worker::process_own(rte_mbuf* frame, const proto::PacketView& packet, const Moment& moment) noexcept {
  const auto inspect = [&](const proto::PacketView& what) {
    return inspector_.inspect(what, direction_of(kSubscriber), moment.now, moment.snapshot,
                              moment.enforcement);
  };
  if (packet.packet_class != proto::PacketClass::fragment) {
    return finish(kSubscriber, frame, packet, inspect(packet), moment);
  }
  inspect::FragmentInspector& fragments = inspector_.fragments();
  const auto taken = fragments.take(packet, moment.now, moment.enforcement);
  if (taken.whole == nullptr) return finish(kSubscriber, frame, packet, taken.verdict, moment);
  // In a tunnel that was cut up: the addresses inside may be another worker's.
  const unsigned owner = owner_of(*taken.whole);
  if (owner != settings_.index) return lend(owner, frame, *taken.whole, moment);
  finish(kSubscriber, frame, packet, fragments.conclude(inspect(*taken.whole)), moment);
}

void Worker::lend(unsigned owner, rte_mbuf* frame, const proto::PacketView& whole,
                  const Moment& moment) noexcept {
  inspect::FragmentInspector& fragments = inspector_.fragments();
  const auto collected = [&](const inspect::FragmentInspector::Completed& origin, bool dropped) {
    fragments.settle(origin, dropped);
  };
  lender_.collect(collected);
  // Nothing is dropped in monitor mode, not even for a moment.
  const bool enforce = moment.enforcement == base::Enforcement::enforce;
  const auto origin = enforce ? fragments.hold() : inspect::FragmentInspector::Completed{};
  LentPacket* const lent = lender_.lend(whole, origin);
  if (lent != nullptr) {
    return hand_off(owner, {.frame = frame, .whole = lent, .received_cycles = moment.received_cycles});
  }
  fragments.settle(origin, settings_.fail.handoff == config::FailMode::closed);
  refuse_handoff({.frame = frame, .whole = nullptr, .received_cycles = moment.received_cycles});
}

void Worker::hand_off(unsigned owner, const Handoff& handoff) noexcept {
  Outbox& outbox = outboxes_[owner];
  outbox.packets[outbox.count++] = handoff;
  if (outbox.count == outbox.packets.size()) flush_handoffs(owner);
}

void Worker::flush_handoffs(unsigned owner) noexcept {
  Outbox& outbox = outboxes_[owner];
  if (outbox.count == 0) return;
  const auto packets = std::span(outbox.packets).first(outbox.count);
  const unsigned passed = shared_.steering->pass(settings_.index, owner, packets);
  counters_.add(base::Counter::handoffs, 0, 0, passed);
  for (const Handoff& refused : packets.subspan(passed)) refuse_handoff(refused);
  outbox.count = 0;
}

void Worker::refuse_handoff(const Handoff& handoff) noexcept {
  const bool drop = settings_.fail.handoff == config::FailMode::closed;
  if (handoff.whole != nullptr) {
    inspector_.fragments().settle(handoff.whole->origin, drop);
    lender_.take_back(*handoff.whole);
  }
  if (drop) return discard(handoff.frame, base::Outcome::drop_handoff_full);
  pass_on(kSubscriber, handoff.frame, base::Outcome::forward_handoff_full, handoff.received_cycles);
}

bool Worker::take_handoffs(const Moment& moment) noexcept {
  lender_.collect([this](const inspect::FragmentInspector::Completed& origin, bool dropped) {
    inspector_.fragments().settle(origin, dropped);
  });
  bool any = false;
  for (unsigned from = 0; from < outboxes_.size(); ++from) {
    if (from == settings_.index) continue;
    std::array<Handoff, kBurst> packets;
    const unsigned count = shared_.steering->take(from, settings_.index, packets);
    any = any || count != 0;
    process_handoffs(std::span(packets).first(count), moment);
  }
  return any;
}

void Worker::process_handoffs(std::span<const Handoff> packets, const Moment& moment) noexcept {
  const bool bypass = moment.enforcement == base::Enforcement::bypass;
  std::array<rte_mbuf*, kBurst> frames;
  if (!bypass) {
    for (std::size_t i = 0; i < packets.size(); ++i) frames[i] = packets[i].frame;
    announce(kSubscriber, std::span(frames).first(packets.size()));
  }
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const Handoff& handoff = packets[i];
    Moment then = moment;
    then.received_cycles = handoff.received_cycles;
    if (handoff.whole != nullptr) {
      process_lent(handoff, then);
    } else if (bypass) {
      pass_on(kSubscriber, handoff.frame, base::Outcome::forward_bypass, then.received_cycles);
    } else if (count_unread(kSubscriber, std::span(frames).first(i + 1), i) != 0) {
      pass_on(kSubscriber, handoff.frame, base::Outcome::forward_not_candidate, then.received_cycles);
    } else {
      process_own(handoff.frame, view_of(i, handoff.frame), then);
    }
  }
}

void Worker::process_lent(const Handoff& handoff, const Moment& moment) noexcept {
  LentPacket& whole = *handoff.whole;
  auto verdict = inspector_.inspect(whole.view, direction_of(kSubscriber), moment.now, moment.snapshot,
                                    moment.enforcement);
  const bool dropped = verdict.action == inspect::Action::drop;
  if (dropped) verdict.reassembled = &whole.view;
  finish(kSubscriber, handoff.frame, whole.view, verdict, moment);
  // release: the lender may write the bytes again once it has seen this.
  whole.state.store(dropped ? LentPacket::State::blocked : LentPacket::State::passed,
                    std::memory_order_release);
}

void Worker::end_handoffs() noexcept {
  for (const auto stage : {Steering::Stage::receiving, Steering::Stage::passing}) {
    shared_.steering->ended(stage);
    bool last = false;
    do {
      // Looked at before the queues: what was passed before it became true is taken in this turn.
      last = shared_.steering->all_ended(stage);
      while (take_handoffs(moment(rte_rdtsc()))) {
      }
      for (unsigned owner = 0; owner < outboxes_.size(); ++owner) flush_handoffs(owner);
      for (TransmitQueue& out : out_) out.flush();
      shared_.snapshots.quiescent(settings_.index);
      heartbeat_.store(heartbeat_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      if (!last) rte_pause();
    } while (!last);
  }
}

}  // namespace weir::engine
