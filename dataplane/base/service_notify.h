#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace weir::base {

/// Tells the service manager (systemd) how the service fares, by sd_notify(3). Does nothing where systemd did
/// not start the process.
class ServiceNotify {
 public:
  ServiceNotify();

  /// The service is up. `status` as for status(); empty: none is sent.
  void ready(const std::string& status = {});
  void stopping();
  /// One line for `systemctl status`; sent only when it differs from the last one.
  void status(const std::string& text);
  /// Feeds the watchdog, at most once in each period(): call it as often as you like, but no less often than
  /// that.
  void alive();

  /// A third of the watchdog's timeout, so that one missed call is not yet fatal. One second without a
  /// watchdog.
  [[nodiscard]] std::chrono::microseconds period() const noexcept { return period_; }

 private:
  using Clock = std::chrono::steady_clock;

  bool watchdog_ = false;
  std::chrono::microseconds period_ = std::chrono::seconds(1);
  std::optional<Clock::time_point> fed_;
  std::string status_;
};

}  // namespace weir::base
