#include "dataplane/engine/supervisor/reconfiguration.h"

#include <memory>
#include <utility>

#include <spdlog/spdlog.h>

#include "config/changes.h"
#include "dataplane/inspect/from_config.h"

namespace weir::engine {
namespace {

config::Settings of_dataplane(const config::DataplaneSettings& settings) {
  config::Settings all;
  all.dataplane = settings;
  return all;
}

}  // namespace

base::Result<nlohmann::json> Reconfiguration::reload() {
  const auto refuse = [](const base::Error& why) {
    spdlog::error("W112: the configuration stays as it was: {}", why.message);
    return why;
  };
  const auto wanted = config::load_settings(config_file_, config::Audience::dataplane);
  if (!wanted) return refuse(wanted.error());
  auto page = inspect::make_block_page(wanted.value().dataplane.block.http, config_file_);
  if (!page) return refuse(page.error());
  const config::Reconfigured next =
      config::take_over(of_dataplane(in_force_), wanted.value(), config::Audience::dataplane);
  publish(std::move(page).value());
  in_force_ = next.in_force.dataplane;
  spdlog::info(
      "the configuration was read again: the block page is made anew, {} changed keys need a restart",
      next.needs_restart.size());
  return nlohmann::json{{"changed", next.changed}, {"needs_restart", next.needs_restart}, {"page", true}};
}

// A worker that stands still keeps the old page for as long.
void Reconfiguration::publish(inspect::BlockPage page) {
  page_.publish(std::make_unique<const inspect::BlockPage>(std::move(page)));
}

}  // namespace weir::engine
