#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>

#include "control/lists/stage.h"

namespace weir::control {

/// Seconds spent in each stage.
class StageSeconds {
 public:
  void add(Stage stage, double seconds) {
    auto& slot = seconds_[base::index_of(stage)];
    slot = slot.value_or(0) + seconds;
  }
  void add(const StageSeconds& others) {
    for (const StageRow& row : kStages) {
      if (const auto seconds = others.of(row.value)) add(row.value, *seconds);
    }
  }
  /// None: this stage was not reached.
  [[nodiscard]] std::optional<double> of(Stage stage) const noexcept {
    return seconds_[base::index_of(stage)];
  }

  /// Adds the time from its construction to its destruction.
  class Watch {
   public:
    Watch(StageSeconds& seconds, Stage stage) : seconds_(seconds), stage_(stage) {}
    ~Watch() { seconds_.add(stage_, std::chrono::duration<double>(Clock::now() - started_).count()); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    using Clock = std::chrono::steady_clock;
    StageSeconds& seconds_;
    const Stage stage_;
    const Clock::time_point started_ = Clock::now();
  };

 private:
  std::array<std::optional<double>, kStages.size()> seconds_;
};

/// Seconds spent in each stage of an update, and in the update as a whole.
class StageTimes : public StageSeconds {
 public:
  /// Seconds since this object was made.
  [[nodiscard]] double total_seconds() const noexcept {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }

 private:
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace weir::control
