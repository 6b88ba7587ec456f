#include "control/metrics/metrics.h"

#include <array>
#include <chrono>
#include <functional>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include "dataplane/base/outcome.h"
#include "dataplane/base/version.h"

namespace weir::control {
namespace {

using nlohmann::json;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

constexpr std::chrono::milliseconds kScrapeTimeout{800};
constexpr std::array<double, 12> kBounds{0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 120};

MetricFamily family(std::string name, std::string help, MetricType type) {
  MetricFamily result;
  result.name = std::move(name);
  result.help = std::move(help);
  result.type = type;
  return result;
}

void add(MetricFamily& to, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  (to.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  to.metric.push_back(std::move(metric));
}

MetricFamily single(std::string name, std::string help, MetricType type, double value) {
  MetricFamily result = family(std::move(name), std::move(help), type);
  add(result, {}, value);
  return result;
}

double number(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : 0.0;
}

std::string text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// A member that is an array, else an empty one.
const json& array_of(const json& object, const char* key) {
  static const json kEmpty = json::array();
  if (!object.is_object()) return kEmpty;
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : kEmpty;
}

MetricFamily counter_family(const json& source) {
  MetricFamily result = family(text(source, "name"), text(source, "help"), MetricType::Counter);
  for (const json& sample : array_of(source, "samples")) {
    if (!sample.is_object()) continue;
    Labels labels;
    const auto named = sample.find("labels");
    if (named != sample.end() && named->is_object()) {
      for (const auto& [key, value] : named->items()) {
        if (value.is_string()) labels.push_back({key, value.get<std::string>()});
      }
    }
    add(result, std::move(labels), number(sample, "value"));
  }
  return result;
}

/// `source` is one of the histograms in the dataplane's answer.
MetricFamily histogram_family(const json& source) {
  MetricFamily result = family(text(source, "name"), text(source, "help"), MetricType::Histogram);
  prometheus::ClientMetric metric;
  metric.histogram.sample_count = static_cast<std::uint64_t>(number(source, "count"));
  metric.histogram.sample_sum = number(source, "sum_seconds");
  for (const json& bucket : array_of(source, "buckets")) {
    if (!bucket.is_object()) continue;
    metric.histogram.bucket.push_back(
        {.cumulative_count = static_cast<std::uint64_t>(number(bucket, "count")),
         .upper_bound = number(bucket, "below_seconds")});
  }
  metric.histogram.bucket.push_back({.cumulative_count = metric.histogram.sample_count,
                                     .upper_bound = std::numeric_limits<double>::infinity()});
  result.metric.push_back(std::move(metric));
  return result;
}

void add_ports(std::vector<MetricFamily>& families, const json& status) {
  struct Row {
    const char* name;
    const char* help;
    const char* key;
  };
  constexpr std::array<Row, 5> rows{{
      {"weir_port_received_packets_total", "Packets received at a port", "received_packets"},
      {"weir_port_received_bytes_total", "Bytes received at a port", "received_bytes"},
      {"weir_port_transmitted_packets_total", "Packets sent from a port", "transmitted_packets"},
      {"weir_port_transmitted_bytes_total", "Bytes sent from a port", "transmitted_bytes"},
      {"weir_port_missed_packets_total", "Packets that the device dropped: no room in its queue",
       "missed_packets"},
  }};
  for (const Row& row : rows) {
    MetricFamily result = family(row.name, row.help, MetricType::Counter);
    for (const json& port : array_of(status, "ports")) {
      if (port.is_object()) add(result, {{"port", text(port, "name")}}, number(port, row.key));
    }
    families.push_back(std::move(result));
  }
  MetricFamily link = family("weir_port_link_up", "Whether a port has a link", MetricType::Gauge);
  for (const json& port : array_of(status, "ports")) {
    if (!port.is_object() || !port.contains("link_up") || !port["link_up"].is_boolean()) continue;
    add(link, {{"port", text(port, "name")}}, port["link_up"].get<bool>() ? 1 : 0);
  }
  families.push_back(std::move(link));
}

MetricFamily list_gauge(const char* name, const char* help, const View& view,
                        const std::function<double(std::size_t)>& value) {
  MetricFamily result = family(name, help, MetricType::Gauge);
  for (std::size_t i = 0; i < view.state.lists.size(); ++i)
    add(result, {{"list", view.state.lists[i].name}}, value(i));
  return result;
}

MetricFamily list_entries(const View& view) {
  MetricFamily result = family("weir_list_entries", "Entries of a list by kind", MetricType::Gauge);
  for (std::size_t i = 0; i < view.state.lists.size(); ++i) {
    const std::string& name = view.state.lists[i].name;
    const RuleSet* rules = view.contents[i] == nullptr ? nullptr : &view.contents[i]->rules;
    const std::size_t whole = rules == nullptr ? 0 : rules->whole_host_rules();
    const std::size_t paths = rules == nullptr ? 0 : rules->size() - whole;
    add(result, {{"list", name}, {"kind", "whole_host"}}, static_cast<double>(whole));
    add(result, {{"list", name}, {"kind", "path"}}, static_cast<double>(paths));
  }
  return result;
}

MetricFamily list_errors(const View& view) {
  MetricFamily result = family("weir_list_errors_total",
                               "What went wrong with a list: failed stages, and refused lines "
                               "(parse)",
                               MetricType::Counter);
  for (std::size_t i = 0; i < view.health.size(); ++i) {
    for (const StageRow& stage : kStages) {
      if (!stage.counts_list_errors) continue;
      add(result, {{"list", view.state.lists[i].name}, {"stage", std::string(stage.name)}},
          static_cast<double>(view.health[i].errors_at(stage.value)));
    }
  }
  return result;
}

MetricFamily list_deltas(const config::Settings& settings, const View& view) {
  MetricFamily result = family("weir_list_deltas_total",
                               "Changes of a feed that were asked for: applied, expired (the server had none "
                               "since the token), or refused; after the last two the list comes whole",
                               MetricType::Counter);
  for (std::size_t i = 0; i < view.health.size(); ++i) {
    if (settings.lists[i].delta.url.empty()) continue;
    for (const DeltaResultRow& row : kDeltaResults) {
      add(result, {{"list", view.state.lists[i].name}, {"result", std::string(row.name)}},
          static_cast<double>(view.health[i].deltas_with(row.value)));
    }
  }
  return result;
}

}  // namespace

void ReloadDurations::observe(std::string_view stage, double seconds) {
  const std::lock_guard lock(mutex_);
  auto found = stages_.find(stage);
  if (found == stages_.end()) found = stages_.emplace(stage, Histogram{}).first;
  Histogram& histogram = found->second;
  histogram.counts.resize(kBounds.size() + 1);
  std::size_t bucket = 0;
  while (bucket < kBounds.size() && seconds > kBounds[bucket]) ++bucket;
  ++histogram.counts[bucket];
  histogram.sum += seconds;
}

MetricFamily ReloadDurations::collect() const {
  MetricFamily result =
      family("weir_reload_duration_seconds", "How long the stages of updates took", MetricType::Histogram);
  const std::lock_guard lock(mutex_);
  for (const auto& [stage, histogram] : stages_) {
    ClientMetric metric;
    metric.label.push_back({"stage", stage});
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
      cumulative += histogram.counts[i];
      const double bound = i < kBounds.size() ? kBounds[i] : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({cumulative, bound});
    }
    metric.histogram.sample_count = cumulative;
    metric.histogram.sample_sum = histogram.sum;
    result.metric.push_back(std::move(metric));
  }
  return result;
}

std::vector<MetricFamily> dataplane_metrics(const json& counters, const json& status) {
  std::vector<MetricFamily> families;
  for (const json& source : array_of(counters, "families")) {
    if (source.is_object() && text(source, "name").starts_with("weir_"))
      families.push_back(counter_family(source));
  }
  for (const json& source : array_of(counters, "histograms")) {
    if (source.is_object() && text(source, "name").starts_with("weir_") && number(source, "count") > 0)
      families.push_back(histogram_family(source));
  }
  families.push_back(single("weir_rules_tripped", "Rules that do not hold because they matched too often",
                            MetricType::Gauge,
                            static_cast<double>(array_of(status, "tripped_rules").size())));
  add_ports(families, status);
  MetricFamily busy =
      family("weir_lcore_busy_ratio", "Share of its time that a worker has packets to do", MetricType::Gauge);
  for (const json& worker : array_of(status, "workers")) {
    if (worker.is_object()) {
      add(busy, {{"lcore", fmt::format("{:.0f}", number(worker, "lcore"))}}, number(worker, "busy_ratio"));
    }
  }
  families.push_back(std::move(busy));
  MetricFamily flows = family("weir_flows", "Flows in the workers' tables", MetricType::Gauge);
  if (status.is_object() && status.contains("flows") && status["flows"].is_object()) {
    add(flows, {{"state", "blocked"}}, number(status["flows"], "blocked"));
  }
  families.push_back(std::move(flows));
  if (status.is_object() && status.contains("flows") && status["flows"].is_object()) {
    families.push_back(single("weir_flow_capacity", "Flows that the workers' tables hold at most",
                              MetricType::Gauge, number(status["flows"], "capacity")));
  }
  if (status.is_object() && status.contains("uptime_seconds")) {
    families.push_back(single("weir_dataplane_uptime_seconds", "How long the dataplane has run",
                              MetricType::Gauge, number(status, "uptime_seconds")));
  }
  MetricFamily mbufs = family("weir_mbufs", "Packet buffers of the dataplane", MetricType::Gauge);
  if (status.is_object() && status.contains("mbufs") && status["mbufs"].is_object()) {
    for (const char* state : {"in_use", "capacity"}) {
      add(mbufs, {{"state", state}}, number(status["mbufs"], state));
    }
  }
  families.push_back(std::move(mbufs));
  return families;
}

std::vector<MetricFamily> control_metrics(const config::Settings& settings, const View& view,
                                          const DataplaneStatus& dataplane) {
  std::vector<MetricFamily> families;
  MetricFamily build = family("weir_build_info", "Version of weir-control; always 1", MetricType::Gauge);
  add(build, {{"version", std::string(base::version())}, {"revision", std::string(base::git_revision())}}, 1);
  families.push_back(std::move(build));
  families.push_back(
      single("weir_dataplane_up", "Whether the dataplane answers", MetricType::Gauge, dataplane.up ? 1 : 0));
  MetricFamily generation = family("weir_snapshot_generation",
                                   "Generation that was built last, and the one in force", MetricType::Gauge);
  add(generation, {{"stage", "built"}}, static_cast<double>(view.state.generation.value));
  if (dataplane.up) add(generation, {{"stage", "active"}}, static_cast<double>(dataplane.generation.value));
  families.push_back(std::move(generation));
  families.push_back(single("weir_snapshot_built_timestamp_seconds", "When the last generation was built",
                            MetricType::Gauge, static_cast<double>(view.state.created_unix_seconds)));
  if (dataplane.up) {
    families.push_back(single("weir_snapshot_active_timestamp_seconds",
                              "When the generation in force was activated", MetricType::Gauge,
                              static_cast<double>(dataplane.activated_unix_seconds)));
    MetricFamily mode =
        family("weir_enforcement", "1 for the mode that the dataplane is in", MetricType::Gauge);
    for (const base::EnumRow& row : base::kEnforcements) {
      add(mode, {{"mode", std::string(row.name)}}, text(dataplane.raw, "enforcement") == row.name ? 1 : 0);
    }
    families.push_back(std::move(mode));
  }
  families.push_back(list_entries(view));
  families.push_back(list_errors(view));
  families.push_back(list_deltas(settings, view));
  families.push_back(list_gauge(
      "weir_list_last_attempt_timestamp_seconds", "When a feed was asked for last", view, [&](std::size_t i) {
        return static_cast<double>(std::max(view.state.lists[i].last_attempt_unix_seconds,
                                            view.health[i].last_attempt_unix_seconds.value_or(0)));
      }));
  families.push_back(list_gauge(
      "weir_list_last_success_timestamp_seconds", "When a feed was good last", view,
      [&](std::size_t i) { return static_cast<double>(view.state.lists[i].last_success_unix_seconds); }));
  families.push_back(
      list_gauge("weir_list_max_age_seconds", "Age at which a feed counts as stale", view,
                 [&](std::size_t i) { return static_cast<double>(settings.lists[i].max_age.count()); }));
  return families;
}

MetricsCollector::MetricsCollector(const config::Settings& settings, const Publisher& publisher,
                                   const DataplaneLink& link, const ReloadDurations& durations,
                                   const SelfTest& self_test)
    : settings_(settings), publisher_(publisher), link_(link), durations_(durations), self_test_(self_test) {}

std::vector<MetricFamily> self_test_metrics(const SelfTestReport& self_test) {
  if (self_test.time_unix_seconds == 0) return {};
  MetricFamily success =
      family("weir_selftest_success", "Whether every worker blocked the canary and passed the unlisted host",
             MetricType::Gauge);
  MetricFamily time =
      family("weir_selftest_timestamp_seconds", "When the last self-test was made", MetricType::Gauge);
  // A test that could not be made has failed, over every protocol.
  std::map<std::string, bool> protocols = self_test.success;
  if (self_test.error) protocols = {{"http", false}, {"tls", false}, {"quic", false}};
  for (const auto& [protocol, good] : protocols) {
    add(success, {{"protocol", protocol}}, good ? 1 : 0);
    add(time, {{"protocol", protocol}}, static_cast<double>(self_test.time_unix_seconds));
  }
  return {std::move(success), std::move(time)};
}

std::vector<MetricFamily> MetricsCollector::Collect() const {
  const json none = json::object();
  DataplaneStatus dataplane;
  auto status = link_.call("status", none, kScrapeTimeout);
  if (status && status.value().is_object()) dataplane = read_dataplane_status(std::move(status).value());
  std::vector<MetricFamily> families = control_metrics(settings_, *publisher_.view(), dataplane);
  families.push_back(durations_.collect());
  for (MetricFamily& each : self_test_metrics(*self_test_.last())) families.push_back(std::move(each));
  if (!dataplane.up) return families;
  const auto counters = link_.call("counters", none, kScrapeTimeout);
  for (MetricFamily& each : dataplane_metrics(counters ? counters.value() : none, dataplane.raw)) {
    families.push_back(std::move(each));
  }
  return families;
}

base::Result<std::unique_ptr<prometheus::Exposer>> expose_metrics(
    const std::string& listen, const std::shared_ptr<prometheus::Collectable>& collector) {
  try {
    auto exposer = std::make_unique<prometheus::Exposer>(listen);
    exposer->RegisterCollectable(collector);
    return exposer;
  } catch (const std::exception&) {
    return base::Error{"metrics_listen",
                       fmt::format("cannot serve metrics at {}: the port is taken, or the address is not "
                                   "this machine's; change control.metrics.listen",
                                   listen)};
  }
}

}  // namespace weir::control
