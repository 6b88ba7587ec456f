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
#include <unistd.h>

#include "config/changes.h"
#include "control/daemon/core.h"
#include "control/intake/fetcher.h"
#include "control/storage/entry_storage.h"
#include "dataplane/base/service_notify.h"
#include "dataplane/base/signals.h"

namespace weir::control {
namespace {

// Any user may connect. What a caller may do is decided for each call.
constexpr unsigned kSocketMode = 0666;
constexpr std::chrono::milliseconds kTick{500};
constexpr std::chrono::milliseconds kDataplaneTimeout{10000};
// The old name of the method: a dataplane that was not upgraded yet knows no other.
constexpr const char* kDataplaneReconfigure = "config.reload";

/// Each client needs a descriptor.
void raise_descriptor_limit() {
  constexpr rlim_t wanted = 4096;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// The keys of `name`: the dataplane's answer decides about `dataplane.*`, because it knows what it applied.
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

/// The daemon from start to end. All of it runs in the socket's thread, so no call arrives while one
/// configuration replaces the other.
class Daemon {
 public:
  Daemon(std::filesystem::path config_file, storage::AuditLog& audit, const config::Settings& settings)
      : audit_(audit),
        dataplane_(settings.dataplane.socket.string()),
        events_([this](bool skip) {
          return dataplane_.call("events.take", {{"skip", skip}}, kDataplaneTimeout);
        }),
        surroundings_{
            .config_file = std::move(config_file),
            .audit = audit,
            .events = events_,
            .durations = durations_,
            .reconfigure = [this](const Caller& caller, const std::shared_ptr<rpc::Responder>& responder) {
              if (asked_) {
                return responder->fail({"busy", "the configuration is being read already: try again"});
              }
              asked_ = Asked{.uid = caller.uid, .responder = responder};
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
    // The threads that answer calls end before the server that sends the answers.
    exposer_.reset();
    events_.stop();
    core_.reset();
    return served;
  }

 private:
  /// Who asked for a reconfiguration.
  struct Asked {
    unsigned uid = 0;
    std::shared_ptr<rpc::Responder> responder;  // null: a signal, which gets no answer
  };

  /// Every start is a record. If something changed without a record (new settings, or an update cut off by a
  /// crash), the record's two generations differ.
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
      if (asked_) {
        const Asked asked = *std::exchange(asked_, std::nullopt);
        if (auto kept = reconfigure(asked); !kept) return kept;
      }
      switch (base::next_signal_request()) {
        case base::SignalRequest::stop:
          return base::ok_status();
        case base::SignalRequest::reconfigure:
          spdlog::info("SIGHUP: reading the configuration again");
          if (auto kept = reconfigure({.uid = ::getuid(), .responder = nullptr}); !kept) return kept;
          break;
        case base::SignalRequest::refresh:
          spdlog::info("SIGUSR1: checking every feed now");
          core_->updates().make_all_due();
          break;
        case base::SignalRequest::none:
          break;
      }
    }
  }

  /// An error ends the daemon: neither the new nor the old configuration could be applied.
  base::Status reconfigure(const Asked& asked) {
    storage::AuditRecord record;
    record.uid = asked.uid;
    record.method = "reconfigure";
    record.before_generation = core_->generation();
    base::Status kept = base::ok_status();
    const auto answer = try_reconfigure(kept);
    if (!kept) return kept;
    record.after_generation = core_->generation();
    record.active = answer.ok();
    record.outcome = answer ? "ok" : answer.error().code;
    if (const auto written = audit_.append(record); !written)
      spdlog::error("W202: {}", written.error().message);
    if (!answer) spdlog::warn("W208: the configuration was not changed: {}", answer.error().message);
    if (asked.responder != nullptr && answer) asked.responder->result(answer.value());
    if (asked.responder != nullptr && !answer) asked.responder->fail(answer.error());
    return base::ok_status();
  }

  base::Result<nlohmann::json> try_reconfigure(base::Status& kept) {
    const auto wanted = config::load_settings(surroundings_.config_file, config::Audience::control);
    if (!wanted) return wanted.error();
    const auto next = config::take_over(core_->settings(), wanted.value(), config::Audience::control);
    if (next.changed.size() != next.needs_restart.size()) {
      if (!core_->updates().finish()) {
        return base::Error{"busy", "lists are being reloaded: try again when that is done"};
      }
      const config::Settings before = core_->settings();
      if (const auto applied = apply(next.in_force); !applied) {
        kept = apply(before);
        return applied.error();
      }
    }
    // The dataplane reads its part of the file itself, and says what it applied.
    const auto dataplane =
        dataplane_.call(kDataplaneReconfigure, nlohmann::json::object(), kDataplaneTimeout);
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

  /// Replaces the core by one with these settings.
  base::Status apply(const config::Settings& settings) {
    if (exposer_ != nullptr) exposer_->RemoveCollectable(core_->collector());
    core_.reset();  // it holds the state directory
    auto store = open_store(settings);
    if (!store) return store.error();
    core_ = Core::make(settings, std::move(store).value(), surroundings_);
    if (exposer_ != nullptr) exposer_->RegisterCollectable(core_->collector());
    core_->updates().start();
    spdlog::info("the configuration was applied: generation {}", core_->generation());
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
  std::optional<Asked> asked_;
};

}  // namespace

base::Status run_daemon(const config::Settings& settings, const std::filesystem::path& config_file) {
  storage::protect_memory(settings.control.lock_memory);
  raise_descriptor_limit();
  auto store = open_store(settings);  // first: its lock also keeps a second daemon from the audit log
  if (!store) return store.error();
  auto audit = storage::AuditLog::open(
      settings.control.state_dir / "audit.jsonl",
      {.file_bytes = settings.control.audit.file_bytes, .files = settings.control.audit.files});
  if (!audit) return audit.error();
  return Daemon(config_file, *audit.value(), settings).run(settings, std::move(store).value());
}

}  // namespace weir::control
