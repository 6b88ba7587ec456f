#include "dataplane/engine/ports/transmit_queue.h"

#include <algorithm>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_pause.h>

namespace weir::engine {

void TransmitQueue::count(std::uint8_t kind, bool sent, std::uint64_t frames) noexcept {
  if (kind >= kInjected) {
    counters_.add(sent ? base::Counter::injected : base::Counter::inject_failed, kind - kInjected, 0, frames);
  } else {
    counters_.add(sent ? static_cast<base::Outcome>(kind) : base::Outcome::drop_tx_full, frames);
  }
}

void TransmitQueue::forward(std::span<rte_mbuf* const> frames, base::Outcome outcome,
                            std::uint64_t received_cycles) noexcept {
  while (!frames.empty()) {
    const auto count = std::min<std::size_t>(frames.size(), kCapacity - count_);
    std::copy_n(frames.begin(), count, frames_.begin() + count_);
    std::fill_n(received_cycles_.begin() + count_, count, received_cycles);
    std::fill_n(kinds_.begin() + count_, count, static_cast<std::uint8_t>(base::index_of(outcome)));
    count_ = static_cast<std::uint16_t>(count_ + count);
    if (count_ == kCapacity) flush();
    frames = frames.subspan(count);
  }
}

std::uint16_t TransmitQueue::send() noexcept {
  std::uint16_t sent = 0;
  unsigned tries = 0;
  while (sent < count_ && tries < kTriesWithoutProgress) {
    const std::uint16_t accepted =
        rte_eth_tx_burst(port_, queue_, &frames_[sent], static_cast<std::uint16_t>(count_ - sent));
    sent = static_cast<std::uint16_t>(sent + accepted);
    if (accepted == 0) {
      ++tries;
      rte_pause();
    }
  }
  return sent;
}

void TransmitQueue::measure(std::uint16_t sent) noexcept {
  const std::uint64_t now = rte_rdtsc();
  // Frames of one burst have the same time: one addition for all of them.
  for (std::uint16_t begin = 0, end = 0; begin < sent; begin = end) {
    std::uint64_t frames = 0;
    for (; end < sent && received_cycles_[end] == received_cycles_[begin]; ++end) {
      if (kinds_[end] < kInjected) ++frames;
    }
    const auto cycles = static_cast<double>(now - received_cycles_[begin]);
    if (frames != 0) latency_->add(static_cast<std::uint64_t>(cycles * nanoseconds_per_cycle_), frames);
  }
}

void TransmitQueue::flush() noexcept {
  if (count_ == 0) return;
  // Before sending: the driver frees what it has sent.
  std::array<std::uint32_t, kCapacity> lengths;
  for (std::uint16_t i = 0; i < count_; ++i) lengths[i] = rte_pktmbuf_pkt_len(frames_[i]);
  if (lock_ != nullptr) rte_spinlock_lock(lock_);
  const std::uint16_t sent = send();
  if (lock_ != nullptr) rte_spinlock_unlock(lock_);
  if (latency_ != nullptr) measure(sent);
  std::uint64_t bytes = 0;
  for (std::uint16_t i = 0; i < sent; ++i) bytes += lengths[i];
  // Most frames of a burst are of one kind: one addition for all of them.
  for (std::uint16_t begin = 0, end = 0; begin < sent; begin = end) {
    while (end < sent && kinds_[end] == kinds_[begin]) ++end;
    count(kinds_[begin], true, end - begin);
  }
  traffic_.add_transmitted(sent, bytes);
  for (std::uint16_t i = sent; i < count_; ++i) {
    count(kinds_[i], false, 1);
    rte_pktmbuf_free(frames_[i]);
  }
  count_ = 0;
}

}  // namespace weir::engine
