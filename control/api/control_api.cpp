#include "control/api/control_api.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include "control/api/call_params.h"
#include "control/api/check.h"
#include "control/api/rule_listing.h"
#include "control/api/status_report.h"
#include "control/proof/self_test_certificate.h"
#include "dataplane/base/unix_time.h"
#include "dataplane/base/version.h"
#include "dataplane/proto/url/url.h"

namespace weir::control {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxName = 63;
constexpr std::size_t kMaxComment = 500;
constexpr std::size_t kMaxReaders = 256;
constexpr std::uint64_t kAny = std::numeric_limits<std::int64_t>::max();
constexpr std::chrono::milliseconds kCountersTimeout{3000};

using Names = std::span<const std::string_view>;
constexpr std::array<std::string_view, 2> kReloadParams{"list", "dry_run"};
constexpr std::array<std::string_view, 2> kDiffParams{"list", "entries"};
constexpr std::array<std::string_view, 6> kAddParams{"list",    "entry",   "action",
                                                     "comment", "expires", "confirm"};
constexpr std::array<std::string_view, 3> kRemoveParams{"list", "id", "entry"};
constexpr std::array<std::string_view, 4> kRulesParams{"list", "limit", "cursor", "entries"};
constexpr std::array<std::string_view, 1> kCheckParams{"url"};
constexpr std::array<std::string_view, 1> kRollbackParams{"generation"};
constexpr std::array<std::string_view, 1> kModeParams{"mode"};
constexpr std::array<std::string_view, 1> kBreakerParams{"rule"};
constexpr std::array<std::string_view, 1> kLatencyParams{"enabled"};
constexpr std::array<std::string_view, 2> kAuditParams{"since", "limit"};

constexpr std::array<Method, 23> kMethods{{
    {"version", Role::read, Names{}, &ControlApi::version},
    {"status", Role::read, Names{}, &ControlApi::status},
    {"lists", Role::read, Names{}, &ControlApi::lists},
    {"list.reload", Role::update, kReloadParams, &ControlApi::list_reload},
    {"list.diff", Role::update, kDiffParams, &ControlApi::list_diff},
    {"rule.add", Role::update, kAddParams, &ControlApi::rule_add},
    {"rule.remove", Role::update, kRemoveParams, &ControlApi::rule_remove},
    {"rule.list", Role::read, kRulesParams, &ControlApi::rule_list},
    {"check", Role::read, kCheckParams, &ControlApi::check},
    {"snapshots", Role::read, Names{}, &ControlApi::snapshots},
    {"rollback", Role::admin, kRollbackParams, &ControlApi::rollback},
    {"enforcement", Role::admin, kModeParams, &ControlApi::enforcement},
    {"breaker.reset", Role::admin, kBreakerParams, &ControlApi::breaker_reset},
    {"latency", Role::admin, kLatencyParams, &ControlApi::latency},
    {"counters", Role::read, Names{}, &ControlApi::counters},
    {"report.enforceability", Role::read, Names{}, &ControlApi::enforceability},
    {"config.check", Role::read, Names{}, &ControlApi::config_check},
    {"config.reload", Role::admin, Names{}, &ControlApi::config_reload},
    {"audit", Role::read, kAuditParams, &ControlApi::audit},
    {"audit.verify", Role::read, Names{}, &ControlApi::audit_verify},
    {"events.follow", Role::read, Names{}, &ControlApi::events_follow},
    {"selftest", Role::read, Names{}, &ControlApi::selftest},
    {"selftest.certificate", Role::admin, Names{}, &ControlApi::certificate},
}};

/// The first parameter that the method does not know.
std::optional<std::string> unknown_param(const Method& method, const json& params) {
  for (const auto& [name, value] : params.items()) {
    if (name == "expect_generation" && method.role >= Role::update) continue;
    if (std::find(method.params.begin(), method.params.end(), name) == method.params.end()) return name;
  }
  return std::nullopt;
}

void give(const std::shared_ptr<rpc::Responder>& responder, const base::Result<json>& answer) {
  if (answer) {
    responder->result(answer.value());
  } else {
    responder->fail(answer.error());
  }
}

Updates::Done answer_to(const Call& call) {
  return [responder = call.responder](const Updates::Answer& answer) { give(responder, answer); };
}

}  // namespace

