#include "control/updates/dataplane_commands.h"

#include <chrono>
#include <utility>

namespace weir::control {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kTimeout{5000};

}  // namespace

ChangeAnswer DataplaneCommands::set_enforcement(Change& change, base::Enforcement enforcement) {
  auto answer = link_.call("enforcement", {{"mode", base::to_string(enforcement)}}, kTimeout);
  if (!answer) return answer;
  change.record.active = true;
  link_.refresh(kTimeout);
  return json{{"enforcement", base::to_string(enforcement)},
              {"generation", generation()},
              {"active", true},
              {"seconds", change.times.total_seconds()}};
}

ChangeAnswer DataplaneCommands::reset_breaker(Change& change, std::optional<std::uint32_t> rule) {
  json params = json::object();
  if (rule) {
    params["rule"] = *rule;
    change.record.rule = *rule;
  }
  auto answer = link_.call("breaker.reset", params, kTimeout);
  if (!answer) return answer;
  change.record.active = true;
  link_.refresh(kTimeout);
  answer.value()["generation"] = generation();
  return answer;
}

}  // namespace weir::control
