#include "dataplane/engine/dataplane.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "dataplane/base/signals.h"
#include "dataplane/engine/process/eal_arguments.h"
#include "dataplane/engine/process/privileges.h"
#include "dataplane/engine/snapshots/snapshot_directory.h"

namespace weir::engine {
namespace {

using Clock = std::chrono::steady_clock;

/// Longest time that a stop signal waits to be seen.
constexpr std::chrono::milliseconds kTurn(100);
/// Owner and group may call every method. The installation decides who is in the group.
constexpr unsigned kSocketMode = 0660;

}  // namespace

Dataplane::Dataplane(StartPlan plan)
    : plan_(std::move(plan)),
      log_([](std::string_view line) { spdlog::debug("dpdk: {}", line); }),
      readers_(static_cast<unsigned>(plan_.settings.workers.size())),
      snapshots_(readers_),
      load_(plan_.settings.workers.size()),
      links_(Clock::now()) {}

Dataplane::~Dataplane() {
  stop_workers();
  for (std::size_t port = 0; port < ports_.size(); ++port) {
    if (links_.is_down(port)) set_link(port, true);
  }
}

base::Result<std::unique_ptr<Dataplane>> Dataplane::start(StartPlan plan) {
  std::unique_ptr<Dataplane> dataplane(new Dataplane(std::move(plan)));
  // The socket first: a second start with the same configuration fails here, before it opens a port.
  if (const auto done = dataplane->listen(); !done) return done.error();
  if (const auto done = dataplane->start_eal(); !done) return done.error();
  if (const auto done = dataplane->open_ports(); !done) return done.error();
  dataplane->load_snapshot();
  if (const auto done = dataplane->drop_privileges(); !done) return done.error();
  dataplane->start_workers();
  return dataplane;
}

base::Status Dataplane::listen() {
  auto server =
      rpc::Server::listen(plan_.settings.socket.string(), kSocketMode,
                          [this](rpc::Request&& request, const std::shared_ptr<rpc::Responder>& responder) {
                            methods_->handle(std::move(request), *responder);
                          });
  if (!server) {
    return base::Error{.code = server.error().code, .message = "dataplane.socket: " + server.error().message};
  }
  server_ = std::move(server).value();
  if (plan_.settings.user.empty()) return base::ok_status();
  const auto user = find_user(plan_.settings.user);
  if (!user) return user.error();
  // Root can give the socket to the user. A process that runs as the user already owns it.
  if (chown(plan_.settings.socket.c_str(), user.value().uid, user.value().gid) != 0 && geteuid() == 0) {
    return base::Error{
        .code = "socket",
        .message = fmt::format("dataplane.socket: cannot make {} the property of {}: {}",
                               plan_.settings.socket.string(), plan_.settings.user, std::strerror(errno))};
  }
  return base::ok_status();
}

base::Status Dataplane::drop_privileges() {
  bool on_kernel = false;
  for (const auto& port : ports_) on_kernel = on_kernel || port->is_on_kernel();
  return engine::drop_privileges({.user = plan_.settings.user,
                                  .keep_net_admin = on_kernel,
                                  .filter_system_calls = plan_.settings.seccomp,
                                  .lock_memory = plan_.settings.lock_memory});
}

base::Status Dataplane::start_eal() {
  auto arguments = eal_arguments({.user = plan_.settings.eal,
                                  .workers = plan_.settings.workers,
                                  .pci_devices = plan_.pci_devices,
                                  .socket = plan_.settings.socket,
                                  .cpus = usable_cpus()});
  if (!arguments) {
    return base::Error{.code = arguments.error().code,
                       .message = fmt::format("{}: {}", plan_.config_file, arguments.error().message)};
  }
  spdlog::debug("DPDK arguments: {}", fmt::join(arguments.value(), " "));
  auto eal = Eal::start(std::move(arguments).value(), log_);
  if (!eal) return eal.error();
  eal_ = std::move(eal).value();
  return eal_->check_workers(plan_.settings.workers);
}

void Dataplane::load_snapshot() {
  DirectoryLoad load = load_newest_snapshot(plan_.settings.snapshot_dir);
  counters_.add(base::Counter::snapshots_refused, 0, 0, load.skipped.size());
  for (const SkippedSnapshot& skipped : load.skipped) {
    spdlog::error("W107: {} is skipped: {}: {}", skipped.file.string(), skipped.code, skipped.message);
  }
  if (!load.snapshot) {
    spdlog::warn(
        "W106: NO LIST: {} has no valid snapshot{}: every request passes until weir-control delivers one",
        plan_.settings.snapshot_dir.string(), load.problem.empty() ? "" : fmt::format(" ({})", load.problem));
    return;
  }
  const std::uint64_t generation = load.snapshot->view.generation().value;
  // There are no readers yet, so this cannot fail.
  if (const auto published = snapshots_.publish(std::move(load.snapshot)); !published) {
    spdlog::error("W107: {}: {}", load.file.string(), published.error().message);
    return;
  }
  spdlog::info("snapshot generation {} of {} is active", generation, plan_.settings.snapshot_dir.string());
}

base::Status Dataplane::open_ports() {
  auto pool = make_mbuf_pool(plan_.settings.mbufs, log_);
  if (!pool) {
    return base::Error{.code = pool.error().code,
                       .message = fmt::format("{}: {}", plan_.config_file, pool.error().message)};
  }
  pool_ = std::move(pool).value();
  const auto workers = static_cast<std::uint16_t>(plan_.settings.workers.size());
  const std::uint32_t mbufs = plan_.settings.mbufs.count;
  const std::uint32_t slots = Steering::slots_for(mbufs, workers);
  if (auto made = make_steering(workers, slots); !made) return made;
  const std::uint32_t in_steering = std::min(mbufs, slots * workers * (workers - 1U));
  const std::uint16_t descriptors =
      descriptors_for(mbufs - in_steering, static_cast<std::uint32_t>(plan_.ports.size()) * workers, workers);
  if (descriptors == 0) {
    return base::Error{.code = "memory",
                       .message = fmt::format(
                           "{}: dataplane.mbufs.count is {}: too few packet buffers for {} workers: raise it",
                           plan_.config_file, plan_.settings.mbufs.count, workers)};
  }
  const PortPlan port_plan{.pool = pool_.get(),
                           .frame_bytes = plan_.settings.mbufs.frame_bytes,
                           .queues = workers,
                           .descriptors = descriptors,
                           .config_file = plan_.config_file};
  for (const config::PortSettings& settings : plan_.ports) {
    auto port = Port::open(settings, port_plan, log_);
    if (!port) return port.error();
    ports_.push_back(std::move(port).value());
    // A Weir that was killed may have left it down, and nobody else brings it up.
    if (follows_links()) set_link(ports_.size() - 1, true);
  }
  return make_routing();
}

base::Status Dataplane::make_routing() {
  if (plan_.settings.topology != config::Topology::routed) return base::ok_status();
  std::vector<RouterPort> ports = plan_.router_ports;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    ports[i].mac = ports_[i]->mac();
    ports[i].mtu = ports_[i]->mtu();
    if (proto::is_unicast(ports[i].mac)) continue;
    return base::Error{
        .code = "port_device",
        .message =
            fmt::format("{}:{}: port '{}' (device {}): topology routed needs a link address, and "
                        "the device has none",
                        plan_.config_file, plan_.ports[i].line, plan_.ports[i].name, plan_.ports[i].device)};
  }
  routing_ = std::make_unique<Routing>(std::move(ports), plan_.settings.routed.icmp_errors_per_second);
  return base::ok_status();
}

