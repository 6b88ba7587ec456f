#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/scenario/scenario.h"

namespace weir::scenario {

/// A run of weir-dataplane on a scenario, between two net_pcap ports.
struct DataplaneRun {
  std::string problem;  // empty: it started, received everything and ended without errors
  std::map<std::string, std::uint64_t> outcomes;
  std::vector<Bytes> from_network;  // received at the network port
  std::vector<Bytes> to_network;
  std::vector<Bytes> to_subscriber;
};

/// Starts the program with the scenario's frames and rules, waits until it has counted every frame, and ends
/// it with SIGTERM. `echo`: the network port receives every TCP and UDP packet of the scenario with source
/// and destination exchanged, as from a server that echoes everything.
DataplaneRun run_dataplane(const Scenario& scenario, const TemporaryDirectory& directory, bool echo = false);

}  // namespace weir::scenario
