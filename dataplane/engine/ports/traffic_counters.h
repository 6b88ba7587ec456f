#pragma once

#include <atomic>
#include <cstdint>

namespace weir::engine {

/// What one worker received from one port and sent to it. Only that worker writes, so no locked instruction
/// is needed; any thread reads (memory_order_relaxed: the numbers order nothing).
class alignas(64) TrafficCounters {
 public:
  struct Values {
    std::uint64_t received_packets = 0;
    std::uint64_t received_bytes = 0;
    std::uint64_t transmitted_packets = 0;
    std::uint64_t transmitted_bytes = 0;
  };

  void add_received(std::uint64_t packets, std::uint64_t bytes) noexcept {
    add(received_packets_, packets);
    add(received_bytes_, bytes);
  }
  void add_transmitted(std::uint64_t packets, std::uint64_t bytes) noexcept {
    add(transmitted_packets_, packets);
    add(transmitted_bytes_, bytes);
  }
  [[nodiscard]] Values values() const noexcept {
    return {.received_packets = received_packets_.load(std::memory_order_relaxed),
            .received_bytes = received_bytes_.load(std::memory_order_relaxed),
            .transmitted_packets = transmitted_packets_.load(std::memory_order_relaxed),
            .transmitted_bytes = transmitted_bytes_.load(std::memory_order_relaxed)};
  }

 private:
  static void add(std::atomic<std::uint64_t>& cell, std::uint64_t amount) noexcept {
    cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

  std::atomic<std::uint64_t> received_packets_{0};
  std::atomic<std::uint64_t> received_bytes_{0};
  std::atomic<std::uint64_t> transmitted_packets_{0};
  std::atomic<std::uint64_t> transmitted_bytes_{0};
};

}  // namespace weir::engine
