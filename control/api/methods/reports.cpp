#include "control/api/call_params.h"
#include "control/api/methods/handlers.h"
#include "control/api/methods/method.h"
#include "control/api/status_report.h"
#include "dataplane/base/unix_time.h"
#include "dataplane/base/version.h"
#include "dataplane/counters/counters.h"

namespace weir::control::handlers {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kDataplaneTimeout{3000};

/// By list. Throws json::exception if `counters` is not an answer of this version.
json unseen_connections(const json& counters) {
  const base::CounterRow& row = base::kCounters[base::index_of(base::Counter::unenforceable)];
  json unseen = json::object();
  for (const json& family : counters.value("families", json::array())) {
    if (family.value("name", "") != row.name) continue;
    for (const json& sample : family.value("samples", json::array())) {
      unseen[sample.at("labels").value("list", "")] = sample.value("value", std::uint64_t{0});
    }
  }
  return unseen;
}

}  // namespace

void version(ApiContext&, Call&& call) {
  call.responder->result({{"version", base::version()}, {"git", base::git_revision()}});
}

void describe_methods(ApiContext&, Call&& call) {
  json rows = json::array();
  for (const Method& method : control::methods()) {
    json params = json::array();
    for (const std::string_view name : method.params) params.push_back(name);
    rows.push_back({{"name", method.name},
                    {"role", to_string(method.role)},
                    {"params", std::move(params)},
                    {"help", method.help}});
  }
  call.responder->result({{"methods", std::move(rows)}});
}

void status(ApiContext& api, Call&& call) {
  const std::int64_t now = base::unix_now();
  json report =
      status_report(api.settings, *api.publisher.view(), *api.link.status(), api.self_test.last().get(), now);
  report["uptime_seconds"] = now - api.started_unix_seconds;
  call.responder->result(report);
}

void counters(ApiContext& api, Call&& call) {
  api.answer_later(call, [&api] { return api.link.call("counters", json::object(), kDataplaneTimeout); });
}

void latency(ApiContext& api, Call&& call) {
  CallParams params(*call.params);
  const bool enabled = params.flag("enabled");
  if (params.error()) return call.responder->fail(*params.error());
  api.answer_later(call, [&api, enabled] {
    return api.link.call("latency", {{"enabled", enabled}}, kDataplaneTimeout);
  });
}

void enforceability(ApiContext& api, Call&& call) {
  api.answer_later(call, [&api]() -> base::Result<json> {
    json report = enforceability_report(api.settings, *api.publisher.view());
    const auto counters = api.link.call("counters", json::object(), kDataplaneTimeout);
    report["unseen_connections"] = counters ? unseen_connections(counters.value()) : json(nullptr);
    return report;
  });
}

}  // namespace weir::control::handlers
