#pragma once

#include <chrono>
#include <string>

namespace weir::base {

/// What the service manager (systemd) is told, by sd_notify. Without one, nothing happens.
class ServiceManager {
 public:
  ServiceManager();

  void ready();
  void stopping();
  /// One line for `systemctl status`; sent when it changes.
  void status(const std::string& text);
  /// Feeds the watchdog, at most as often as it needs it.
  void alive();

  /// Longest time between two calls of alive(); none is asked for: a second.
  [[nodiscard]] std::chrono::microseconds period() const noexcept { return period_; }

 private:
  bool watchdog_ = false;
  std::chrono::microseconds period_ = std::chrono::seconds(1);
  std::string status_;
};

}  // namespace weir::base
