#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include "config/settings.h"
#include "control/api/control_api.h"
#include "control/api/event_hub.h"
#include "control/metrics/exporter.h"
#include "control/proof/self_test.h"
#include "control/publish/dataplane_link.h"
#include "control/publish/publisher.h"
#include "control/storage/audit_log.h"
#include "control/updates/updates.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// What outlives a reconfiguration.
struct Surroundings {
  std::filesystem::path config_file;
  storage::AuditLog& audit;
  EventHub& events;
  ReloadDurations& durations;
  Reconfigure reconfigure;  // what the method reconfigure does
};

/// The part of the daemon that each reconfiguration builds anew: state, lists, updates and the API.
class Core {
 public:
  /// Loads the state; the caller then starts updates(). If no generation can be built, this is logged, and
  /// what is active stays.
  static std::unique_ptr<Core> make(config::Settings settings, Store store, const Surroundings& surroundings);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  [[nodiscard]] const config::Settings& settings() const noexcept { return settings_; }
  [[nodiscard]] std::uint64_t generation() const { return publisher_.view()->state.generation.value; }
  [[nodiscard]] DataplaneLink& link() noexcept { return link_; }
  [[nodiscard]] Updates& updates() noexcept { return updates_; }
  [[nodiscard]] ControlApi& api() noexcept { return api_; }
  [[nodiscard]] const std::shared_ptr<MetricsCollector>& collector() const noexcept { return collector_; }

 private:
  Core(config::Settings settings, Store store, const Surroundings& surroundings);

  const config::Settings settings_;  // the others refer to it
  DataplaneLink link_;
  Publisher publisher_;
  Updates updates_;
  SelfTest self_test_;
  std::shared_ptr<MetricsCollector> collector_;
  ControlApi api_;
};

/// Opens the key and the state directory. Error codes: those of open_entry_storage and Store::open.
base::Result<Store> open_store(const config::Settings& settings);

}  // namespace weir::control
