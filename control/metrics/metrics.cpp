#include "control/metrics/metrics.h"

#include <iterator>
#include <limits>

#include <nlohmann/json.hpp>

#include "control/metrics/gauges.h"
#include "control/metrics/json_fields.h"

namespace weir::control {
namespace {

using nlohmann::json;
using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

/// The dataplane names and describes its own metrics: this passes one on.
MetricFamily relayed(const json& source, MetricType type) {
  MetricFamily family;
  family.name = text_field(source, "name");
  family.help = text_field(source, "help");
  family.type = type;
  return family;
}

MetricFamily relayed_counter(const json& source) {
  MetricFamily family = relayed(source, MetricType::Counter);
  for (const json& sample : array_field(source, "samples")) {
    if (!sample.is_object()) continue;
    ClientMetric metric;
    const auto labels = sample.find("labels");
    if (labels != sample.end() && labels->is_object()) {
      for (const auto& [key, value] : labels->items()) {
        if (value.is_string()) metric.label.push_back({key, value.get<std::string>()});
      }
    }
    metric.counter.value = number_field(sample, "value");
    family.metric.push_back(std::move(metric));
  }
  return family;
}

MetricFamily relayed_histogram(const json& source) {
  MetricFamily family = relayed(source, MetricType::Histogram);
  ClientMetric metric;
  metric.histogram.sample_count = static_cast<std::uint64_t>(number_field(source, "count"));
  metric.histogram.sample_sum = number_field(source, "sum_seconds");
  for (const json& bucket : array_field(source, "buckets")) {
    if (!bucket.is_object()) continue;
    metric.histogram.bucket.push_back(
        {.cumulative_count = static_cast<std::uint64_t>(number_field(bucket, "count")),
         .upper_bound = number_field(bucket, "below_seconds")});
  }
  metric.histogram.bucket.push_back({.cumulative_count = metric.histogram.sample_count,
                                     .upper_bound = std::numeric_limits<double>::infinity()});
  family.metric.push_back(std::move(metric));
  return family;
}

bool is_ours(const json& source) { return text_field(source, "name").starts_with("weir_"); }

}  // namespace

std::vector<MetricFamily> control_metrics(const config::Settings& settings, const View& view,
                                          const DataplaneStatus& dataplane) {
  return families_of(control_gauges(),
                     ControlState{.settings = settings, .view = view, .dataplane = dataplane});
}

std::vector<MetricFamily> dataplane_metrics(const json& counters, const DataplaneStatus& dataplane) {
  std::vector<MetricFamily> families;
  for (const json& source : array_field(counters, "families")) {
    if (is_ours(source)) families.push_back(relayed_counter(source));
  }
  // A histogram that is switched off counts nothing.
  for (const json& source : array_field(counters, "histograms")) {
    if (is_ours(source) && number_field(source, "count") > 0) families.push_back(relayed_histogram(source));
  }
  auto gauges = families_of(dataplane_gauges(), dataplane);
  families.insert(families.end(), std::move_iterator(gauges.begin()), std::move_iterator(gauges.end()));
  return families;
}

std::vector<MetricFamily> self_test_metrics(const SelfTestReport& report) {
  return families_of(self_test_gauges(), report);
}

}  // namespace weir::control
