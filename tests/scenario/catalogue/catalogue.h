#pragma once

#include <vector>

#include "tests/scenario/scenario.h"

namespace weir::scenario {

// One function per file of this directory.
std::vector<Scenario> http_scenarios();
std::vector<Scenario> http_disguise_scenarios();
std::vector<Scenario> lenient_server_scenarios();
std::vector<Scenario> h2c_scenarios();
std::vector<Scenario> tls_scenarios();
std::vector<Scenario> tls_disguise_scenarios();
std::vector<Scenario> quic_scenarios();
std::vector<Scenario> frame_scenarios();
std::vector<Scenario> fragment_scenarios();
std::vector<Scenario> flood_scenarios();
std::vector<Scenario> connection_scenarios();
std::vector<Scenario> connection_lie_scenarios();
std::vector<Scenario> stream_scenarios();
std::vector<Scenario> sequence_scenarios();
std::vector<Scenario> ordinary_scenarios();
std::vector<Scenario> decoy_scenarios();
std::vector<Scenario> port_reuse_scenarios();
std::vector<Scenario> path_scenarios();

/// All scenarios of this directory.
std::vector<Scenario> all_scenarios();

}  // namespace weir::scenario
