#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>

#include <nlohmann/json.hpp>

#include "config/settings.h"
#include "control/api/event_hub.h"
#include "control/api/roles.h"
#include "control/proof/self_test.h"
#include "control/publish/publisher.h"
#include "control/storage/audit_log.h"
#include "control/updates/updates.h"
#include "control/updates/work_queue.h"
#include "dataplane/base/result.h"
#include "dataplane/rpc/server.h"

namespace weir::control {

/// Limits of parameters.
inline constexpr std::size_t kMaxNameBytes = 63;
inline constexpr std::size_t kMaxCommentBytes = 500;
inline constexpr std::uint64_t kMaxNumber = std::numeric_limits<std::int64_t>::max();

/// One call: who, what, and where the answer goes.
struct Call {
  Caller caller;
  Role role = Role::none;
  std::shared_ptr<const nlohmann::json> params;
  std::shared_ptr<rpc::Responder> responder;
};

/// Reads the configuration again, and answers, after the handler has returned.
using Reconfigure = std::function<void(Caller caller, const std::shared_ptr<rpc::Responder>& responder)>;

/// What the methods work with.
struct ApiContext {
  const config::Settings& settings;
  std::filesystem::path config_file;
  Publisher& publisher;
  Updates& updates;
  DataplaneLink& link;
  storage::AuditLog& audit;
  EventHub& events;
  SelfTest& self_test;
  Roles roles;
  Reconfigure reconfigure;
  std::int64_t started_unix_seconds;
  WorkQueue& readers;

  /// Does `work` in the readers' thread and answers with its result. For what reads a disk, asks the
  /// dataplane, or goes through every rule: the server's thread must not wait for it. Error codes of its own:
  /// busy, internal.
  void answer_later(const Call& call, std::function<base::Result<nlohmann::json>()> work) const;
};

void answer(rpc::Responder& responder, const base::Result<nlohmann::json>& result);
/// Passes the answer of an update on to who asked for it.
Updates::Done answer_to(const Call& call);

}  // namespace weir::control
