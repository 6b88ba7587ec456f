#pragma once

#include <memory>
#include <string>
#include <vector>

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include "config/settings.h"
#include "control/metrics/reload_durations.h"
#include "control/proof/self_test.h"
#include "control/publish/dataplane_link.h"
#include "control/publish/publisher.h"
#include "dataplane/base/result.h"

namespace prometheus {
class Exposer;
}

namespace weir::control {

/// Collects at each scrape: two short calls to the dataplane, no cached number.
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
