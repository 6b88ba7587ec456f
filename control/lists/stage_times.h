#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace weir::control {

/// How long each stage of an update took.
class StageTimes {
 public:
  struct Stage {
    std::string name;
    double seconds = 0;
  };

  void add(std::string_view name, double seconds) {
    for (Stage& stage : stages_) {
      if (stage.name == name) {
        stage.seconds += seconds;
        return;
      }
    }
    stages_.push_back({std::string(name), seconds});
  }
  [[nodiscard]] const std::vector<Stage>& stages() const noexcept { return stages_; }
  [[nodiscard]] double total_seconds() const noexcept { return since(started_); }

  /// Adds the time from its making to its end.
  class Watch {
   public:
    Watch(StageTimes& times, std::string_view name) : times_(times), name_(name) {}
    ~Watch() { times_.add(name_, since(started_)); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    StageTimes& times_;
    const std::string_view name_;
    const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  };

 private:
  static double since(std::chrono::steady_clock::time_point start) noexcept {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::vector<Stage> stages_;
};

}  // namespace weir::control