base::Status Dataplane::make_steering(unsigned workers, std::uint32_t slots) {
  if (workers < 2) return base::ok_status();
  auto steering = Steering::make(workers, slots);
  if (!steering) return steering.error();
  steering_ = std::move(steering).value();
  return base::ok_status();
}

WorkerPort Dataplane::worker_port(std::size_t port, std::uint16_t worker) const {
  const bool is_there = port < ports_.size();
  Port& device = *ports_[is_there ? port : 0];
  return {.id = device.id(),
          .receives = is_there && worker < device.receive_queues(),
          .transmit_queue = static_cast<std::uint16_t>(worker % device.transmit_queues()),
          .transmit_lock = device.transmit_lock()};
}

void Dataplane::start_workers() {
  shared_.reset(new WorkerShared{
      .readers = readers_,
      .snapshots = snapshots_,
      .page = Published<inspect::BlockPage>(readers_, std::make_unique<const inspect::BlockPage>(plan_.page)),
      .tripped = Published<std::vector<std::uint32_t>>(readers_),
      .accepted = plan_.inspector.checks_acknowledgement
                      ? std::make_unique<flow::AcceptedConnections>(plan_.inspector.flow_capacity *
                                                                    plan_.settings.workers.size())
                      : nullptr,
      .pool = pool_.get(),
      .steering = steering_.get(),
      .routing = routing_.get(),
      .enforcement = plan_.settings.enforcement});
  shared_->measure_latency = plan_.settings.latency_histogram;
  for (const unsigned lcore : plan_.settings.workers) {
    const auto index = static_cast<std::uint16_t>(workers_.size());
    workers_.push_back(make_worker({.topology = plan_.settings.topology,
                                    .lcore = lcore,
                                    .index = index,
                                    .ports = {worker_port(kSubscriber, index), worker_port(kNetwork, index)},
                                    .idle = plan_.settings.idle,
                                    .fail = plan_.settings.fail,
                                    .inspector = plan_.inspector},
                                   *shared_));
  }
  tripped_rules_ =
      std::make_unique<TrippedRules>(plan_.settings.breaker, snapshots_, shared_->tripped, counters_);
  self_test_ = std::make_unique<SelfTest>(plan_.inspector, workers_);
  reconfiguration_ = std::make_unique<Reconfiguration>(plan_.config_file, plan_.settings, shared_->page);
  methods_ = std::make_unique<LocalMethods>(LocalMethods::Parts{.snapshots = snapshots_,
                                                                .shared = *shared_,
                                                                .workers = workers_,
                                                                .ports = ports_,
                                                                .load = load_,
                                                                .counters = counters_,
                                                                .tripped_rules = *tripped_rules_,
                                                                .mbufs = *pool_,
                                                                .self_test = *self_test_,
                                                                .reconfiguration = *reconfiguration_});
  workers_run_ = true;
  for (const auto& worker : workers_) {
    const auto run = [](void* object) {
      // The main thread of a process that stays root keeps its access to files; a worker needs none.
      drop_thread_capabilities();
      static_cast<Worker*>(object)->run();
      return 0;
    };
    rte_eal_remote_launch(run, worker.get(), worker->lcore());
  }
}

