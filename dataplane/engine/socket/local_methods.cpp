#include "dataplane/engine/socket/local_methods.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <rte_version.h>

#include "dataplane/base/version.h"
#include "dataplane/engine/socket/counters_report.h"
#include "dataplane/engine/socket/event_report.h"

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
  // relaxed: only this thread writes it.
  const auto mode = parts_.shared.enforcement.load(std::memory_order_relaxed);
  return nlohmann::json{{"pid", getpid()},
                        {"uptime_seconds", static_cast<std::uint64_t>(seconds_since(started_))},
                        {"enforcement", base::to_string(mode)},
                        {"snapshot", snapshot_status()},
                        {"ports", port_status()},
                        {"workers", worker_status()},
                        {"flows", flow_status()},
                        {"tripped_rules", parts_.tripped_rules.rules()},
                        {"latency_histogram", parts_.shared.measure_latency.load(std::memory_order_relaxed)},
                        {"mbufs", mbuf_status()}};
}

nlohmann::json LocalMethods::snapshot_status() const {
  const Snapshot* active = parts_.snapshots.active();
  if (active == nullptr) return nullptr;
  nlohmann::json lists = nlohmann::json::array();
  for (std::size_t i = 0; i < active->view.list_count(); ++i) {
    const base::ListIndex list{static_cast<std::uint8_t>(i)};
    lists.push_back({{"name", active->view.list_name(list)},
                     {"whole_host_rules", active->view.whole_host_rules(list)},
                     {"path_rules", active->view.path_rules(list)}});
  }
  return {{"generation", active->view.generation().value},
          {"created_unix_seconds", active->view.created_unix_seconds()},
          {"activated_unix_seconds", parts_.snapshots.activated_unix_seconds()},
          {"base_generation", active->view.id().generation.value},
          {"bytes", active->bytes()},
          {"lists", std::move(lists)}};
}

nlohmann::json LocalMethods::port_status() const {
  nlohmann::json ports = nlohmann::json::array();
  for (std::size_t i = 0; i < parts_.ports.size(); ++i) {
    const Port& port = *parts_.ports[i];
    TrafficCounters::Values sum;
    for (const auto& worker : parts_.workers) {
      const TrafficCounters::Values values = worker->traffic(i);
      sum.received_packets += values.received_packets;
      sum.received_bytes += values.received_bytes;
      sum.transmitted_packets += values.transmitted_packets;
      sum.transmitted_bytes += values.transmitted_bytes;
    }
    ports.push_back({{"name", port.settings().name},
                     {"role", config::to_string(port.settings().role)},
                     {"device", port.settings().device},
                     {"link_up", port.link_up()},
                     {"received_packets", sum.received_packets},
                     {"received_bytes", sum.received_bytes},
                     {"transmitted_packets", sum.transmitted_packets},
                     {"transmitted_bytes", sum.transmitted_bytes},
                     {"missed_packets", port.missed_packets()}});
    if (parts_.shared.routing != nullptr) ports.back()["next_hops"] = next_hop_status(i);
  }
  return ports;
}

nlohmann::json LocalMethods::next_hop_status(std::size_t port) const {
  nlohmann::json hops = nlohmann::json::array();
  for (const bool is_v6 : {false, true}) {
    const NextHop* const hop = parts_.shared.routing->next_hop(port, is_v6);
    if (hop == nullptr) continue;
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(is_v6 ? AF_INET6 : AF_INET, hop->address().bytes.data(), text.data(), text.size());
    hops.push_back({{"address", text.data()}, {"resolved", hop->mac().has_value()}});
  }
  return hops;
}

nlohmann::json LocalMethods::worker_status() const {
  nlohmann::json workers = nlohmann::json::array();
  for (std::size_t i = 0; i < parts_.workers.size(); ++i) {
    workers.push_back({{"lcore", parts_.workers[i]->lcore()},
                       {"heartbeat", parts_.workers[i]->heartbeat()},
                       {"busy_ratio", parts_.load.ratio(i)}});
  }
  return workers;
}

nlohmann::json LocalMethods::flow_status() const {
  std::size_t capacity = 0;
  std::size_t blocked = 0;
  for (const auto& worker : parts_.workers) {
    capacity += worker->inspector().flow_capacity();
    blocked += worker->inspector().blocked_flows();
  }
  return {{"capacity", capacity}, {"blocked", blocked}};
}

nlohmann::json LocalMethods::mbuf_status() const {
  const MbufUse use = mbuf_use(parts_.mbufs);
  return {{"capacity", use.capacity}, {"in_use", use.in_use}};
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
