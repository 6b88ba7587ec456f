#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace weir::control {

/// Tells systemd how the service fares; does nothing where systemd did not start it.
class ServiceNotify {
 public:
  ServiceNotify();
  void ready(const std::string& status) const;
  void stopping() const;
  /// Feeds the watchdog when half of its time has passed. To be called at least each second.
  void alive();

 private:
  using Clock = std::chrono::steady_clock;
  std::optional<std::chrono::microseconds> watchdog_;  // none: not asked for
  Clock::time_point fed_;
};

}  // namespace weir::control