void Dataplane::stop_workers() {
  if (!workers_run_) return;
  workers_run_ = false;
  shared_->stop.store(true, std::memory_order_relaxed);
  for (const auto& worker : workers_) rte_eal_wait_lcore(worker->lcore());
  // The devices still send what the drivers have accepted.
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

void Dataplane::look_after_workers() {
  std::vector<std::uint64_t> heartbeats;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    heartbeats.push_back(workers_[i]->heartbeat());
    load_.sample(i, workers_[i]->busy_cycles(), rte_rdtsc());
  }
  const bool alive = heartbeats_.all_alive(heartbeats);
  if (alive) service_notify_.alive();
  if (alive == stalled_) {
    stalled_ = !alive;
    if (stalled_) {
      counters_.add(base::Counter::worker_stalls);
      spdlog::critical("W101: a worker has stopped: the watchdog is not fed until it runs again");
    } else {
      spdlog::warn("W102: all workers run again");
    }
  }
  const Snapshot* active = snapshots_.active();
  service_notify_.status(fmt::format(
      "{}, {}{}", base::to_string(shared_->enforcement.load(std::memory_order_relaxed)),
      active != nullptr ? fmt::format("generation {}", active->view.generation().value) : "no list",
      stalled_ ? ", a worker has stopped" : ""));
}

// A copy has no other end that needs to know, and the neighbours of a router use routing protocols.
bool Dataplane::follows_links() const {
  return plan_.settings.link_follow && plan_.settings.topology == config::Topology::inline_wire;
}

void Dataplane::set_link(std::size_t port, bool up) {
  const auto set = ports_[port]->set_link(up);
  if (!set) spdlog::debug("{}", set.error().message);
}

void Dataplane::look_after_links() {
  if (!follows_links()) return;
  const auto steps = links_.look({ports_[0]->link_up(), ports_[1]->link_up()}, Clock::now());
  for (std::size_t port = 0; port < steps.size(); ++port) {
    if (steps[port] == LinkFollower::Step::none) continue;
    const std::string& name = ports_[port]->settings().name;
    const std::string& other = ports_[1 - port]->settings().name;
    const bool up = steps[port] == LinkFollower::Step::bring_up;
    const auto set = ports_[port]->set_link(up);
    if (!set) {
      spdlog::warn("W105: port '{}' cannot follow port '{}': {}", name, other, set.error().message);
    } else if (up) {
      spdlog::warn("W104: port '{}' has its link again: port '{}' is brought up", other, name);
    } else {
      spdlog::error("W103: port '{}' has lost its link: port '{}' is taken down, too", other, name);
      counters_.add(base::Counter::link_follows);
    }
  }
}

void Dataplane::run() {
  for (const auto& port : ports_) {
    spdlog::info("port '{}' is {}, link {}", port->settings().name, port->settings().device,
                 port->link_up() ? "up" : "down");
  }
  spdlog::info("packets flow: {} worker(s), {}", workers_.size(),
               base::to_string(plan_.settings.enforcement));
  service_notify_.ready();
  auto next_look = Clock::now();
  auto next_second = Clock::now();
  for (auto asked = base::next_signal_request(); asked != base::SignalRequest::stop;
       asked = base::next_signal_request()) {
    // It logs its result itself.
    if (asked == base::SignalRequest::reconfigure) static_cast<void>(reconfiguration_->reload());
    server_->run_once(kTurn);
    look_after_links();
    if (Clock::now() >= next_second) {
      tripped_rules_->next_second(workers_);
      next_second = Clock::now() + std::chrono::seconds(1);
    }
    if (Clock::now() < next_look) continue;
    look_after_workers();
    next_look = Clock::now() + service_notify_.period();
  }
  service_notify_.stopping();
  spdlog::info("stopping: received packets are forwarded, then the ports close");
  stop_workers();
}

}  // namespace weir::engine
