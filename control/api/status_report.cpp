#include "control/api/status_report.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "control/intake/fetcher.h"
#include "control/proof/enforceability.h"
#include "dataplane/base/enforcement.h"
#include "dataplane/base/version.h"

namespace weir::control {
namespace {

using nlohmann::json;

json problem(std::string_view code, std::string message) {
  return {{"code", code}, {"message", std::move(message)}};
}

/// The rule ids in a member of the dataplane's status.
std::vector<std::uint64_t> rules_in(const DataplaneStatus& dataplane, const char* member) {
  std::vector<std::uint64_t> ids;
  if (!dataplane.up) return ids;
  const auto rules = dataplane.raw.find(member);
  if (rules == dataplane.raw.end() || !rules->is_array()) return ids;
  for (const json& rule : *rules) {
    if (rule.is_number_unsigned()) ids.push_back(rule.get<std::uint64_t>());
  }
  return ids;
}

/// Whether the report is about what is active now. If not, the next test is on its way.
bool is_current(const SelfTestReport& report, const DataplaneStatus& dataplane) {
  return dataplane.up && report.generation == dataplane.generation.value &&
         report.enforcement == dataplane.enforcement;
}

/// A failed self-test of a box that should block. With another enforcement nothing is blocked, and that is
/// reported anyway.
bool shows_failure(const SelfTestReport& report, const DataplaneStatus& dataplane) {
  return is_current(report, dataplane) && !report.passed() &&
         report.enforcement == base::Enforcement::enforce;
}

std::string first_problem(const SelfTestReport& report) {
  const std::vector<std::string> problems = report.problems();
  return problems.empty() ? "unknown" : problems.front();
}

/// `: MESSAGE`, or nothing.
std::string reason_text(const base::Error* error) {
  return error != nullptr ? ": " + error->message : std::string();
}

/// What keeps the box from doing its job, the worst first.
json problems_of(const config::Settings& settings, const View& view, const DataplaneStatus& dataplane,
                 const SelfTestReport* self_test, std::int64_t now) {
  json problems = json::array();
  const base::Generation built = view.state.generation;
  if (!dataplane.up) problems.push_back(problem("dataplane_down", dataplane.error));
  if (built.value == 0) {
    problems.push_back(problem("no_generation", "no list has been loaded yet: see `weirctl lists`"));
  } else if (dataplane.up && dataplane.generation != built) {
    problems.push_back(
        problem("not_active", fmt::format("generation {} is built, but generation {} is active{}",
                                          built.value, dataplane.generation.value,
                                          reason_text(view.publish_error ? &*view.publish_error : nullptr))));
  }
  if (dataplane.enforcement == base::Enforcement::bypass) {
    problems.push_back(problem(
        "bypass", "enforcement is bypass, so nothing is blocked; `weirctl enforcement enforce` ends it"));
  }
  if (self_test != nullptr && shows_failure(*self_test, dataplane)) {
    problems.push_back(
        problem("selftest_failed",
                fmt::format("the self-test failed, see `weirctl selftest`: {}", first_problem(*self_test))));
  }
  if (const auto tripped = rules_in(dataplane, "tripped_rules"); !tripped.empty()) {
    problems.push_back(problem(
        "rules_tripped",
        fmt::format("rules that matched too often are out of force: {}; `weirctl reset` puts them back",
                    fmt::join(tripped, ", "))));
  }
  for (std::size_t i = 0; i < view.state.lists.size(); ++i) {
    const ListState& list = view.state.lists[i];
    if (!is_stale(settings.lists[i], list, now)) continue;
    const auto& failure = view.health[i].failure;
    problems.push_back(problem("list_stale", fmt::format("list {}: no good fetch within max_age{}", list.name,
                                                         reason_text(failure ? &failure->error : nullptr))));
  }
  return problems;
}

json warnings_of(const config::Settings& settings, const View& view, const DataplaneStatus& dataplane,
                 std::int64_t now) {
  json warnings = json::array();
  if (dataplane.enforcement == base::Enforcement::monitor) {
    warnings.push_back(
        problem("monitor", "enforcement is monitor: listed requests are counted, but they pass"));
  }
  if (const auto beyond = rules_in(dataplane, "rules_beyond_limit"); !beyond.empty()) {
    warnings.push_back(problem(
        "rules_beyond_limit",
        fmt::format("rules match more often than dataplane.breaker allows: {}; too wide, or under a flood?",
                    fmt::join(beyond, ", "))));
  }
  if (view.publish_error && dataplane.up)
    warnings.push_back(problem("publish_failed", view.publish_error->message));
  for (std::size_t i = 0; i < view.state.lists.size(); ++i) {
    const std::string& name = view.state.lists[i].name;
    const ListHealth& health = view.health[i];
    if (health.failure && !is_stale(settings.lists[i], view.state.lists[i], now)) {
      warnings.push_back(
          problem("list_failed", fmt::format("list {}: {}: {}", name, to_string(health.failure->stage),
                                             health.failure->error.message)));
    }
    // That a server keeps changes for a time only is as it should be.
    if (health.delta_problem && health.delta_problem->kind != DeltaProblem::Kind::expired) {
      warnings.push_back(problem("delta_refused", fmt::format("list {}: fetched whole: {}", name,
                                                              health.delta_problem->error.message)));
    }
    if (health.refused.count != 0) {
      warnings.push_back(problem("lines_refused",
                                 fmt::format("list {}: {} lines were refused", name, health.refused.count)));
    }
  }
  return warnings;
}

/// Null if there is none.
json error_json(const base::Error& error) { return {{"code", error.code}, {"message", error.message}}; }

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
    report["delta"] = {{"ready", state.token.has_value()},
                       {"last_full", state.last_full_unix_seconds},
                       {"error", health.delta_problem ? error_json(health.delta_problem->error) : json()}};
  }
  report["error"] = nullptr;
  if (health.failure) {
    report["error"] = error_json(health.failure->error);
    report["error"]["stage"] = to_string(health.failure->stage);
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
                   const SelfTestReport* self_test, std::int64_t now) {
  json problems = problems_of(settings, view, dataplane, self_test, now);
  const bool active =
      dataplane.up && view.state.generation.value != 0 && dataplane.generation == view.state.generation;
  return {
      {"version", base::version()},
      {"healthy", problems.empty()},
      {"problems", std::move(problems)},
      {"warnings", warnings_of(settings, view, dataplane, now)},
      {"generation", view.state.generation.value},
      {"created", view.state.created_unix_seconds},
      {"active", active},
      {"enforcement", dataplane.enforcement ? json(base::to_string(*dataplane.enforcement)) : json(nullptr)},
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
