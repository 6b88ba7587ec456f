#pragma once

#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "dataplane/counters/counters.h"
#include "dataplane/engine/ports/mbuf_pool.h"
#include "dataplane/engine/ports/port.h"
#include "dataplane/engine/snapshots/snapshot_store.h"
#include "dataplane/engine/supervisor/reconfiguration.h"
#include "dataplane/engine/supervisor/self_test.h"
#include "dataplane/engine/supervisor/tripped_rules.h"
#include "dataplane/engine/workers/load_meter.h"
#include "dataplane/engine/workers/worker.h"
#include "dataplane/rpc/server.h"

namespace weir::engine {

/// The methods of the dataplane's local socket: version, status, counters, enforcement, snapshot.load,
/// breaker.reset, latency, selftest, events.take, reconfigure. Runs on the main thread. A snapshot.load
/// occupies it while the snapshot is copied, checked and published.
class LocalMethods {
 public:
  /// Ports in the order subscriber, network. All must outlive the object.
  struct Parts {
    SnapshotStore& snapshots;
    WorkerShared& shared;
    const std::vector<std::unique_ptr<Worker>>& workers;
    const std::vector<std::unique_ptr<Port>>& ports;
    const LoadMeter& load;
    base::Counters& counters;  // of the main thread
    TrippedRules& tripped_rules;
    const rte_mempool& mbufs;
    SelfTest& self_test;
    Reconfiguration& reconfiguration;
  };
  explicit LocalMethods(Parts parts) : parts_(parts) {}

  void handle(rpc::Request&& request, rpc::Responder& responder);

 private:
  using Answer = base::Result<nlohmann::json>;
  struct Method {
    std::string_view name;
    Answer (LocalMethods::*run)(const rpc::Request& request);
  };
  static const std::vector<Method>& methods();

  Answer version(const rpc::Request& request);
  Answer status(const rpc::Request& request);
  Answer counters(const rpc::Request& request);
  Answer enforcement(const rpc::Request& request);
  Answer load_snapshot(const rpc::Request& request);
  /// {"rule": N}, or {} for all rules -> {"reset": how many were tripped}
  Answer reset_breaker(const rpc::Request& request);
  /// {"enabled": true|false} -> the same
  Answer latency(const rpc::Request& request);
  /// {"skip": true|false}, see take_events
  Answer events(const rpc::Request& request);
  /// {"listed": HOST, "unlisted": HOST} -> see SelfTest::run
  Answer self_test(const rpc::Request& request);
  /// {} -> see Reconfiguration::reload
  Answer reload_configuration(const rpc::Request& request);
  /// Joins the overlay with the base in force, or with the one that came with the request.
  base::Result<std::unique_ptr<const Snapshot>> join(const Snapshot& overlay,
                                                     const rpc::Request& request) const;

  Parts parts_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace weir::engine
