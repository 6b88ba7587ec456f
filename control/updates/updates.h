#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/settings.h"
#include "control/publish/publisher.h"
#include "control/storage/audit_log.h"
#include "control/updates/change.h"
#include "control/updates/dataplane_commands.h"
#include "control/updates/expiry.h"
#include "control/updates/feed_updates.h"
#include "control/updates/reconciler.h"
#include "control/updates/rollback.h"
#include "control/updates/rule_updates.h"
#include "control/updates/update_queue.h"
#include "dataplane/base/enforcement.h"

namespace weir::control {

/// Every change of what is enforced: calls of operators, feeds, expiry, and a dataplane that restarted.
/// Changes run one at a time, in one thread. Calls return at once; `done` gets the answer in that thread.
class Updates {
 public:
  using Answer = ChangeAnswer;
  using Done = ChangeDone;
  using StageObserver = control::StageObserver;

  Updates(const config::Settings& settings, Publisher& publisher, DataplaneLink& link,
          storage::AuditLog& audit, StageObserver observer);
  ~Updates();
  Updates(const Updates&) = delete;
  Updates& operator=(const Updates&) = delete;

  void start();
  void stop();
  /// Stops after the waiting changes. False, and nothing happens, while a reload or diff is in progress: its
  /// answer is still to come.
  bool finish();

  void add_rule(Caller caller, RuleRequest request, const Done& done);
  void remove_rule(Caller caller, RemoveRequest request, const Done& done);
  /// Fetches `list` (empty: every feed) now. All or nothing.
  void reload(Caller caller, std::string list, bool dry_run, const Done& done);
  /// Fetches `list` and compares it with the one in force. Changes nothing. `entries`: answer with their
  /// text.
  void diff(Caller caller, std::string list, bool entries, const Done& done);
  /// `generation`: none stands for the newest one with different content.
  void rollback(Caller caller, std::optional<std::uint64_t> generation, const Done& done);
  void set_enforcement(Caller caller, base::Enforcement enforcement, const Done& done);
  /// Puts tripped rules back into force: one, or all.
  void reset_breaker(Caller caller, std::optional<std::uint32_t> rule, const Done& done);
  /// Makes every feed due now, each on its own (SIGHUP).
  void make_all_due();

 private:
  DataplaneLink& link_;
  UpdateQueue queue_;
  RuleUpdates rules_;
  Rollback rollback_;
  DataplaneCommands dataplane_;
  Expiry expiry_;
  Reconciler reconciler_;
  FeedUpdates feeds_;
};

}  // namespace weir::control
