#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <span>

#include <sys/prctl.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pause.h>

#include "dataplane/engine/ports/mbuf_bytes.h"
#include "dataplane/engine/workers/burst_context.h"
#include "dataplane/engine/workers/burst_parser.h"
#include "dataplane/engine/workers/idle_policy.h"
#include "dataplane/engine/workers/topology.h"
#include "dataplane/engine/workers/worker.h"
#include "dataplane/engine/workers/worker_handoffs.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::engine {

/// The loop of a worker, compiled for each topology: one virtual call per run(), none per packet.
template <WorkerTopology T>
class WorkerLoop final : public Worker {
 public:
  WorkerLoop(const WorkerSettings& settings, WorkerShared& shared);

  void run() noexcept override;

 private:
  /// Most turns after `stop` in which packets that have already arrived are still processed.
  static constexpr unsigned kDrainTurns = 64;

  // The turn.
  bool poll(std::uint64_t now_cycles) noexcept;
  [[nodiscard]] BurstContext begin_burst(std::uint64_t now_cycles) noexcept;
  void idle(bool received) noexcept;
  void drain() noexcept;
  void answer_probe(const BurstContext& burst) noexcept;

  // A burst.
  void process_received(std::size_t from, std::span<rte_mbuf*> frames, const BurstContext& burst) noexcept;
  void process_burst(std::size_t from, std::span<rte_mbuf*> frames, const BurstContext& burst) noexcept;

  // A frame.
  void process_frame(std::size_t from, rte_mbuf* frame, const proto::PacketView& packet,
                     const BurstContext& burst) noexcept;
  /// Ends a frame with the verdict on `packet`: its own, or the one that it completed.
  void finish(std::size_t from, rte_mbuf* frame, const proto::PacketView& packet,
              const inspect::Verdict& verdict, const BurstContext& burst) noexcept;
  /// Not inlined: finish() runs for every packet that is inspected, and this needs much stack.
  [[gnu::noinline]] void answer(std::size_t from, const proto::PacketView& packet, inspect::Verdict verdict,
                                const BurstContext& burst) noexcept;

  // Several workers.
  bool take_handoffs(const BurstContext& burst) noexcept;
  void process_handoffs(std::span<const Handoff> handoffs, const BurstContext& now) noexcept;
  void flush_handoffs() noexcept;
  /// Processes what the other workers still hand off, until none of them does.
  void end_handoffs() noexcept;

  static void add(std::atomic<std::uint64_t>& cell, std::uint64_t amount) noexcept {
    cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

  FrameReader reader_;
  T topology_;
  std::optional<WorkerHandoffs> handoffs_;  // with several workers only
  BurstParser parser_;
  IdlePolicy idle_policy_;
  double nanoseconds_per_cycle_;
};

template <WorkerTopology T>
WorkerLoop<T>::WorkerLoop(const WorkerSettings& settings, WorkerShared& shared)
    : Worker(settings, shared),
      topology_(TopologyParts{.ports = settings_.ports,
                              .counters = counters_,
                              .traffic = traffic_,
                              .reader = reader_,
                              .pool = shared.pool,
                              .routing = shared.routing,
                              .worker = settings.index}),
      handoffs_(shared.steering == nullptr
                    ? std::nullopt
                    : std::make_optional<WorkerHandoffs>(*shared.steering, settings.index,
                                                         settings.fail.handoff == config::FailMode::closed,
                                                         inspector_, counters_)),
      parser_(settings.inspector.encapsulations, inspector_, handoffs_ ? &*handoffs_ : nullptr, reader_),
      nanoseconds_per_cycle_(1e9 / static_cast<double>(rte_get_tsc_hz())) {}

template <WorkerTopology T>
void WorkerLoop<T>::run() noexcept {
  // Otherwise the kernel adds 50 us to every short sleep.
  if (settings_.idle == config::Idle::sleep) prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  shared_.readers.online(settings_.index);
  // relaxed: nothing that was written before `stop` is read.
  while (!shared_.stop.load(std::memory_order_relaxed)) {
    const std::uint64_t begin = rte_rdtsc();
    const bool received = poll(begin);
    if (received) add(busy_cycles_, rte_rdtsc() - begin);
    add(heartbeat_, 1);
    idle(received);
  }
  drain();
  shared_.readers.offline(settings_.index);
}

template <WorkerTopology T>
void WorkerLoop<T>::drain() noexcept {
  for (unsigned turn = 0; turn < kDrainTurns && poll(rte_rdtsc()); ++turn) add(heartbeat_, 1);
  if (handoffs_) end_handoffs();
}

template <WorkerTopology T>
void WorkerLoop<T>::idle(bool received) noexcept {
  if (settings_.idle == config::Idle::busy) return;
  const std::chrono::nanoseconds time = idle_policy_.after_poll(received);
  if (time.count() == 0) return;
  const timespec interval{.tv_sec = 0, .tv_nsec = time.count()};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &interval, nullptr);
}

