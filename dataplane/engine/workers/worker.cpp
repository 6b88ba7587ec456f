#include "dataplane/engine/workers/worker.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <span>

#include <sys/prctl.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "dataplane/proto/packet/packet_view.h"

namespace weir::engine {
namespace {

/// Turns after `stop` in which packets that have arrived already are still sent on.
constexpr unsigned kDrainTurns = 64;

void sleep_for(std::chrono::nanoseconds time) noexcept {
  const timespec interval{.tv_sec = 0, .tv_nsec = time.count()};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &interval, nullptr);
}

void add(std::atomic<std::uint64_t>& cell, std::uint64_t amount) noexcept {
  cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

}  // namespace

Worker::Worker(const WorkerSettings& settings, WorkerShared& shared)
    : settings_(settings),
      shared_(shared),
      ports_{settings.subscriber, settings.network},
      out_{TransmitQueue(ports_[kSubscriber].id, ports_[kSubscriber].transmit_queue,
                         ports_[kSubscriber].transmit_lock, counters_, traffic_[kSubscriber]),
           TransmitQueue(ports_[kNetwork].id, ports_[kNetwork].transmit_queue, ports_[kNetwork].transmit_lock,
                         counters_, traffic_[kNetwork])},
      inspector_(settings.inspector, counters_),
      nanoseconds_per_cycle_(1e9 / static_cast<double>(rte_get_tsc_hz())),
      copy_(kCopyBytes),
      outboxes_(shared.steering == nullptr ? 0 : shared.steering->workers()),
      lender_(shared.steering == nullptr ? PacketLender::Stock{} : kLentPackets) {
  inspector_.count_hits(rule_hits_);
  if (shared.routing != nullptr) router_.emplace(*shared.routing, counters_);
}

void Worker::run() noexcept {
  // Without it the kernel adds 50 us to every short sleep.
  if (settings_.idle == config::Idle::sleep) prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  shared_.snapshots.online(settings_.index);
  // relaxed: nothing is read that was written before `stop`.
  while (!shared_.stop.load(std::memory_order_relaxed)) {
    const std::uint64_t begin = rte_rdtsc();
    const bool received = poll(begin);
    if (received) add(busy_cycles_, rte_rdtsc() - begin);
    add(heartbeat_, 1);
    idle(received);
  }
  drain();
  shared_.snapshots.offline(settings_.index);
}

void Worker::drain() noexcept {
  for (unsigned turn = 0; turn < kDrainTurns && poll(rte_rdtsc()); ++turn) add(heartbeat_, 1);
  if (shared_.steering != nullptr) end_handoffs();
}

void Worker::idle(bool received) noexcept {
  if (settings_.idle == config::Idle::busy) return;
  const auto time = idle_policy_.after_poll(received);
  if (time.count() > 0) sleep_for(time);
}

Worker::Moment Worker::moment(std::uint64_t now_cycles) noexcept {
  // acquire: the rules were written before the pointer. They stay until this worker's next quiescent state.
  const auto* tripped = shared_.tripped.load(std::memory_order_acquire);
  inspector_.set_tripped_rules(tripped == nullptr ? std::span<const std::uint32_t>() : std::span(*tripped));
  // relaxed: the switch stands for itself.
  LatencyHistogram* const latency =
      shared_.measure_latency.load(std::memory_order_relaxed) ? &latency_ : nullptr;
  for (TransmitQueue& out : out_) out.measure(latency, nanoseconds_per_cycle_);
  return {.now = std::chrono::nanoseconds(
              static_cast<std::int64_t>(static_cast<double>(now_cycles) * nanoseconds_per_cycle_)),
          .snapshot = shared_.snapshots.current(),
          // relaxed: the mode stands for itself.
          .enforcement = shared_.enforcement.load(std::memory_order_relaxed),
          .received_cycles = now_cycles};
}

bool Worker::poll(std::uint64_t now_cycles) noexcept {
  const Moment now = moment(now_cycles);
  bool received = shared_.steering != nullptr && take_handoffs(now);
  if (router_ && settings_.index == 0) ask_next_hops(now);
  for (std::size_t from = 0; from < kPorts; ++from) {
    if (!ports_[from].receives) continue;
    std::array<rte_mbuf*, kBurst> frames;
    const std::uint16_t count = rte_eth_rx_burst(ports_[from].id, settings_.index, frames.data(), kBurst);
    if (count == 0) continue;
    received = true;
    process(from, frames, count, now);
  }
  if (probe_.waits()) answer_probe(now);
  for (unsigned owner = 0; owner < outboxes_.size(); ++owner) flush_handoffs(owner);
  // Answers may go out of either port, so both are flushed when all is done.
  for (TransmitQueue& out : out_) out.flush();
  shared_.snapshots.quiescent(settings_.index);
  return received;
}

void Worker::process(std::size_t from, std::array<rte_mbuf*, kBurst>& frames, std::uint16_t count,
                     const Moment& moment) noexcept {
  std::uint64_t bytes = 0;
  for (std::uint16_t i = 0; i < count; ++i) bytes += rte_pktmbuf_pkt_len(frames[i]);
  traffic_[from].add_received(count, bytes);

  if (settings_.topology != config::Topology::inline_wire)
    count = admit(from, std::span(frames).first(count), moment);
  const std::span<rte_mbuf* const> burst = std::span(frames).first(count);
  if (moment.enforcement == base::Enforcement::bypass) {
    return pass_on(from, burst, base::Outcome::forward_bypass, moment.received_cycles);
  }
  if (moment.snapshot == nullptr && settings_.fail.no_list == config::FailMode::closed &&
      settings_.topology != config::Topology::mirror) {
    counters_.add(base::Outcome::drop_no_list, count);
    rte_pktmbuf_free_bulk(frames.data(), count);
    return;
  }
  announce(from, burst);
  for (std::size_t i = 0; i < burst.size();) {
    if (const std::size_t unread = count_unread(from, burst, i); unread != 0) {
      pass_on(from, burst.subspan(i, unread), base::Outcome::forward_not_candidate, moment.received_cycles);
      i += unread;
    } else {
      process_frame(from, frames[i], view_of(i, frames[i]), moment);
      ++i;
    }
  }
}

void Worker::announce(std::size_t from, std::span<rte_mbuf* const> frames) noexcept {
  for (const rte_mbuf* frame : frames) rte_prefetch0(rte_pktmbuf_mtod(frame, const void*));
  blocks_ = inspector_.blocks();
  const inspect::Direction direction = direction_of(from);
  std::array<std::uint64_t, kBurst> announced;
  std::size_t fetches = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    unread_[i] = passes_unread(from, frames[i], direction);
    if (unread_[i] || frames[i]->nb_segs != 1) continue;
    views_[i] = parse(frames[i]);
    if (from == kSubscriber) announced[fetches++] = inspector_.prefetch(views_[i]);
  }
  for (std::size_t i = 0; i < fetches; ++i) inspector_.prefetch_flow(announced[i]);
}

