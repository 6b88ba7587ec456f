#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include "config/settings.h"
#include "control/proof/self_test.h"
#include "control/publish/dataplane_link.h"
#include "control/publish/publisher.h"
#include "dataplane/base/result.h"

namespace prometheus {
class Exposer;
}

namespace weir::control {

/// How long the stages of updates took, as a histogram for each. Any thread.
class ReloadDurations {
 public:
  void observe(std::string_view stage, double seconds);
  [[nodiscard]] prometheus::MetricFamily collect() const;

 private:
  struct Histogram {
    std::vector<std::uint64_t> counts;  // one for each bound, and one above
    double sum = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Histogram, std::less<>> stages_;
};

/// The dataplane's `counters` and `status` answers as metric families; what is not of the agreed shape is
/// left out. No label shows more than names of lists, ports and reasons.
std::vector<prometheus::MetricFamily> dataplane_metrics(const nlohmann::json& counters,
                                                        const nlohmann::json& status);
/// What control itself knows.
std::vector<prometheus::MetricFamily> control_metrics(const config::Settings& settings, const View& view,
                                                      const DataplaneStatus& dataplane);

/// Whether the last self-test was passed, by protocol; empty before there was one.
std::vector<prometheus::MetricFamily> self_test_metrics(const SelfTestReport& self_test);

/// Asks when it is asked: a scrape costs the dataplane two short calls and sees no cached number.
class MetricsCollector : public prometheus::Collectable {
 public:
  MetricsCollector(const config::Settings& settings, const Publisher& publisher, const DataplaneLink& link,
                   const ReloadDurations& durations, const SelfTest& self_test);
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const config::Settings& settings_;
  const Publisher& publisher_;
  const DataplaneLink& link_;
  const ReloadDurations& durations_;
  const SelfTest& self_test_;
};

/// Serves /metrics at `listen` (HOST:PORT). Error code: metrics_listen.
base::Result<std::unique_ptr<prometheus::Exposer>> expose_metrics(
    const std::string& listen, const std::shared_ptr<prometheus::Collectable>& collector);

}  // namespace weir::control
