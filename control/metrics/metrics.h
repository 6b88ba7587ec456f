#pragma once

#include <vector>

#include <nlohmann/json_fwd.hpp>
#include <prometheus/metric_family.h>

#include "config/settings.h"
#include "control/proof/self_test.h"
#include "control/publish/dataplane_link.h"
#include "control/publish/publisher.h"

namespace weir::control {

/// Everything that is exported, as metric families. Labels hold names of lists, ports and reasons; never a
/// host, a URL or a subscriber.

/// What weir-control knows by itself.
std::vector<prometheus::MetricFamily> control_metrics(const config::Settings& settings, const View& view,
                                                      const DataplaneStatus& dataplane);
/// The families of the dataplane's `counters` answer, then the gauges of its `status`. `counters` may be any
/// JSON: what does not have the expected shape is left out.
std::vector<prometheus::MetricFamily> dataplane_metrics(const nlohmann::json& counters,
                                                        const DataplaneStatus& dataplane);
/// Whether the last self-test passed, by protocol.
std::vector<prometheus::MetricFamily> self_test_metrics(const SelfTestReport& report);

}  // namespace weir::control
