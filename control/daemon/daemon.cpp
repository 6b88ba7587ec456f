#include "control/daemon/daemon.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <prometheus/exposer.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include "config/changes.h"
#include "control/daemon/core.h"
#include "control/intake/fetcher.h"
#include "control/storage/entry_storage.h"
#include "dataplane/base/service_notify.h"
#include "dataplane/base/signals.h"

namespace weir::control {
namespace {

// Any user may connect: what a caller may do is decided by who it is, call for call.
constexpr unsigned kSocketMode = 0666;
constexpr std::chrono::milliseconds kTick{500};
constexpr std::chrono::milliseconds kDataplaneTimeout{10000};

/// As many clients as the server takes need a descriptor each.
void raise_descriptor_limit() {
  constexpr rlim_t wanted = 4096;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Of its own part of the file the dataplane knows best what is in force: its word stands for `dataplane.*`.
std::vector<std::string> with_dataplanes_keys(const std::vector<std::string>& own,
                                              const nlohmann::json& answer, const char* name) {
  std::vector<std::string> keys;
  const auto theirs = answer.find(name);
  if (!answer.is_object() || theirs == answer.end() || !theirs->is_array()) return own;
  for (const nlohmann::json& key : *theirs) {
    if (key.is_string()) keys.push_back(key.get<std::string>());
  }
  std::copy_if(own.begin(), own.end(), std::back_inserter(keys),
               [](const std::string& key) { return !key.starts_with("dataplane."); });
  return keys;
}

/// The daemon from its start to its end. All of it runs in the thread of the socket, so that no call comes
/// while one configuration gives way to the other.
class Daemon {
 public:
  Daemon(std::filesystem::path config_file, storage::AuditLog& audit, const config::Settings& settings)
      : audit_(audit),
        dataplane_(settings.dataplane.socket.string()),
        events_([this](bool skip) {
          return dataplane_.call("events.take", {{"skip", skip}}, kDataplaneTimeout);
        }),
        surroundings_{.config_file = std::move(config_file),
                      .audit = audit,
                      .events = events_,
                      .durations = durations_,
                      .reload = [this](Caller caller, const std::shared_ptr<rpc::Responder>& responder) {
                        if (reload_)
                          return responder->fail({"busy", "the configuration is read already: try again"});
                        reload_ = Reload{.caller = std::move(caller), .responder = responder};
                      }} {}

  base::Status run(const config::Settings& settings, Store store) {
    core_ = Core::make(settings, std::move(store), surroundings_);
    if (!settings.control.metrics_listen.empty()) {
      auto exposed = expose_metrics(settings.control.metrics_listen, core_->collector());
      if (!exposed) return exposed.error();
      exposer_ = std::move(exposed).value();
    }
    auto server =
        rpc::Server::listen(settings.control.socket.string(), kSocketMode,
                            [this](rpc::Request&& request, std::shared_ptr<rpc::Responder> responder) {
                              core_->api().handle(std::move(request), std::move(responder));
                            });
    if (!server) return server.error();
    if (const auto noted = note_start(); !noted) return noted.error();
    events_.start();
    core_->updates().start();
    spdlog::info("serving at {}, generation {}", settings.control.socket.string(), core_->generation());
    notify_.ready(fmt::format("generation {}", core_->generation()));
    base::Status served = serve(*server.value());
    notify_.stopping();
    spdlog::info("stopping");
    // Threads that give answers end before the server that carries them.
    exposer_.reset();
    events_.stop();
    core_.reset();
    return served;
  }

 private:
  struct Reload {
    Caller caller;
    std::shared_ptr<rpc::Responder> responder;
  };

  /// Every start is a record; what was changed since the last one (by new settings, or by an update that a
  /// crash kept from its record) shows as its two generations.
  base::Status note_start() {
    storage::AuditRecord record;
    record.method = "daemon.start";
    record.before_generation = audit_.last_generation().value_or(0);
    record.after_generation = core_->generation();
    record.outcome = "ok";
    return audit_.append(record);
  }

  base::Status serve(rpc::Server& server) {
    while (true) {
      server.run_once(kTick);
      notify_.alive();
      if (reload_) {
        const Reload asked = *std::exchange(reload_, std::nullopt);
        if (auto kept = reload(asked); !kept) return kept;
      }
      const base::SignalRequest asked = base::next_signal_request();
      if (asked == base::SignalRequest::stop) return base::ok_status();
      if (asked == base::SignalRequest::reconfigure) {
        spdlog::info("SIGHUP: every feed is fetched now");
        core_->updates().make_all_due();
      }
    }
  }

  /// An error here ends the daemon: neither configuration could be taken up.
  base::Status reload(const Reload& asked) {
    storage::AuditRecord record;
    record.uid = asked.caller.uid;
    record.method = "config.reload";
    record.before_generation = core_->generation();
    base::Status kept = base::ok_status();
    const auto answer = try_reload(kept);
    if (!kept) return kept;
    record.after_generation = core_->generation();
    record.active = answer.ok();
    record.outcome = answer ? "ok" : answer.error().code;
    if (const auto written = audit_.append(record); !written)
      spdlog::error("W202: {}", written.error().message);
    if (answer) {
      asked.responder->result(answer.value());
    } else {
      spdlog::warn("W208: the configuration stays as it was: {}", answer.error().message);
      asked.responder->fail(answer.error());
    }
    return base::ok_status();
  }

  base::Result<nlohmann::json> try_reload(base::Status& kept) {
    const auto wanted = config::load_settings(surroundings_.config_file, config::Audience::control);
    if (!wanted) return wanted.error();
    const auto next = config::take_over(core_->settings(), wanted.value(), config::Audience::control);
    if (next.changed.size() != next.needs_restart.size()) {
      if (!core_->updates().finish()) {
        return base::Error{"busy", "a reload of lists is under way: try again when it is done"};
      }
      const config::Settings before = core_->settings();
      if (const auto taken = take_up(next.in_force); !taken) {
        kept = take_up(before);
        return taken.error();
      }
    }
    // The dataplane has a part of the file as well, and says itself what it took of it.
    const auto dataplane = dataplane_.call("config.reload", nlohmann::json::object(), kDataplaneTimeout);
    const auto keys = [&dataplane](const std::vector<std::string>& own, const char* name) {
      return dataplane ? with_dataplanes_keys(own, dataplane.value(), name) : own;
    };
    return nlohmann::json{
        {"file", surroundings_.config_file.string()},
        {"changed", keys(next.changed, "changed")},
        {"needs_restart", keys(next.needs_restart, "needs_restart")},
        {"generation", core_->generation()},
        {"dataplane", dataplane ? dataplane.value()
                                : nlohmann::json{{"error",
                                                  {{"code", dataplane.error().code},
                                                   {"message", dataplane.error().message}}}}}};
  }

  /// In place of the core that there is.
  base::Status take_up(const config::Settings& settings) {
    if (exposer_ != nullptr) exposer_->RemoveCollectable(core_->collector());
    core_.reset();  // it holds the state directory
    auto store = open_store(settings);
    if (!store) return store.error();
    core_ = Core::make(settings, std::move(store).value(), surroundings_);
    if (exposer_ != nullptr) exposer_->RegisterCollectable(core_->collector());
    core_->updates().start();
    spdlog::info("the configuration was read again: generation {}", core_->generation());
    return base::ok_status();
  }

  FetchLibrary fetch_library_;
  base::ServiceNotify notify_;
  storage::AuditLog& audit_;
  DataplaneLink dataplane_;
  ReloadDurations durations_;
  EventHub events_;
  const Surroundings surroundings_;
  std::unique_ptr<Core> core_;
  std::unique_ptr<prometheus::Exposer> exposer_;
  std::optional<Reload> reload_;
};

}  // namespace

base::Status run_daemon(const config::Settings& settings, const std::filesystem::path& config_file) {
  storage::protect_memory(settings.control.lock_memory);
  raise_descriptor_limit();
  auto store = open_store(settings);  // first: it keeps a second daemon off the log as well
  if (!store) return store.error();
  auto audit = storage::AuditLog::open(
      settings.control.state_dir / "audit.jsonl",
      {.file_bytes = settings.control.audit.file_bytes, .files = settings.control.audit.files});
  if (!audit) return audit.error();
  return Daemon(config_file, *audit.value(), settings).run(settings, std::move(store).value());
}

}  // namespace weir::control
