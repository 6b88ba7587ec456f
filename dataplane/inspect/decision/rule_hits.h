#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/base/ids.h"

namespace weir::inspect {

/// How often each block rule matched per second, and for how many clients, for one worker. The worker writes;
/// one other thread reads and ends the seconds. No lock and no clearing: each entry carries the number of its
/// second.
///
/// If kSlots rules or more match in a second, some are not counted.
class RuleHits {
 public:
  static constexpr std::size_t kSlots = 4096;  // a power of two
  /// Higher counts are reported as this one.
  static constexpr std::uint32_t kMostHits = 0x7fff;

  struct Hit {
    base::RuleId rule;
    bool of_page = false;  // the rule has a path
    std::uint32_t count = 0;
    std::uint64_t clients = 0;  // a set of clients: one of 64 bits each
  };

  RuleHits()
      : seconds_{std::vector<Cell>(kSlots), std::vector<Cell>(kSlots)},
        clients_{std::vector<Cell>(kSlots), std::vector<Cell>(kSlots)} {}

  /// For the worker.
  void add(base::RuleId rule, bool of_page) noexcept {
    const std::uint32_t second = this_second();
    const std::size_t at = place_of(rule, second);
    if (at == kSlots) return;
    Cell& cell = seconds_[second % 2][at];
    // relaxed throughout: no cell depends on another.
    std::uint64_t value = cell.load(std::memory_order_relaxed);
    if (!is_of(value, second)) {
      clients_[second % 2][at].store(0, std::memory_order_relaxed);
      value = std::uint64_t{rule.value} << 32 | (second & kSecondMask) << 16 | (of_page ? kPageBit : 0);
    }
    if ((value & kMostHits) < kMostHits) cell.store(value + 1, std::memory_order_relaxed);
  }

  /// For the worker, after add(): the request came from a client over an established connection. `client`: a
  /// hash of its address.
  void add_client(base::RuleId rule, std::uint64_t client) noexcept {
    const std::uint32_t second = this_second();
    const std::size_t at = place_of(rule, second);
    if (at == kSlots || !is_of(seconds_[second % 2][at].load(std::memory_order_relaxed), second)) return;
    Cell& clients = clients_[second % 2][at];
    clients.store(clients.load(std::memory_order_relaxed) | std::uint64_t{1} << (client % 64),
                  std::memory_order_relaxed);
  }

  /// For the reader, once a second: calls `take(hit)` for each rule of the second that ended with the
  /// previous call, and begins a new second.
  template <class Take>
  void next_second(Take take) {
    const std::uint32_t second = this_second();
    for (std::size_t at = 0; at < kSlots; ++at) {
      const std::uint64_t value = seconds_[(second - 1) % 2][at].load(std::memory_order_relaxed);
      if (!is_of(value, second - 1)) continue;
      take(Hit{.rule = {rule_of(value)},
               .of_page = (value & kPageBit) != 0,
               .count = static_cast<std::uint32_t>(value & kMostHits),
               .clients = clients_[(second - 1) % 2][at].load(std::memory_order_relaxed)});
    }
    second_.store(second + 1, std::memory_order_relaxed);
  }

 private:
  using Cell = std::atomic<std::uint64_t>;  // rule 32, second 16, page 1, count 15 bits
  static constexpr std::size_t kProbes = 8;
  static constexpr std::uint32_t kSpread = 0x9e3779b1;
  static constexpr unsigned kSpreadShift = 20;
  static constexpr std::uint64_t kSecondMask = 0xffff;
  static constexpr std::uint64_t kPageBit = 0x8000;

  static std::uint32_t rule_of(std::uint64_t cell) noexcept { return static_cast<std::uint32_t>(cell >> 32); }
  static bool is_of(std::uint64_t cell, std::uint32_t second) noexcept {
    return (cell >> 16 & kSecondMask) == (second & kSecondMask);
  }
  [[nodiscard]] std::uint32_t this_second() const noexcept { return second_.load(std::memory_order_relaxed); }
  /// The rule's cell of this second, or the one that it may take; kSlots: none.
  [[nodiscard]] std::size_t place_of(base::RuleId rule, std::uint32_t second) const noexcept {
    const std::size_t home = rule.value * kSpread >> kSpreadShift;
    for (std::size_t probe = 0; probe < kProbes; ++probe) {
      const std::size_t at = (home + probe) % kSlots;
      const std::uint64_t value = seconds_[second % 2][at].load(std::memory_order_relaxed);
      if (!is_of(value, second) || rule_of(value) == rule.value) return at;
    }
    return kSlots;
  }

  std::array<std::vector<Cell>, 2> seconds_;
  std::array<std::vector<Cell>, 2> clients_;  // beside seconds_
  std::atomic<std::uint32_t> second_{2};      // so that zeroed cells belong to neither of the two seconds
};

}  // namespace weir::inspect
