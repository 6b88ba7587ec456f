#include "dataplane/base/service_notify.h"

#include <cstdint>

#include <systemd/sd-daemon.h>

namespace weir::base {

ServiceManager::ServiceManager() {
  std::uint64_t timeout_us = 0;
  if (sd_watchdog_enabled(0, &timeout_us) > 0) {
    watchdog_ = true;
    // Half is what sd_watchdog_enabled(3) advises; a third leaves room for one look that finds no movement.
    period_ = std::min(period_, std::chrono::microseconds(timeout_us / 3));
  }
}

void ServiceManager::ready() { sd_notify(0, "READY=1"); }
void ServiceManager::stopping() { sd_notify(0, "STOPPING=1"); }

void ServiceManager::status(const std::string& text) {
  if (text == status_) return;
  status_ = text;
  sd_notify(0, ("STATUS=" + text).c_str());
}

void ServiceManager::alive() {
  if (watchdog_) sd_notify(0, "WATCHDOG=1");
}

}  // namespace weir::base
