#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "control/api/call_rate.h"
#include "control/api/event_hub.h"
#include "control/api/roles.h"
#include "control/proof/self_test.h"
#include "control/publish/publisher.h"
#include "control/storage/audit_log.h"
#include "control/updates/updates.h"
#include "control/updates/work_queue.h"
#include "dataplane/rpc/server.h"

namespace weir::control {

class ControlApi;

/// One call: who, what, and where the answer goes.
struct Call {
  Caller caller;
  Role role = Role::none;
  std::shared_ptr<const nlohmann::json> params;
  std::shared_ptr<rpc::Responder> responder;
};

/// One method of the control socket. Everything about it stands in its row.
struct Method {
  std::string_view name;
  Role role;                                 // the least one that may call it
  std::span<const std::string_view> params;  // names that it knows
  void (ControlApi::*handler)(Call&&);
};

/// The methods of the control socket. handle() is called from the server's thread and never waits: what needs
/// the disk or the dataplane is answered from a thread of its own, updates from theirs.
class ControlApi {
 public:
  /// Reads the configuration again, and answers, after the call of handle() has returned.
  using ConfigReload = std::function<void(Caller caller, const std::shared_ptr<rpc::Responder>& responder)>;

  ControlApi(const config::Settings& settings, std::filesystem::path config_file, Publisher& publisher,
             Updates& updates, DataplaneLink& link, storage::AuditLog& audit, EventHub& events,
             SelfTest& self_test, Roles roles, ConfigReload reload);
  ~ControlApi();
  ControlApi(const ControlApi&) = delete;
  ControlApi& operator=(const ControlApi&) = delete;

  void handle(rpc::Request&& request, std::shared_ptr<rpc::Responder> responder);
  static std::span<const Method> methods();

  void version(Call&& call);
  void status(Call&& call);
  void lists(Call&& call);
  void list_reload(Call&& call);
  void list_diff(Call&& call);
  void rule_add(Call&& call);
  void rule_remove(Call&& call);
  void rule_list(Call&& call);
  void check(Call&& call);
  void snapshots(Call&& call);
  void rollback(Call&& call);
  void enforcement(Call&& call);
  void breaker_reset(Call&& call);
  void latency(Call&& call);
  void counters(Call&& call);
  void enforceability(Call&& call);
  void config_check(Call&& call);
  void config_reload(Call&& call);
  void audit(Call&& call);
  void audit_verify(Call&& call);
  void events_follow(Call&& call);
  void selftest(Call&& call);
  void certificate(Call&& call);

 private:
  /// Answers from the readers' thread.
  void later(Call&& call, std::function<base::Result<nlohmann::json>()> work);
  [[nodiscard]] nlohmann::json snapshots_report() const;

  const config::Settings& settings_;
  const std::filesystem::path config_file_;
  Publisher& publisher_;
  Updates& updates_;
  DataplaneLink& link_;
  storage::AuditLog& audit_;
  SelfTest& self_test_;
  Roles roles_;
  const std::int64_t started_unix_seconds_;
  WorkQueue readers_;
  EventHub& events_;
  CallRate rate_;  // of the server's thread
  const ConfigReload reload_;
};

}  // namespace weir::control