bool Worker::passes_unread(std::size_t from, rte_mbuf* frame, inspect::Direction direction) const noexcept {
  if (frame->nb_segs != 1) return false;
  const std::span bytes(rte_pktmbuf_mtod(frame, const std::byte*), rte_pktmbuf_data_len(frame));
  const proto::FastClassification glance = proto::classify(bytes, settings_.inspector.encapsulations);
  if (!inspector_.passes_unread(glance, direction)) return false;
  return shared_.steering == nullptr || from != kSubscriber ||
         shared_.steering->owner_of(glance.source(), glance.destination()) == settings_.index;
}

std::size_t Worker::count_unread(std::size_t from, std::span<rte_mbuf* const> frames,
                                 std::size_t place) const noexcept {
  const bool holds = blocks_ == inspector_.blocks();
  std::size_t end = place;
  while (end < frames.size() && unread_[end] &&
         (holds || passes_unread(from, frames[end], direction_of(from)))) {
    ++end;
  }
  return end - place;
}

std::span<const std::byte> Worker::contiguous(rte_mbuf* frame) noexcept {
  if (frame->nb_segs == 1) {
    return {rte_pktmbuf_mtod(frame, const std::byte*), rte_pktmbuf_data_len(frame)};
  }
  const std::uint32_t size = std::min(rte_pktmbuf_pkt_len(frame), static_cast<std::uint32_t>(kCopyBytes));
  const void* bytes = rte_pktmbuf_read(frame, 0, size, copy_.data());
  if (bytes == nullptr) return {};
  return {static_cast<const std::byte*>(bytes), size};
}

