#include "control/metrics/exporter.h"

#include <chrono>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <prometheus/exposer.h>

#include "control/metrics/metrics.h"

namespace weir::control {
namespace {

using nlohmann::json;
using prometheus::MetricFamily;

constexpr std::chrono::milliseconds kScrapeTimeout{800};

void append(std::vector<MetricFamily>& families, std::vector<MetricFamily> more) {
  families.insert(families.end(), std::move_iterator(more.begin()), std::move_iterator(more.end()));
}

}  // namespace

MetricsCollector::MetricsCollector(const config::Settings& settings, const Publisher& publisher,
                                   const DataplaneLink& link, const ReloadDurations& durations,
                                   const SelfTest& self_test)
    : settings_(settings), publisher_(publisher), link_(link), durations_(durations), self_test_(self_test) {}

std::vector<MetricFamily> MetricsCollector::Collect() const {
  DataplaneStatus dataplane;
  auto status = link_.call("status", json::object(), kScrapeTimeout);
  if (status && status.value().is_object()) dataplane = read_dataplane_status(std::move(status).value());
  std::vector<MetricFamily> families = control_metrics(settings_, *publisher_.view(), dataplane);
  families.push_back(durations_.collect());
  if (const auto report = self_test_.last()) append(families, self_test_metrics(*report));
  if (!dataplane.up) return families;
  const auto counters = link_.call("counters", json::object(), kScrapeTimeout);
  append(families, dataplane_metrics(counters ? counters.value() : json::object(), dataplane));
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
                       fmt::format("cannot serve metrics at {}: the port is in use, or this machine does not "
                                   "have the address; change control.metrics.listen",
                                   listen)};
  }
}

}  // namespace weir::control
