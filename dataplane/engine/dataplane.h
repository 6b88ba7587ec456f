#pragma once

#include <memory>
#include <vector>

#include "dataplane/base/result.h"
#include "dataplane/base/service_notify.h"
#include "dataplane/counters/counters.h"
#include "dataplane/engine/ports/link_follower.h"
#include "dataplane/engine/ports/mbuf_pool.h"
#include "dataplane/engine/ports/port.h"
#include "dataplane/engine/process/eal.h"
#include "dataplane/engine/process/log_capture.h"
#include "dataplane/engine/snapshots/readers.h"
#include "dataplane/engine/snapshots/snapshot_store.h"
#include "dataplane/engine/socket/local_methods.h"
#include "dataplane/engine/start_plan.h"
#include "dataplane/engine/supervisor/reconfiguration.h"
#include "dataplane/engine/supervisor/self_test.h"
#include "dataplane/engine/supervisor/tripped_rules.h"
#include "dataplane/engine/workers/load_meter.h"
#include "dataplane/engine/workers/steering.h"
#include "dataplane/engine/workers/worker.h"
#include "dataplane/rpc/server.h"

namespace weir::engine {

/// A running dataplane: ports, workers, the snapshot in force, the local socket. The members are declared in
/// the order in which they start, and are destroyed in the reverse order.
class Dataplane {
 public:
  /// Starts everything; packets flow when it returns. The error's message is one line that says what to do.
  /// Error codes: eal_arguments (a mistake in the configuration), those of rpc::Server::listen, Eal, Port and
  /// make_mbuf_pool.
  static base::Result<std::unique_ptr<Dataplane>> start(StartPlan plan);
  ~Dataplane();
  Dataplane(const Dataplane&) = delete;
  Dataplane& operator=(const Dataplane&) = delete;

  /// Serves the local socket and the service manager until SIGTERM or SIGINT; SIGHUP has the configuration
  /// read again. The caller has blocked them with base::block_signals() before start(). When it returns no
  /// packet is in flight any more.
  void run();

 private:
  explicit Dataplane(StartPlan plan);

  base::Status listen();
  base::Status start_eal();
  base::Status open_ports();
  base::Status make_steering(unsigned workers, std::uint32_t slots);
  base::Status make_routing();
  [[nodiscard]] WorkerPort worker_port(std::size_t port, std::uint16_t worker) const;
  void load_snapshot();
  base::Status drop_privileges();
  void start_workers();
  void stop_workers();
  void look_after_workers();
  void look_after_links();
  [[nodiscard]] bool follows_links() const;
  void set_link(std::size_t port, bool up);

  StartPlan plan_;
  LogCapture log_;
  std::unique_ptr<LocalMethods> methods_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<Eal> eal_;
  MbufPool pool_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::unique_ptr<Steering> steering_;  // null: one worker
  std::unique_ptr<Routing> routing_;    // topology routed only
  Readers readers_;
  SnapshotStore snapshots_;
  std::unique_ptr<WorkerShared> shared_;
  std::unique_ptr<TrippedRules> tripped_rules_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<SelfTest> self_test_;
  std::unique_ptr<Reconfiguration> reconfiguration_;
  LoadMeter load_;
  HeartbeatWatch heartbeats_;
  LinkFollower links_;
  base::Counters counters_;  // of the main thread
  base::ServiceNotify service_notify_;
  bool workers_run_ = false;
  bool stalled_ = false;
};

}  // namespace weir::engine