template <WorkerTopology T>
BurstContext WorkerLoop<T>::begin_burst(std::uint64_t now_cycles) noexcept {
  const auto* const tripped = shared_.tripped.current();
  inspector_.set_tripped_rules(tripped == nullptr ? std::span<const std::uint32_t>() : std::span(*tripped));
  // relaxed: the switch stands alone.
  const bool measures = shared_.measure_latency.load(std::memory_order_relaxed);
  topology_.exits().measure(measures ? &latency_ : nullptr, nanoseconds_per_cycle_);
  return {.now = std::chrono::nanoseconds(
              static_cast<std::int64_t>(static_cast<double>(now_cycles) * nanoseconds_per_cycle_)),
          .snapshot = shared_.snapshots.current(),
          // relaxed: the enforcement stands alone.
          .enforcement = shared_.enforcement.load(std::memory_order_relaxed),
          .received_cycles = now_cycles};
}

template <WorkerTopology T>
bool WorkerLoop<T>::poll(std::uint64_t now_cycles) noexcept {
  const BurstContext burst = begin_burst(now_cycles);
  topology_.begin_turn(burst.now);
  bool received = handoffs_ && take_handoffs(burst);
  for (std::size_t from = 0; from < kPorts; ++from) {
    if (!settings_.ports[from].receives) continue;
    std::array<rte_mbuf*, kBurst> frames;
    const std::uint16_t count =
        rte_eth_rx_burst(settings_.ports[from].id, settings_.index, frames.data(), kBurst);
    if (count == 0) continue;
    received = true;
    process_received(from, std::span(frames).first(count), burst);
  }
  if (probe_.waits()) answer_probe(burst);
  // Answers may leave through either port, so both are flushed at the end.
  topology_.exits().flush();
  shared_.readers.quiescent(settings_.index);
  return received;
}

template <WorkerTopology T>
void WorkerLoop<T>::process_received(std::size_t from, std::span<rte_mbuf*> frames,
                                     const BurstContext& burst) noexcept {
  std::uint64_t bytes = 0;
  for (const rte_mbuf* const frame : frames) bytes += rte_pktmbuf_pkt_len(frame);
  traffic_[from].add_received(frames.size(), bytes);
  process_burst(from, frames.first(topology_.admit(from, frames, burst.now)), burst);
}

template <WorkerTopology T>
void WorkerLoop<T>::process_burst(std::size_t from, std::span<rte_mbuf*> frames,
                                  const BurstContext& burst) noexcept {
  if (burst.enforcement == base::Enforcement::bypass) {
    return topology_.pass_on(from, frames, base::Outcome::forward_bypass, burst.received_cycles);
  }
  // Copies cannot be held back.
  if (!T::kFramesAreCopies && burst.snapshot == nullptr &&
      settings_.fail.no_list == config::FailMode::closed) {
    return topology_.exits().discard(frames, base::Outcome::drop_no_list);
  }
  parser_.prefetch(from, frames, topology_.direction_of(from));
  for (std::size_t i = 0; i < frames.size();) {
    if (const std::size_t unread = parser_.count_unread(frames, i); unread != 0) {
      topology_.pass_on(from, frames.subspan(i, unread), base::Outcome::forward_not_candidate,
                        burst.received_cycles);
      i += unread;
    } else {
      process_frame(from, frames[i], parser_.view_of(i, frames[i]), burst);
      ++i;
    }
  }
  if (handoffs_) flush_handoffs();
}

template <WorkerTopology T>
void WorkerLoop<T>::process_frame(std::size_t from, rte_mbuf* frame, const proto::PacketView& packet,
                                  const BurstContext& burst) noexcept {
  const inspect::Direction direction = topology_.direction_of(from);
  if (handoffs_ && from == kSubscriber) {
    const auto verdict = handoffs_->inspect(frame, packet, direction, burst);
    if (verdict) finish(from, frame, packet, *verdict, burst);
    return;
  }
  finish(from, frame, packet,
         inspector_.inspect(packet, direction, burst.now, burst.snapshot, burst.enforcement), burst);
}

template <WorkerTopology T>
void WorkerLoop<T>::finish(std::size_t from, rte_mbuf* frame, const proto::PacketView& packet,
                           const inspect::Verdict& verdict, const BurstContext& burst) noexcept {
  if (verdict.action == inspect::Action::forward) {
    const bool unlisted = burst.snapshot == nullptr && verdict.outcome == base::Outcome::forward_passed;
    return topology_.pass_on(from, frame, unlisted ? base::Outcome::forward_no_list : verdict.outcome,
                             burst.received_cycles);
  }
  if (verdict.outcome == base::Outcome::drop_blocked) {
    events_.add(
        {.time = burst.now, .rule = verdict.rule, .list = verdict.list, .protocol = verdict.protocol});
  }
  if (verdict.answer != inspect::AnswerKind::none || verdict.reset_server)
    answer(from, packet, verdict, burst);
  topology_.discard(frame, verdict.outcome);
}

