#include "control/daemon/core.h"

#include <cstdlib>

#include <spdlog/spdlog.h>

#include "control/storage/entry_storage.h"

namespace weir::control {

Core::Core(config::Settings settings, Store store, const Surroundings& surroundings)
    : settings_(std::move(settings)),
      link_(settings_.dataplane.socket.string()),
      publisher_(settings_, std::move(store), link_),
      updates_(settings_, publisher_, link_, surroundings.audit,
               [&durations = surroundings.durations](std::string_view stage, double seconds) {
                 durations.observe(stage, seconds);
               }),
      self_test_(settings_.control.selftest, link_),
      collector_(std::make_shared<MetricsCollector>(settings_, publisher_, link_, surroundings.durations,
                                                    self_test_)),
      api_(settings_, surroundings.config_file, publisher_, updates_, link_, surroundings.audit,
           surroundings.events, self_test_, Roles(settings_.control.roles), surroundings.reconfigure) {}

Core::~Core() { updates_.stop(); }

std::unique_ptr<Core> Core::make(config::Settings settings, Store store, const Surroundings& surroundings) {
  std::unique_ptr<Core> core(new Core(std::move(settings), std::move(store), surroundings));
  StageTimes times;
  if (const auto started = core->publisher_.start(times); !started) {
    spdlog::error("W201: no generation could be built at the start: {}", started.error().message);
  }
  core->self_test_.start();
  return core;
}

base::Result<Store> open_store(const config::Settings& settings) {
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
  auto storage = storage::open_entry_storage(settings.control, credentials == nullptr ? "" : credentials);
  if (!storage) return storage.error();
  return Store::open(settings.control.state_dir, settings.dataplane.snapshot_dir, std::move(storage).value());
}

}  // namespace weir::control
