#include "control/service_notify.h"

#include <systemd/sd-daemon.h>

namespace weir::control {

ServiceNotify::ServiceNotify() {
  std::uint64_t microseconds = 0;
  if (::sd_watchdog_enabled(0, &microseconds) > 0) watchdog_ = std::chrono::microseconds(microseconds);
}

void ServiceNotify::ready(const std::string& status) const {
  ::sd_notify(0, ("READY=1\nSTATUS=" + status).c_str());
}

void ServiceNotify::stopping() const { ::sd_notify(0, "STOPPING=1"); }

void ServiceNotify::alive() {
  const auto now = Clock::now();
  if (!watchdog_ || now - fed_ < *watchdog_ / 2) return;
  fed_ = now;
  ::sd_notify(0, "WATCHDOG=1");
}

}  // namespace weir::control
