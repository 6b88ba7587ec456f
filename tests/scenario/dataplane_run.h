#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/scenario/scenario.h"

namespace weir::scenario {

/// What weir-dataplane made of a scenario between two net_pcap ports.
struct DataplaneRun {
  std::string problem;  // empty: it started, received everything and ended well
  std::map<std::string, std::uint64_t> outcomes;
  std::vector<Bytes> from_network;  // what it received at its other port
  std::vector<Bytes> to_network;
  std::vector<Bytes> to_subscriber;
};

/// Starts the program on the scenario's frames and rules, waits until its counters have every frame, and ends
/// it by SIGTERM. `echo`: the network port receives every TCP and UDP packet of the scenario with its ends
/// exchanged, as from a server that sends everything back.
DataplaneRun run_dataplane(const Scenario& scenario, const TemporaryDirectory& directory, bool echo = false);

}  // namespace weir::scenario
