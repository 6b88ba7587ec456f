#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace weir::base {

/// Reports the state of the service to systemd, by sd_notify(3). Does nothing if systemd did not start the
/// process.
class ServiceNotify {
 public:
  ServiceNotify();

  /// Startup is finished. `status`: as for status(); empty: none is sent.
  void ready(const std::string& status = {});
  void stopping();
  /// One line for `systemctl status`. Sent only if it differs from the last one.
  void status(const std::string& text);
  /// Feeds the watchdog. Call it at least once every period(); more calls cost nothing.
  void alive();

  /// A third of the watchdog's timeout but at most one second, so that one late call is not fatal. Without a
  /// watchdog: one second.
  [[nodiscard]] std::chrono::microseconds period() const noexcept { return period_; }

 private:
  using Clock = std::chrono::steady_clock;

  bool watchdog_ = false;
  std::chrono::microseconds period_ = std::chrono::seconds(1);
  std::optional<Clock::time_point> fed_;
  std::string status_;
};

}  // namespace weir::base