ControlApi::ControlApi(const config::Settings& settings, std::filesystem::path config_file,
                       Publisher& publisher, Updates& updates, DataplaneLink& link, storage::AuditLog& audit,
                       EventHub& events, SelfTest& self_test, Roles roles, ConfigReload reload)
    : settings_(settings),
      config_file_(std::move(config_file)),
      publisher_(publisher),
      updates_(updates),
      link_(link),
      audit_(audit),
      self_test_(self_test),
      roles_(std::move(roles)),
      started_unix_seconds_(base::unix_now()),
      readers_(kMaxReaders),
      events_(events),
      reload_(std::move(reload)) {
  readers_.start();
}

ControlApi::~ControlApi() { readers_.stop(); }

std::span<const Method> ControlApi::methods() { return kMethods; }

void ControlApi::handle(rpc::Request&& request, std::shared_ptr<rpc::Responder> responder) {
  const auto method = std::find_if(kMethods.begin(), kMethods.end(),
                                   [&](const Method& candidate) { return candidate.name == request.method; });
  if (!rate_.take(request.peer.uid, CallRate::Clock::now())) {
    return responder->fail({"rate_limited", fmt::format("more than {} calls a second by uid {}: slow down",
                                                        CallRate::kEachSecond, request.peer.uid)});
  }
  const Role role = roles_.of(request.peer);
  if (method == kMethods.end()) {
    return responder->fail({"method_not_found", "no such method; `version` tells which Weir this is"});
  }
  if (role < method->role) {
    const std::uint64_t generation = publisher_.view()->state.generation.value;
    audit_.append_refused({.uid = request.peer.uid,
                           .method = request.method,
                           .list = {},
                           .rule = std::nullopt,
                           .before_generation = generation,
                           .after_generation = generation,
                           .outcome = "forbidden"});
    return responder->fail(
        {"forbidden", fmt::format("{} needs the role {}, which these have: {}", request.method,
                                  to_string(method->role), roles_.holders(method->role))});
  }
  if (const auto unknown = unknown_param(*method, *request.params)) {
    return responder->fail(
        {"invalid_params", fmt::format("{}: {} has no such parameter", *unknown, request.method)});
  }
  CallParams params(*request.params);
  Call call{.caller = {.uid = request.peer.uid,
                       .method = request.method,
                       .expect_generation = params.number("expect_generation", kAny)},
            .role = role,
            .params = request.params,
            .responder = std::move(responder)};
  if (params.error()) return call.responder->fail(*params.error());
  (this->*method->handler)(std::move(call));
}

void ControlApi::later(Call&& call, std::function<base::Result<json>()> work) {
  const auto responder = call.responder;
  const bool taken = readers_.submit([responder, work = std::move(work)] {
    try {
      give(responder, work());
    } catch (const std::exception& exception) {
      responder->fail({"internal", exception.what()});
    }
  });
  if (!taken) responder->fail({"busy", "too many calls wait already; try again later"});
}

// ---- reading ----

void ControlApi::version(Call&& call) {
  call.responder->result({{"version", base::version()}, {"git", base::git_revision()}});
}

void ControlApi::status(Call&& call) {
  const std::int64_t now = base::unix_now();
  json report = status_report(settings_, *publisher_.view(), *link_.status(), *self_test_.last(), now);
  report["uptime_seconds"] = now - started_unix_seconds_;
  call.responder->result(report);
}

void ControlApi::lists(Call&& call) {
  const auto view = publisher_.view();
  call.responder->result({{"generation", view->state.generation.value},
                          {"lists", lists_report(settings_, *view, base::unix_now())}});
}

void ControlApi::rule_list(Call&& call) {
  CallParams params(*call.params);
  const RuleListing listing{.list = params.text("list", kMaxName),
                            .limit = params.number("limit", kMaxListedRules).value_or(kDefaultListedRules),
                            .cursor = params.text("cursor", kMaxName),
                            .entries = params.flag("entries")};
  if (params.error()) return call.responder->fail(*params.error());
  if (listing.entries && call.role < Role::update) {
    return call.responder->fail(
        {"forbidden", fmt::format("the text of entries needs the role update, which these have: {}",
                                  roles_.holders(Role::update))});
  }
  give(call.responder, list_rules(settings_, *publisher_.view(), listing));
}

