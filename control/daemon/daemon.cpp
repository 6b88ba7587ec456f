#include "control/daemon.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <thread>

#include <fmt/format.h>
#include <prometheus/exposer.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include "control/audit_log.h"
#include "control/control_api.h"
#include "control/entry_storage.h"
#include "control/fetcher.h"
#include "control/metrics.h"
#include "control/service_notify.h"

namespace weir::control {
namespace {

// Any user may connect: what a caller may do is decided by who it is, call for call.
constexpr unsigned kSocketMode = 0666;
constexpr std::chrono::milliseconds kTick{500};

sigset_t handled_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, signal);
  return signals;
}

/// The first of the handled signals that waits; 0: none.
int pending_signal() {
  const sigset_t signals = handled_signals();
  const timespec no_wait{};
  const int signal = ::sigtimedwait(&signals, nullptr, &no_wait);
  return signal > 0 ? signal : 0;
}

/// As many clients as the server takes need a descriptor each.
void raise_descriptor_limit() {
  constexpr rlim_t wanted = 4096;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Every start is a record; what was changed since the last one (by new settings, or by an update that a
/// crash kept from its record) shows as its two generations.
base::Status note_start(AuditLog& audit, std::uint64_t generation) {
  AuditRecord record;
  record.method = "daemon.start";
  record.before_generation = audit.last_generation().value_or(0);
  record.after_generation = generation;
  record.outcome = "ok";
  return audit.append(record);
}

void serve(rpc::Server& server, Updates& updates, ServiceNotify& notify) {
  while (true) {
    server.run_once(kTick);
    notify.alive();
    const int signal = pending_signal();
    if (signal == SIGTERM || signal == SIGINT) return;
    if (signal == SIGHUP) {
      spdlog::info("SIGHUP: every feed is fetched now");
      updates.make_all_due();
    }
  }
}

}  // namespace

void block_signals() {
  const sigset_t signals = handled_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

base::Status run_daemon(const config::Settings& settings, const std::filesystem::path& config_file) {
  protect_memory(settings.control.lock_memory);
  raise_descriptor_limit();
  const FetchLibrary fetch_library;
  ServiceNotify notify;
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
  auto storage = open_entry_storage(settings.control, credentials == nullptr ? "" : credentials);
  if (!storage) return storage.error();
  auto store =
      Store::open(settings.control.state_dir, settings.dataplane.snapshot_dir, std::move(storage).value());
  if (!store) return store.error();
  auto audit = AuditLog::open(
      settings.control.state_dir / "audit.jsonl",
      {.file_bytes = settings.control.audit.file_bytes, .files = settings.control.audit.files});
  if (!audit) return audit.error();

  DataplaneLink link(settings.dataplane.socket.string());
  Publisher publisher(settings, std::move(store).value(), link);
  ReloadDurations durations;
  Updates updates(
      settings, publisher, link, *audit.value(),
      [&durations](std::string_view stage, double seconds) { durations.observe(stage, seconds); });
  std::unique_ptr<prometheus::Exposer> exposer;
  const auto collector = std::make_shared<MetricsCollector>(settings, publisher, link, durations);
  if (!settings.control.metrics_listen.empty()) {
    auto exposed = expose_metrics(settings.control.metrics_listen, collector);
    if (!exposed) return exposed.error();
    exposer = std::move(exposed).value();
  }
  ControlApi api(settings, config_file, publisher, updates, link, *audit.value(),
                 Roles(settings.control.roles));
  auto server =
      rpc::Server::listen(settings.control.socket.string(), kSocketMode,
                          [&api](rpc::Request&& request, std::shared_ptr<rpc::Responder> responder) {
                            api.handle(std::move(request), std::move(responder));
                          });
  if (!server) return server.error();

  StageTimes times;
  if (const auto started = publisher.start(times); !started) {
    spdlog::error("no generation at start: {}", started.error().message);
  }
  const auto generation = publisher.view()->state.generation.value;
  if (const auto noted = note_start(*audit.value(), generation); !noted) return noted.error();
  updates.start();
  spdlog::info("serving at {}, generation {}", settings.control.socket.string(), generation);
  notify.ready(fmt::format("generation {}", generation));
  serve(*server.value(), updates, notify);
  notify.stopping();
  spdlog::info("stopping");
  // Threads that give answers end before the server that carries them.
  exposer.reset();
  updates.stop();
  return base::ok_status();
}

}  // namespace weir::control
