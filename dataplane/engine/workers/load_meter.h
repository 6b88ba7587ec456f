#pragma once

#include <cstdint>
#include <vector>

namespace weir::engine {

/// The share of time that each worker is busy, from its cycle counter. One thread.
class LoadMeter {
 public:
  explicit LoadMeter(std::size_t workers) : workers_(workers) {}

  /// Adds a sample of one worker. The ratio covers the time since its last sample.
  void sample(std::size_t worker, std::uint64_t busy_cycles, std::uint64_t now_cycles) {
    State& state = workers_[worker];
    const std::uint64_t elapsed = now_cycles - state.at_cycles;
    if (state.at_cycles != 0 && elapsed != 0) {
      const double ratio =
          static_cast<double>(busy_cycles - state.busy_cycles) / static_cast<double>(elapsed);
      state.ratio = ratio > 1 ? 1 : ratio;
    }
    state.at_cycles = now_cycles;
    state.busy_cycles = busy_cycles;
  }
  /// 0 (idle) to 1.
  [[nodiscard]] double ratio(std::size_t worker) const { return workers_[worker].ratio; }

 private:
  struct State {
    std::uint64_t at_cycles = 0;
    std::uint64_t busy_cycles = 0;
    double ratio = 0;
  };
  std::vector<State> workers_;
};

/// Detects workers that stand still: between two calls each heartbeat must have changed. One thread.
class HeartbeatWatch {
 public:
  /// `heartbeats`: one per worker, always in the same order. The first call returns true.
  bool all_alive(const std::vector<std::uint64_t>& heartbeats) {
    bool alive = true;
    for (std::size_t i = 0; i < heartbeats.size() && i < last_.size(); ++i) {
      alive = alive && heartbeats[i] != last_[i];
    }
    last_ = heartbeats;
    return alive;
  }

 private:
  std::vector<std::uint64_t> last_;
};

}  // namespace weir::engine
