#include "control/metrics/reload_durations.h"

#include <array>
#include <limits>

namespace weir::control {
namespace {

constexpr std::array<double, 12> kBounds{0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 120};

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

prometheus::MetricFamily ReloadDurations::collect() const {
  prometheus::MetricFamily result;
  result.name = "weir_reload_duration_seconds";
  result.help = "How long each stage of an update took";
  result.type = prometheus::MetricType::Histogram;
  const std::lock_guard lock(mutex_);
  for (const auto& [stage, histogram] : stages_) {
    prometheus::ClientMetric metric;
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

}  // namespace weir::control
