#include "dataplane/base/service_notify.h"

#include <algorithm>
#include <cstdint>

#include <systemd/sd-daemon.h>

namespace weir::base {

ServiceNotify::ServiceNotify() {
  std::uint64_t timeout_us = 0;
  if (sd_watchdog_enabled(0, &timeout_us) <= 0) return;
  watchdog_ = true;
  period_ = std::min(period_, std::chrono::microseconds(timeout_us / 3));
}

void ServiceNotify::ready(const std::string& status) {
  status_ = status;
  sd_notify(0, status.empty() ? "READY=1" : ("READY=1\nSTATUS=" + status).c_str());
}

void ServiceNotify::stopping() { sd_notify(0, "STOPPING=1"); }

void ServiceNotify::status(const std::string& text) {
  if (text == status_) return;
  status_ = text;
  sd_notify(0, ("STATUS=" + text).c_str());
}

void ServiceNotify::alive() {
  const auto now = Clock::now();
  // The caller calls about once a period. Half a period lets each of these calls through, even early ones.
  if (!watchdog_ || (fed_ && now - *fed_ < period_ / 2)) return;
  fed_ = now;
  sd_notify(0, "WATCHDOG=1");
}

}  // namespace weir::base
