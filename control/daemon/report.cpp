#include "control/report.h"

#include <array>
#include <memory>

#include <fmt/format.h>

#include "base/outcome.h"
#include "base/version.h"
#include "control/fetcher.h"
#include "control/unix_time.h"
#include "match/lookup.h"

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

/// What keeps the box from doing its job, the gravest first.
json problems_of(const config::Settings& settings, const View& view, const DataplaneStatus& dataplane,
                 std::int64_t now) {
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
  for (std::size_t i = 0; i < view.state.lists.size(); ++i) {
    const ListState& list = view.state.lists[i];
    if (!is_stale(settings.lists[i], list, now)) continue;
    const auto& error = view.health[i].error;
    problems.push_back(problem("list_stale", fmt::format("list {}: no good fetch within max_age{}", list.name,
                                                         error ? ": " + error->message : std::string())));
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
    if (health.error && !is_stale(settings.lists[i], view.state.lists[i], now)) {
      warnings.push_back(problem("list_failed", fmt::format("list {}: {}: {}", view.state.lists[i].name,
                                                            health.error_stage, health.error->message)));
    }
    if (health.refused.count != 0) {
      warnings.push_back(problem(
          "lines_refused",
          fmt::format("list {}: {} lines were refused", view.state.lists[i].name, health.refused.count)));
    }
  }
  return warnings;
}

json match_json(const View& view, const match::Match& match) {
  constexpr std::array<std::string_view, 3> verdicts{"pass", "block", "pass"};
  constexpr std::array<base::Reason, 3> reasons{base::Reason::no_match, base::Reason::listed,
                                                base::Reason::allow_rule};
  const auto decision = static_cast<std::size_t>(match.decision);
  json object{{"verdict", verdicts[decision]}, {"reason", base::to_string(reasons[decision])}};
  if (match.decision != match::Decision::no_match) {
    object["rule"] = match.rule.value;
    object["list"] = view.snapshot->view().list_name(match.list);
  }
  if (match.path_rules_unseen) object["path_rules_unseen"] = true;
  return object;
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
  for (const match::LineError& error : health.refused.first) {
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
  report["last_attempt"] = std::max(state.last_attempt_unix_seconds, health.last_attempt_unix_seconds);
  report["last_success"] = state.last_success_unix_seconds;
  report["stale"] = is_stale(settings, state, now);
  report["error"] = nullptr;
  if (health.error) {
    report["error"] = {
        {"stage", health.error_stage}, {"code", health.error->code}, {"message", health.error->message}};
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
                   std::int64_t now) {
  json problems = problems_of(settings, view, dataplane, now);
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
          {"lists", lists_report(settings, view, now)}};
}

json enforceability_report(const config::Settings& settings, const View& view) {
  json lists = json::array();
  for (std::size_t i = 0; i < view.state.lists.size(); ++i) {
    const RuleSet* rules = view.contents[i] == nullptr ? nullptr : &view.contents[i]->rules;
    const std::size_t whole = rules == nullptr ? 0 : rules->whole_host_rules();
    const std::size_t paths = rules == nullptr ? 0 : rules->size() - whole;
    const bool widened = settings.lists[i].on_tls == config::OnTls::block_host;
    lists.push_back({{"name", settings.lists[i].name},
                     {"entries", whole + paths},
                     {"every_protocol", whole},
                     {"cleartext_http_only", widened ? 0 : paths},
                     {"whole_host_when_encrypted", widened ? paths : 0},
                     {"not_at_all", view.health[i].refused.count},
                     {"on_tls", widened ? "block-host" : "pass"}});
  }
  return {{"generation", view.state.generation.value}, {"lists", std::move(lists)}};
}

base::Result<json> check_report(const View& view, std::string_view text) {
  if (view.snapshot == nullptr)
    return base::Error{"no_generation", "no list was loaded yet: see `weirctl lists`"};
  const auto url = std::make_unique<proto::CanonicalUrl>();  // too large for a stack
  const proto::UrlError error = url->assign_url(text, proto::PortPolicy::strict);
  if (error != proto::UrlError::none) return base::Error{"url_invalid", std::string(proto::to_string(error))};
  // The protocols that this version's dataplane inspects.
  struct Way {
    base::Protocol protocol;
    bool encrypted;
    std::uint16_t default_port;
  };
  constexpr std::array<Way, 2> ways{{{base::Protocol::http, false, 80}, {base::Protocol::tls, true, 443}}};
  json by_protocol = json::object();
  json holds = json::array();
  json verdict;
  for (const Way& way : ways) {
    const match::Match match = match::lookup(
        view.snapshot->view(), {.url = url.get(),
                                .connection_port = url->written_port().value_or(way.default_port),
                                .encrypted = way.encrypted});
    const json object = match_json(view, match);
    const std::string_view protocol = to_string(way.protocol);
    by_protocol[std::string(protocol)] = object;
    if (match.decision == match::Decision::block) holds.push_back(protocol);
    // The answer as a whole: what blocks on any protocol; else what allows; else why nothing matches.
    const bool better = verdict.is_null() ||
                        (verdict["verdict"] != "block" && match.decision == match::Decision::block) ||
                        (verdict["reason"] == "no_match" && match.decision == match::Decision::allow);
    if (better) verdict = object;
  }
  verdict["canonical"] = url->text();
  verdict["host"] = url->host();
  verdict["port"] = url->port() ? json(*url->port()) : json(nullptr);
  verdict["protocols"] = std::move(holds);
  verdict["by_protocol"] = std::move(by_protocol);
  verdict["generation"] = view.state.generation.value;
  return verdict;
}

}  // namespace weir::control