void ControlApi::check(Call&& call) {
  CallParams params(*call.params);
  const std::string url = params.required_text("url", proto::kMaxUrlBytes);
  if (params.error()) return call.responder->fail(*params.error());
  later(std::move(call), [this, url]() -> base::Result<json> {
    const auto view = publisher_.view();
    auto report = check_report(*view, url);
    if (!report) return report.error();
    const auto dataplane = link_.status();
    json answer = std::move(report).value();
    answer["active"] = dataplane->up && dataplane->generation == view->state.generation;
    return answer;
  });
}

json ControlApi::snapshots_report() const {
  const auto view = publisher_.view();
  const auto dataplane = link_.status();
  json snapshots = json::array();
  for (const base::Generation generation : publisher_.store().generations()) {
    const auto state = publisher_.store().read_state(generation);
    if (!state) continue;
    std::uint64_t entries = 0;
    json lists = json::array();
    for (const ListState& list : state.value().lists) {
      entries += list.entries;
      lists.push_back({{"name", list.name}, {"entries", list.entries}});
    }
    snapshots.push_back({{"generation", generation.value},
                         {"created", state.value().created_unix_seconds},
                         {"base", state.value().base.value},
                         {"entries", entries},
                         {"lists", std::move(lists)},
                         {"current", generation == view->state.generation},
                         {"active", dataplane->up && generation == dataplane->generation}});
  }
  return {{"snapshots", std::move(snapshots)}};
}

void ControlApi::snapshots(Call&& call) {
  later(std::move(call), [this]() -> base::Result<json> { return snapshots_report(); });
}

void ControlApi::counters(Call&& call) {
  later(std::move(call), [this] { return link_.call("counters", json::object(), kCountersTimeout); });
}

void ControlApi::enforceability(Call&& call) {
  later(std::move(call), [this]() -> base::Result<json> {
    json report = enforceability_report(settings_, *publisher_.view());
    const auto counters = link_.call("counters", json::object(), kCountersTimeout);
    report["unseen_connections"] = nullptr;  // until the dataplane tells
    if (!counters) return report;
    json unseen = json::object();
    for (const json& family : counters.value().value("families", json::array())) {
      if (family.value("name", "") != "weir_unenforceable_total") continue;
      for (const json& sample : family.value("samples", json::array())) {
        unseen[sample.at("labels").value("list", "")] = sample.value("value", std::uint64_t{0});
      }
    }
    report["unseen_connections"] = std::move(unseen);
    return report;
  });
}

void ControlApi::config_check(Call&& call) {
  later(std::move(call), [this]() -> base::Result<json> {
    const auto settings = config::load_settings(config_file_, config::Audience::control);
    json report{{"file", config_file_.string()}, {"ok", settings.ok()}, {"problems", json::array()}};
    if (settings) {
      report["notices"] = config::setting_notices(settings.value());
      return report;
    }
    std::string_view message = settings.error().message;
    while (!message.empty()) {
      const std::size_t end = message.find('\n');
      report["problems"].push_back(message.substr(0, end));
      message.remove_prefix(end == std::string_view::npos ? message.size() : end + 1);
    }
    return report;
  });
}

void ControlApi::audit(Call&& call) {
  constexpr std::uint64_t max_records = 1000;
  CallParams params(*call.params);
  const auto since = params.number("since", kAny).value_or(0);
  const auto limit = params.number("limit", max_records).value_or(100);
  if (params.error()) return call.responder->fail(*params.error());
  later(std::move(call),
        [this, since, limit] { return audit_.read(static_cast<std::int64_t>(since), limit); });
}

void ControlApi::audit_verify(Call&& call) {
  later(std::move(call), [this]() -> base::Result<json> {
    const auto report = audit_.verify();
    if (!report) return report.error();
    return storage::chain_report_json(report.value());
  });
}

void ControlApi::events_follow(Call&& call) {
  if (const auto begun = events_.follow(call.caller.uid, call.responder); !begun)
    call.responder->fail(begun.error());
}

void ControlApi::selftest(Call&& call) {
  later(std::move(call), [this]() -> base::Result<json> { return self_test_json(*self_test_.run()); });
}

void ControlApi::certificate(Call&& call) {
  later(std::move(call), [this]() -> base::Result<json> {
    return self_test_certificate(settings_, *publisher_.view(), *self_test_.run());
  });
}

