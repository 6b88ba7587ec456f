#include "tests/scenario/catalogue/catalogue.h"

#include <utility>

namespace weir::scenario {

std::vector<Scenario> all_scenarios() {
  std::vector<Scenario> all;
  for (auto* group : {&http_scenarios, &h2c_scenarios, &tls_scenarios, &quic_scenarios, &frame_scenarios,
                      &connection_scenarios, &stream_scenarios, &ordinary_scenarios, &decoy_scenarios,
                      &connection_lie_scenarios, &http_disguise_scenarios, &lenient_server_scenarios,
                      &tls_disguise_scenarios, &sequence_scenarios, &fragment_scenarios, &flood_scenarios,
                      &port_reuse_scenarios, &path_scenarios}) {
    for (Scenario& scenario : group()) all.push_back(std::move(scenario));
  }
  return all;
}

}  // namespace weir::scenario
