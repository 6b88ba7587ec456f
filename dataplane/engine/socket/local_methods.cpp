#include "dataplane/engine/socket/local_methods.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <rte_version.h>

#include "dataplane/base/version.h"
#include "dataplane/engine/socket/counters_report.h"
#include "dataplane/engine/socket/event_report.h"
#include "dataplane/engine/socket/status_report.h"

namespace weir::engine {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

base::Error error(std::string code, std::string message) {
  return base::Error{.code = std::move(code), .message = std::move(message)};
}

}  // namespace

const std::vector<LocalMethods::Method>& LocalMethods::methods() {
  static const std::vector<Method> kMethods{
      {.name = "version", .run = &LocalMethods::version},
      {.name = "status", .run = &LocalMethods::status},
      {.name = "counters", .run = &LocalMethods::counters},
      {.name = "enforcement", .run = &LocalMethods::enforcement},
      {.name = "breaker.reset", .run = &LocalMethods::reset_breaker},
      {.name = "latency", .run = &LocalMethods::latency},
      {.name = "selftest", .run = &LocalMethods::self_test},
      {.name = "events.take", .run = &LocalMethods::events},
      {.name = "reconfigure", .run = &LocalMethods::reload_configuration},
      {.name = "config.reload", .run = &LocalMethods::reload_configuration},  // its old name
      {.name = "snapshot.load", .run = &LocalMethods::load_snapshot},
  };
  return kMethods;
}

void LocalMethods::handle(rpc::Request&& request, rpc::Responder& responder) {
  const auto method = std::find_if(methods().begin(), methods().end(),
                                   [&](const Method& candidate) { return candidate.name == request.method; });
  if (method == methods().end()) {
    responder.fail(error("method_not_found", fmt::format("no method '{}'", request.method)));
    return;
  }
  const Answer answer = (this->*method->run)(request);
  if (answer) {
    responder.result(answer.value());
  } else {
    responder.fail(answer.error());
  }
}

LocalMethods::Answer LocalMethods::version(const rpc::Request&) {
  const std::string_view dpdk = rte_version();  // "DPDK 22.11.11"
  return nlohmann::json{
      {"version", base::version()}, {"git", base::git_revision()}, {"dpdk", dpdk.substr(dpdk.find(' ') + 1)}};
}

LocalMethods::Answer LocalMethods::status(const rpc::Request&) {
  nlohmann::json status = status_report({.snapshots = parts_.snapshots,
                                         .shared = parts_.shared,
                                         .workers = parts_.workers,
                                         .ports = parts_.ports,
                                         .load = parts_.load,
                                         .mbufs = parts_.mbufs});
  status["uptime_seconds"] = static_cast<std::uint64_t>(seconds_since(started_));
  status["rules_beyond_limit"] = parts_.tripped_rules.beyond();
  status["tripped_rules"] = parts_.tripped_rules.rules();
  return status;
}

LocalMethods::Answer LocalMethods::counters(const rpc::Request&) {
  std::vector<const base::Counters*> counters{&parts_.counters};
  for (const auto& worker : parts_.workers) counters.push_back(&worker->counters());
  nlohmann::json report = counters_report(counters, parts_.snapshots.current());
  std::vector<LatencyHistogram::Values> latencies;
  for (const auto& worker : parts_.workers) latencies.push_back(worker->latency().values());
  report["histograms"] = nlohmann::json::array({latency_report(latencies)});
  return report;
}

LocalMethods::Answer LocalMethods::reset_breaker(const rpc::Request& request) {
  const auto rule = request.params->find("rule");
  std::optional<base::RuleId> wanted;
  if (rule != request.params->end()) {
    if (!rule->is_number_unsigned() || rule->get<std::uint64_t>() > UINT32_MAX) {
      return error("invalid_params", "rule: expected the id of a rule");
    }
    wanted = base::RuleId{rule->get<std::uint32_t>()};
  }
  const std::size_t count = parts_.tripped_rules.reset(wanted);
  if (wanted && count == 0) {
    return error("not_suspended", fmt::format("rule {} is not tripped", wanted->value));
  }
  if (count != 0)
    spdlog::warn("{} tripped rule(s) are back in force, by request of uid {}", count, request.peer.uid);
  return nlohmann::json{{"reset", count}};
}

LocalMethods::Answer LocalMethods::latency(const rpc::Request& request) {
  const auto enabled = request.params->find("enabled");
  if (enabled == request.params->end() || !enabled->is_boolean()) {
    return error("invalid_params", "enabled: expected true or false");
  }
  // relaxed: the current burst keeps the old value.
  parts_.shared.measure_latency.store(enabled->get<bool>(), std::memory_order_relaxed);
  return nlohmann::json{{"enabled", enabled->get<bool>()}};
}

