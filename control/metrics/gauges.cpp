#include "control/metrics/gauges.h"

namespace weir::control {

void Samples::add(std::initializer_list<std::string_view> label_values, double value) {
  prometheus::ClientMetric metric;
  std::size_t place = 0;
  for (const std::string_view text : label_values) {
    metric.label.push_back({std::string(labels_.at(place)), std::string(text)});
    ++place;
  }
  const bool counts = family_.type == prometheus::MetricType::Counter;
  (counts ? metric.counter.value : metric.gauge.value) = value;
  family_.metric.push_back(std::move(metric));
}

}  // namespace weir::control
