#pragma once

#include <array>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include "config/settings.h"
#include "control/proof/self_test.h"
#include "control/publish/dataplane_link.h"
#include "control/publish/publisher.h"

namespace weir::control {

class Samples;

/// One metric that weir-control exports: name, help, type and labels stand here and nowhere else. `read`
/// takes the values out of a `Source` at each scrape. To add a metric, add a row to the table of its source.
/// (What the dataplane counts has rows in dataplane/counters/counters.h.)
template <class Source>
struct GaugeRow {
  std::string_view name;
  std::string_view help;
  prometheus::MetricType type = prometheus::MetricType::Gauge;
  std::array<std::string_view, 2> labels{};  // keys; unused places are empty
  void (*read)(const Source& source, Samples& samples) = nullptr;
};

/// The samples of one metric.
class Samples {
 public:
  template <class Source>
  explicit Samples(const GaugeRow<Source>& row) : labels_(row.labels) {
    family_.name = row.name;
    family_.help = row.help;
    family_.type = row.type;
  }

  /// `label_values`: one for each label of the row, in its order.
  void add(std::initializer_list<std::string_view> label_values, double value);
  /// For a row without labels.
  void add(double value) { add({}, value); }
  [[nodiscard]] prometheus::MetricFamily take() && { return std::move(family_); }

 private:
  std::array<std::string_view, 2> labels_;
  prometheus::MetricFamily family_;
};

/// One family for each row. A row that finds no value gives a family without samples.
template <class Source>
std::vector<prometheus::MetricFamily> families_of(std::span<const GaugeRow<Source>> rows,
                                                  const Source& source) {
  std::vector<prometheus::MetricFamily> families;
  families.reserve(rows.size());
  for (const GaugeRow<Source>& row : rows) {
    Samples samples(row);
    row.read(source, samples);
    families.push_back(std::move(samples).take());
  }
  return families;
}

/// What weir-control knows by itself.
struct ControlState {
  const config::Settings& settings;
  const View& view;
  const DataplaneStatus& dataplane;
};

std::span<const GaugeRow<ControlState>> control_gauges() noexcept;
/// Taken from the dataplane's `status` answer, while it answers.
std::span<const GaugeRow<DataplaneStatus>> dataplane_gauges() noexcept;
/// Taken from the last self-test, once there was one.
std::span<const GaugeRow<SelfTestReport>> self_test_gauges() noexcept;

}  // namespace weir::control
