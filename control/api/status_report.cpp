#include "control/api/status_report.h"

#include <fmt/format.h>

#include "control/intake/fetcher.h"
#include "control/proof/enforceability.h"
#include "dataplane/base/unix_time.h"
#include "dataplane/base/version.h"

namespace weir::control {
namespace {

using nlohmann::json;

json problem(std::string_view code, std::string message) {
  return {{"code", code}, {"message", std::move(message)}};
}

std::string dataplane_mode(const DataplaneStatus& dataplane) {
  const auto mode = dataplane.raw.find("enforcement");
  return mode != dataplane.raw.end() && mode->is_string() ? mode->get<std::string>() : std::string();
}

/// Ids, with commas between; empty: none.
std::string tripped_rules(const DataplaneStatus& dataplane) {
  std::string ids;
  if (!dataplane.up || !dataplane.raw.contains("tripped_rules")) return ids;
  for (const json& rule : dataplane.raw.at("tripped_rules")) {
    if (rule.is_number_unsigned())
      ids += fmt::format("{}{}", ids.empty() ? "" : ", ", rule.get<std::uint64_t>());
  }
  return ids;
}

/// Whether the report is of what is in force now: when that changes, the next test is under way.
bool is_current(const SelfTestReport& self_test, const DataplaneStatus& dataplane) {
  return self_test.time_unix_seconds != 0 && dataplane.up &&
         self_test.generation == dataplane.generation.value &&
         self_test.enforcement == dataplane_mode(dataplane);
}

std::string self_test_text(const SelfTestReport& self_test) {
  if (self_test.error) return self_test.error->message;
  return self_test.problems.empty() ? "unknown" : self_test.problems.front();
}

/// What keeps the box from doing its job, the gravest first.
json problems_of(const config::Settings& settings, const View& view, const DataplaneStatus& dataplane,
                 const SelfTestReport& self_test, std::int64_t now) {
  json problems = json::array();
  const std::uint64_t generation = view.state.generation.value;
  if (!dataplane.up) problems.push_back(problem("dataplane_down", dataplane.error));
  if (generation == 0) {
    problems.push_back(problem("no_generation", "no list was loaded yet: see `weirctl lists`"));
  } else if (dataplane.up && dataplane.generation != view.state.generation) {
    problems.push_back(problem(
        "not_active",
        fmt::format("generation {} is built, the dataplane has {}{}", generation, dataplane.generation.value,
                    view.publish_error ? ": " + view.publish_error->message : std::string())));
  }
  if (dataplane.up && dataplane_mode(dataplane) == "bypass") {
    problems.push_back(
        problem("bypass", "the dataplane is in bypass mode: nothing is blocked (`weirctl mode enforce`)"));
  }
  // In another mode nothing is blocked, and that has been said already.
  if (is_current(self_test, dataplane) && !self_test.passed() && self_test.enforcement == "enforce") {
    problems.push_back(
        problem("selftest_failed",
                fmt::format("the self-test failed, see `weirctl selftest`: {}", self_test_text(self_test))));
  }
  const std::string tripped = tripped_rules(dataplane);
  if (!tripped.empty()) {
    problems.push_back(
        problem("rules_tripped", fmt::format("tripped because they matched too often, see `weirctl reset`: "
                                             "rules {}",
                                             tripped)));
  }
  for (std::size_t i = 0; i < view.state.lists.size(); ++i) {
    const ListState& list = view.state.lists[i];
    if (!is_stale(settings.lists[i], list, now)) continue;
    const auto& failure = view.health[i].failure;
    problems.push_back(
        problem("list_stale", fmt::format("list {}: no good fetch within max_age{}", list.name,
                                          failure ? ": " + failure->error.message : std::string())));
  }
  return problems;
}

json warnings_of(const config::Settings& settings, const View& view, const DataplaneStatus& dataplane,
                 std::int64_t now) {
  json warnings = json::array();
  if (dataplane.up && dataplane_mode(dataplane) == "monitor") {
    warnings.push_back(
        problem("monitor", "the dataplane is in monitor mode: listed requests are counted and pass"));
  }
  if (view.publish_error && dataplane.up)
    warnings.push_back(problem("publish_failed", view.publish_error->message));
  for (std::size_t i = 0; i < view.state.lists.size(); ++i) {
    const ListHealth& health = view.health[i];
    if (health.failure && !is_stale(settings.lists[i], view.state.lists[i], now)) {
      warnings.push_back(problem(
          "list_failed", fmt::format("list {}: {}: {}", view.state.lists[i].name,
                                     to_string(health.failure->stage), health.failure->error.message)));
    }
    // That a server keeps changes for a time only is as it should be.
    if (health.delta_problem && health.delta_problem->kind != DeltaProblem::Kind::expired) {
      warnings.push_back(
          problem("delta_refused", fmt::format("list {}: fetched whole: {}", view.state.lists[i].name,
                                               health.delta_problem->error.message)));
    }
    if (health.refused.count != 0) {
      warnings.push_back(problem(
          "lines_refused",
          fmt::format("list {}: {} lines were refused", view.state.lists[i].name, health.refused.count)));
    }
  }
  return warnings;
}

}  // namespace

bool is_stale(const config::ListSettings& settings, const ListState& list, std::int64_t now) {
  return settings.type == config::ListType::feed &&
         now - list.last_success_unix_seconds > settings.max_age.count();
}

json list_report(const config::ListSettings& settings, const View& view, std::size_t list, std::int64_t now) {
  const ListState& state = view.state.lists[list];
  const ListHealth& health = view.health[list];
  const bool manual = settings.type == config::ListType::manual;
  const RuleSet* rules = view.contents[list] == nullptr ? nullptr : &view.contents[list]->rules;
  json first = json::array();
  for (const rules::LineError& error : health.refused.first) {
    first.push_back({{"file", describe_source(settings)}, {"line", error.line}, {"reason", error.message}});
  }
  json report{{"name", settings.name},
              {"type", manual ? "manual" : "feed"},
              {"entries", state.entries},
              {"whole_host_rules", rules == nullptr ? 0 : rules->whole_host_rules()},
              {"path_rules", rules == nullptr ? 0 : rules->size() - rules->whole_host_rules()},
              {"allow_rules", rules == nullptr ? 0 : rules->allow_rules()},
              {"loaded", rules != nullptr}};
  if (manual) return report;
  report["source"] = describe_source(settings);
  report["duplicates"] = state.duplicates;
  report["errors"] = {{"count", health.refused.count}, {"first", std::move(first)}};
  report["last_attempt"] =
      std::max(state.last_attempt_unix_seconds, health.last_attempt_unix_seconds.value_or(0));
  report["last_success"] = state.last_success_unix_seconds;
  report["stale"] = is_stale(settings, state, now);
  report["delta"] = nullptr;
  if (!settings.delta.url.empty()) {
    report["delta"] = {
        {"ready", state.token.has_value()}, {"last_full", state.last_full_unix_seconds}, {"error", nullptr}};
    if (health.delta_problem) {
      report["delta"]["error"] = {{"code", health.delta_problem->error.code},
                                  {"message", health.delta_problem->error.message}};
    }
  }
  report["error"] = nullptr;
  if (health.failure) {
    report["error"] = {{"stage", to_string(health.failure->stage)},
                       {"code", health.failure->error.code},
                       {"message", health.failure->error.message}};
  }
  return report;
}

json lists_report(const config::Settings& settings, const View& view, std::int64_t now) {
  json lists = json::array();
  for (std::size_t i = 0; i < view.state.lists.size(); ++i)
    lists.push_back(list_report(settings.lists[i], view, i, now));
  return lists;
}

json status_report(const config::Settings& settings, const View& view, const DataplaneStatus& dataplane,
                   const SelfTestReport& self_test, std::int64_t now) {
  json problems = problems_of(settings, view, dataplane, self_test, now);
  const bool active =
      dataplane.up && view.state.generation.value != 0 && dataplane.generation == view.state.generation;
  return {{"version", base::version()},
          {"healthy", problems.empty()},
          {"problems", std::move(problems)},
          {"warnings", warnings_of(settings, view, dataplane, now)},
          {"generation", view.state.generation.value},
          {"created", view.state.created_unix_seconds},
          {"active", active},
          {"enforcement", dataplane.up ? json(dataplane_mode(dataplane)) : json(nullptr)},
          {"dataplane",
           {{"up", dataplane.up}, {"generation", dataplane.generation.value}, {"status", dataplane.raw}}},
          {"selftest", self_test_json(self_test)},
          {"lists", lists_report(settings, view, now)}};
}

json enforceability_report(const config::Settings& settings, const View& view) {
  const Enforceability enforceability = count_enforceability(view);
  json lists = json::array();
  for (std::size_t i = 0; i < view.state.lists.size(); ++i) {
    const EnforceabilityCounts& counts = enforceability.lists[i];
    const bool widened = settings.lists[i].on_tls == config::OnTls::block_host;
    const std::size_t refused = view.health[i].refused.count;
    lists.push_back({{"name", settings.lists[i].name},
                     {"loaded", view.contents[i] != nullptr},
                     {"entries", counts.whole_hosts + counts.paths + counts.overridden + counts.allow_rules},
                     {"every_protocol", counts.whole_hosts},
                     {"cleartext_http_only", widened ? 0 : counts.paths},
                     {"whole_host_when_encrypted", widened ? counts.paths : 0},
                     {"not_at_all", refused + counts.overridden},
                     {"refused", refused},
                     {"overridden", counts.overridden},
                     {"allow_rules", counts.allow_rules},
                     {"on_tls", widened ? "block-host" : "pass"}});
  }
  return {{"generation", view.state.generation.value}, {"lists", std::move(lists)}};
}

}  // namespace weir::control