// ---- changing ----

void ControlApi::list_reload(Call&& call) {
  CallParams params(*call.params);
  const std::string list = params.text("list", kMaxName);
  const bool dry_run = params.flag("dry_run");
  if (params.error()) return call.responder->fail(*params.error());
  updates_.reload(std::move(call.caller), list, dry_run, answer_to(call));
}

void ControlApi::list_diff(Call&& call) {
  CallParams params(*call.params);
  const std::string list = params.required_text("list", kMaxName);
  const bool entries = params.flag("entries");
  if (params.error()) return call.responder->fail(*params.error());
  updates_.diff(std::move(call.caller), list, entries, answer_to(call));
}

void ControlApi::rule_add(Call&& call) {
  CallParams params(*call.params);
  RuleRequest request{.list = params.text("list", kMaxName),
                      .entry = params.required_text("entry", proto::kMaxUrlBytes),
                      .action = rules::Action::block,
                      .comment = params.text("comment", kMaxComment),
                      .expires_unix_seconds = 0,
                      .confirmed = params.flag("confirm")};
  const std::string action = params.text("action", kMaxName);
  if (action == "allow") request.action = rules::Action::allow;
  if (!action.empty() && action != "allow" && action != "block") params.refuse("action", "block or allow");
  const auto expires = call.params->find("expires");
  if (expires != call.params->end() && expires->is_string()) {
    const auto moment = base::parse_moment(expires->get_ref<const std::string&>(), base::unix_now());
    if (!moment)
      params.refuse("expires", "a span (30m, 12h, 7d) or a time (2026-01-02, 2026-01-02T03:04:05Z)");
    request.expires_unix_seconds = moment.value_or(0);
  } else {
    request.expires_unix_seconds = static_cast<std::int64_t>(params.number("expires", kAny).value_or(0));
  }
  if (params.error()) return call.responder->fail(*params.error());
  updates_.add_rule(std::move(call.caller), std::move(request), answer_to(call));
}

void ControlApi::rule_remove(Call&& call) {
  CallParams params(*call.params);
  RemoveRequest request{.list = params.text("list", kMaxName),
                        .id = std::nullopt,
                        .entry = params.text("entry", proto::kMaxUrlBytes)};
  if (const auto id = params.number("id", std::numeric_limits<std::uint32_t>::max())) {
    request.id = static_cast<std::uint32_t>(*id);
  }
  if (request.id.has_value() == !request.entry.empty()) params.refuse("id", "either id or entry");
  if (params.error()) return call.responder->fail(*params.error());
  updates_.remove_rule(std::move(call.caller), std::move(request), answer_to(call));
}

void ControlApi::rollback(Call&& call) {
  CallParams params(*call.params);
  const auto generation = params.number("generation", kAny);
  if (params.error()) return call.responder->fail(*params.error());
  updates_.rollback(std::move(call.caller), generation, answer_to(call));
}

void ControlApi::enforcement(Call&& call) {
  CallParams params(*call.params);
  const std::string name = params.required_text("mode", kMaxName);
  const auto mode = base::enum_from_name<base::Enforcement>(base::kEnforcements, name);
  if (!mode) params.refuse("mode", "enforce, monitor or bypass");
  if (params.error()) return call.responder->fail(*params.error());
  updates_.set_enforcement(std::move(call.caller), *mode, answer_to(call));
}

void ControlApi::config_reload(Call&& call) { reload_(std::move(call.caller), call.responder); }

void ControlApi::breaker_reset(Call&& call) {
  CallParams params(*call.params);
  const auto rule = params.number("rule", UINT32_MAX);
  if (params.error()) return call.responder->fail(*params.error());
  std::optional<std::uint32_t> wanted;
  if (rule) wanted = static_cast<std::uint32_t>(*rule);
  updates_.reset_breaker(std::move(call.caller), wanted, answer_to(call));
}

void ControlApi::latency(Call&& call) {
  CallParams params(*call.params);
  const bool enabled = params.flag("enabled");
  if (params.error()) return call.responder->fail(*params.error());
  later(std::move(call), [this, enabled] {
    return link_.call("latency", {{"enabled", enabled}}, kCountersTimeout);
  });
}

}  // namespace weir::control