template <WorkerTopology T>
void WorkerLoop<T>::answer(std::size_t from, const proto::PacketView& packet, inspect::Verdict verdict,
                           const BurstContext& burst) noexcept {
  verdict.server_has_packet = T::kFramesAreCopies;
  const inspect::BlockPage& page = *shared_.page.current();
  if (!answer_budget_.fit(packet, page, burst.now, verdict)) counters_.add(base::Counter::pages_limited);
  inspect::AnswerFrames frames(packet, verdict, page);
  for (;;) {
    rte_mbuf* const mbuf = rte_pktmbuf_alloc(shared_.pool);
    // Without a buffer nobody knows how many frames are missing, only that the first one to the client is.
    if (mbuf == nullptr) return topology_.exits().count_not_sent(base::Towards::client);
    auto towards = base::Towards::client;
    const std::size_t bytes = frames.next(room_of(mbuf), towards);
    if (bytes == 0) {
      rte_pktmbuf_free(mbuf);
      return;
    }
    set_length(mbuf, bytes);
    topology_.send_answer(from, mbuf, towards);
  }
}

template <WorkerTopology T>
void WorkerLoop<T>::answer_probe(const BurstContext& burst) noexcept {
  const proto::PacketView packet =
      proto::parse_packet(probe_.frame(), proto::LinkType::ethernet, settings_.inspector.encapsulations);
  const inspect::Verdict verdict = inspector_.inspect(packet, inspect::Direction::from_subscriber, burst.now,
                                                      burst.snapshot, burst.enforcement);
  Probe::Finding finding{.outcome = verdict.outcome, .answer = verdict.answer, .rule = verdict.rule};
  if (verdict.answer != inspect::AnswerKind::none) {
    inspect::AnswerFrames frames(packet, verdict, *shared_.page.current());
    std::array<std::byte, inspect::kAnswerFrameBytes> room;
    auto towards = base::Towards::client;
    while (frames.next(room, towards) != 0) ++finding.answer_frames;
  }
  probe_.answer(finding);
}

template <WorkerTopology T>
bool WorkerLoop<T>::take_handoffs(const BurstContext& burst) noexcept {
  handoffs_->settle_decided();
  bool any = false;
  for (unsigned from = 0; from < handoffs_->workers(); ++from) {
    if (from == settings_.index) continue;
    std::array<Handoff, kBurst> room;
    const std::span<const Handoff> handoffs = handoffs_->take(from, room);
    any = any || !handoffs.empty();
    process_handoffs(handoffs, burst);
  }
  return any;
}

template <WorkerTopology T>
void WorkerLoop<T>::process_handoffs(std::span<const Handoff> handoffs, const BurstContext& now) noexcept {
  BurstContext burst = now;
  while (!handoffs.empty()) {
    burst.received_cycles = handoffs.front().received_cycles;
    if (HandedOffPacket* const whole = handoffs.front().whole; whole != nullptr) {
      const inspect::Verdict verdict = handoffs_->decide(*whole, topology_.direction_of(kSubscriber), burst);
      finish(kSubscriber, handoffs.front().frame, whole->view, verdict, burst);
      WorkerHandoffs::report(*whole, verdict);
      handoffs = handoffs.subspan(1);
      continue;
    }
    // Frames that were received together are processed together.
    std::array<rte_mbuf*, kBurst> frames;
    std::size_t count = 0;
    for (const Handoff& handoff : handoffs) {
      if (handoff.whole != nullptr || handoff.received_cycles != burst.received_cycles) break;
      frames[count++] = handoff.frame;
    }
    process_burst(kSubscriber, std::span(frames).first(count), burst);
    handoffs = handoffs.subspan(count);
  }
}

template <WorkerTopology T>
void WorkerLoop<T>::flush_handoffs() noexcept {
  const inspect::Verdict refusal = handoffs_->refusal();
  for (unsigned owner = 0; owner < handoffs_->workers(); ++owner) {
    for (const Handoff& refused : handoffs_->flush(owner)) {
      if (refusal.action == inspect::Action::drop) {
        topology_.discard(refused.frame, refusal.outcome);
      } else {
        topology_.pass_on(kSubscriber, refused.frame, refusal.outcome, refused.received_cycles);
      }
    }
  }
}

template <WorkerTopology T>
void WorkerLoop<T>::end_handoffs() noexcept {
  for (const auto step : {Steering::StopStep::receiving, Steering::StopStep::handing_off}) {
    shared_.steering->end(step);
    bool last = false;
    do {
      // Read before the queues: what was passed before it became true is taken in this turn.
      last = shared_.steering->all_ended(step);
      while (take_handoffs(begin_burst(rte_rdtsc()))) {
      }
      topology_.exits().flush();
      shared_.readers.quiescent(settings_.index);
      add(heartbeat_, 1);
      if (!last) rte_pause();
    } while (!last);
  }
}

}  // namespace weir::engine