proto::PacketView Worker::parse(rte_mbuf* frame) noexcept {
  return proto::parse_packet(contiguous(frame), proto::LinkType::ethernet,
                             settings_.inspector.encapsulations);
}

const proto::PacketView& Worker::view_of(std::size_t place, rte_mbuf* frame) noexcept {
  if (unread_[place] || frame->nb_segs != 1) views_[place] = parse(frame);
  return views_[place];
}

void Worker::process_frame(std::size_t from, rte_mbuf* frame, const proto::PacketView& packet,
                           const Moment& moment) noexcept {
  if (shared_.steering != nullptr && from == kSubscriber) {
    const unsigned owner = owner_of(packet);
    if (owner != settings_.index) {
      return hand_off(owner, {.frame = frame, .whole = nullptr, .received_cycles = moment.received_cycles});
    }
    return process_own(frame, packet, moment);
  }
  finish(from, frame, packet,
         inspector_.inspect(packet, direction_of(from), moment.now, moment.snapshot, moment.enforcement),
         moment);
}

void Worker::finish(std::size_t from, rte_mbuf* frame, const proto::PacketView& packet,
                    const inspect::Verdict& verdict, const Moment& moment) noexcept {
  if (verdict.action == inspect::Action::forward) {
    const bool unlisted = moment.snapshot == nullptr && verdict.outcome == base::Outcome::forward_passed;
    return pass_on(from, frame, unlisted ? base::Outcome::forward_no_list : verdict.outcome,
                   moment.received_cycles);
  }
  if (verdict.outcome == base::Outcome::drop_blocked) {
    events_.add(
        {.time = moment.now, .rule = verdict.rule, .list = verdict.list, .protocol = verdict.protocol});
  }
  if (verdict.answer != inspect::AnswerKind::none || verdict.reset_server) {
    answer(from, packet, as_answered(verdict));
  }
  discard(frame, verdict.outcome);
}

void Worker::answer(std::size_t from, const proto::PacketView& packet,
                    const inspect::Verdict& verdict) noexcept {
  // acquire: the page was written before the pointer. It stays until this worker's next quiescent state.
  inspect::AnswerFrames frames(packet, verdict, *shared_.page.load(std::memory_order_acquire));
  for (;;) {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(shared_.pool);
    if (mbuf == nullptr) {
      // What could not be sent is not known without a buffer to write it to; the client's first answer is
      // what is surely missing.
      counters_.add(base::Counter::inject_failed, base::index_of(base::Towards::client));
      return;
    }
    auto towards = base::Towards::client;
    const std::span<std::byte> room(rte_pktmbuf_mtod(mbuf, std::byte*), rte_pktmbuf_tailroom(mbuf));
    const std::size_t bytes = frames.next(room, towards);
    if (bytes == 0) {
      rte_pktmbuf_free(mbuf);
      return;
    }
    mbuf->data_len = static_cast<std::uint16_t>(bytes);
    mbuf->pkt_len = static_cast<std::uint32_t>(bytes);
    const std::size_t exit = exit_of_answer(from, towards);
    if (router_ && towards == base::Towards::server && !direct(exit, mbuf)) continue;
    out_[exit].inject(mbuf, towards);
  }
}

void Worker::answer_probe(const Moment& moment) noexcept {
  const proto::PacketView packet =
      proto::parse_packet(probe_.frame(), proto::LinkType::ethernet, settings_.inspector.encapsulations);
  const inspect::Verdict verdict = inspector_.inspect(packet, inspect::Direction::from_subscriber, moment.now,
                                                      moment.snapshot, moment.enforcement);
  Probe::Finding finding{.outcome = verdict.outcome, .answer = verdict.answer, .rule = verdict.rule};
  if (verdict.answer != inspect::AnswerKind::none) {
    inspect::AnswerFrames frames(packet, verdict, *shared_.page.load(std::memory_order_acquire));
    auto towards = base::Towards::client;
    while (frames.next(std::span(copy_).first(inspect::kAnswerFrameBytes), towards) != 0) {
      ++finding.answer_frames;
    }
  }
  probe_.answer(finding);
}

}  // namespace weir::engine