LocalMethods::Answer LocalMethods::events(const rpc::Request& request) {
  const auto skip = request.params->find("skip");
  if (skip != request.params->end() && !skip->is_boolean()) {
    return error("invalid_params", "skip: expected true or false");
  }
  const Snapshot* const active = parts_.snapshots.active();
  return take_events(parts_.workers, active == nullptr ? nullptr : &active->view,
                     skip != request.params->end() && skip->get<bool>());
}

LocalMethods::Answer LocalMethods::self_test(const rpc::Request& request) {
  const auto host = [&request](const char* name) {
    const auto value = request.params->find(name);
    return value != request.params->end() && value->is_string() ? value->get<std::string>() : std::string();
  };
  return parts_.self_test.run(host("listed"), host("unlisted"));
}

LocalMethods::Answer LocalMethods::reload_configuration(const rpc::Request& /*request*/) {
  return parts_.reconfiguration.reload();
}

LocalMethods::Answer LocalMethods::enforcement(const rpc::Request& request) {
  const auto mode = request.params->find("mode");
  const auto wanted =
      mode != request.params->end() && mode->is_string()
          ? base::enum_from_name<base::Enforcement>(base::kEnforcements, mode->get_ref<const std::string&>())
          : std::nullopt;
  if (!wanted) return error("invalid_params", "mode: expected \"enforce\", \"monitor\" or \"bypass\"");
  // relaxed: the current burst keeps the old value.
  const auto before = parts_.shared.enforcement.exchange(*wanted, std::memory_order_relaxed);
  if (before != *wanted) {
    spdlog::warn("W110: enforcement is now {} (it was {}), by request of uid {}", base::to_string(*wanted),
                 base::to_string(before), request.peer.uid);
  }
  return nlohmann::json{{"enforcement", base::to_string(*wanted)}};
}

base::Result<std::unique_ptr<const Snapshot>> LocalMethods::join(const Snapshot& overlay,
                                                                 const rpc::Request& request) const {
  const Snapshot* const active = parts_.snapshots.active();
  if (active != nullptr && active->view.id() == overlay.view.needs()) return Snapshot::join(*active, overlay);
  if (request.descriptors.size() < 2) {
    return error("snapshot_base",
                 fmt::format("generation {} is an overlay on generation {}, which is not in force: send both",
                             overlay.view.generation().value, overlay.view.needs().generation.value));
  }
  auto base = Snapshot::load(request.descriptors[1].get());
  if (!base) return base;
  return Snapshot::join(*base.value(), overlay);
}

LocalMethods::Answer LocalMethods::load_snapshot(const rpc::Request& request) {
  const auto generation = request.params->find("generation");
  if (generation == request.params->end() || !generation->is_number_unsigned()) {
    return error("invalid_params", "generation: expected a whole number");
  }
  if (request.descriptors.empty() || request.descriptors.size() > 2) {
    return error("no_descriptor",
                 fmt::format("expected one file descriptor with the request, or two with the "
                             "base of an overlay, got {}",
                             request.descriptors.size()));
  }
  const Clock::time_point begin = Clock::now();
  const auto wanted = generation->get<std::uint64_t>();
  const auto refuse = [&](const base::Error& why) {
    parts_.counters.add(base::Counter::snapshots_refused);
    spdlog::error("W109: snapshot generation {} is refused: {}: {}", wanted, why.code, why.message);
    return why;
  };
  auto snapshot = Snapshot::load(request.descriptors.front().get());
  if (snapshot && snapshot.value()->view.is_overlay()) snapshot = join(*snapshot.value(), request);
  if (!snapshot) return refuse(snapshot.error());
  const std::uint64_t actual = snapshot.value()->view.generation().value;
  if (actual != wanted) {
    return refuse(
        error("snapshot_mismatch", fmt::format("the file contains generation {}, not {}", actual, wanted)));
  }
  if (const auto published = parts_.snapshots.publish(std::move(snapshot).value()); !published) {
    return refuse(published.error());
  }
  parts_.tripped_rules.snapshot_changed();
  const double seconds = seconds_since(begin);
  spdlog::info("snapshot generation {} is active on every worker after {:.6f} s", wanted, seconds);
  return nlohmann::json{{"generation", wanted}, {"active", true}, {"seconds", seconds}};
}

}  // namespace weir::engine
