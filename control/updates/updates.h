#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "control/intake/feed.h"
#include "control/publish/publisher.h"
#include "control/storage/audit_log.h"
#include "control/updates/work_queue.h"
#include "dataplane/base/outcome.h"

namespace weir::control {

/// Who asks for an update.
struct Caller {
  unsigned uid = 0;
  std::string method;
  std::optional<std::uint64_t> expect_generation;  // the update is refused when another one is current
};

struct RuleRequest {
  std::string list;  // empty: the manual list, when there is one alone
  std::string entry;
  rules::Action action = rules::Action::block;
  std::string comment;
  std::int64_t expires_unix_seconds = 0;  // 0: never
  bool confirmed = false;                 // block it although it covers a protected host
};

struct RemoveRequest {
  std::string list;  // empty: every manual list
  std::optional<std::uint32_t> id;
  std::string entry;  // when there is no id
};

/// Every change of what is enforced, one at a time in one thread: operators' calls, feeds, expiry, and a
/// dataplane that came back. Calls return at once; `done` gets the answer, from the thread of the updates.
class Updates {
 public:
  using Answer = base::Result<nlohmann::json>;
  using Done = std::function<void(Answer)>;
  using StageObserver = std::function<void(std::string_view stage, double seconds)>;

  Updates(const config::Settings& settings, Publisher& publisher, DataplaneLink& link,
          storage::AuditLog& audit, StageObserver observer);
  ~Updates();
  Updates(const Updates&) = delete;
  Updates& operator=(const Updates&) = delete;

  void start();
  void stop();
  /// Does what waits and takes nothing more. False, and nothing happened: feeds are being fetched because
  /// somebody asked for it, and their answer is still to come.
  bool finish();

  void add_rule(Caller caller, RuleRequest request, const Done& done);
  void remove_rule(Caller caller, RemoveRequest request, const Done& done);
  /// Fetches `list` (empty: every feed) now. All or nothing.
  void reload(Caller caller, std::string list, bool dry_run, const Done& done);
  /// Fetches `list` and compares it with what is in force; changes nothing. `entries`: with their text.
  void diff(Caller caller, std::string list, bool entries, const Done& done);
  void rollback(Caller caller, std::optional<std::uint64_t> generation, const Done& done);
  void set_enforcement(Caller caller, base::Enforcement mode, const Done& done);
  /// Puts tripped rules back into force: one, or all.
  void reset_breaker(Caller caller, std::optional<std::uint32_t> rule, const Done& done);
  /// Every feed is due now, each for itself (SIGHUP).
  void make_all_due();

 private:
  /// One call on its way through the thread: its audit record and its times.
  struct Change {
    Caller caller;
    storage::AuditRecord record;
    StageTimes times;
  };
  using Work = std::function<Answer(Change&)>;
  struct Reload;

  void submit(Caller caller, Work work, const Done& done);
  void submit_always(Caller caller, Work work, Done done);
  WorkQueue::Job make_job(Caller caller, Work work, Done done);
  void run(Change& change, const Work& work, const Done& done);
  Answer attempt(Change& change, const Work& work);
  Answer publish(Change& change, LoadedState draft, nlohmann::json details);
  void note_times(const StageTimes& times) const;
  base::Result<std::size_t> manual_list(const std::string& name) const;
  std::optional<std::size_t> list_index(const std::string& name) const;

  Answer do_add(Change& change, const RuleRequest& request);
  Answer do_remove(Change& change, const RemoveRequest& request);
  base::Error removal_error(const RemoveRequest& request) const;
  Answer do_rollback(Change& change, std::optional<std::uint64_t> generation);
  base::Result<base::Generation> rollback_target() const;
  void fetch_for(Caller caller, const std::shared_ptr<Reload>& reload, const Done& done);
  Answer do_reload(Change& change, Reload& reload);
  Answer do_diff(const Reload& reload) const;
  Answer load_outcomes(Change& change, Reload& reload, std::vector<bool>& failed);
  static base::Error generation_mismatch(std::uint64_t current, std::uint64_t expected);

  static DeltaBase delta_base(const View& view, std::size_t index);
  void on_scheduled(FeedOutcome&& outcome);
  void take_scheduled();
  base::Status take_outcome(FeedOutcome& outcome, LoadedState& draft, nlohmann::json& details);
  void note_failure(const FeedOutcome& outcome, const base::Error& error, const std::string& stage);
  void note_success(FeedOutcome& outcome);
  void settle(const FeedOutcome& outcome, bool success);

  void expire();
  void schedule_expiry();
  void on_dataplane(const DataplaneStatus& status);
  void reconcile();

  const config::Settings& settings_;
  Publisher& publisher_;
  DataplaneLink& link_;
  storage::AuditLog& audit_;
  const StageObserver observer_;
  rules::EntryParser parser_;  // of the thread
  std::mutex scheduled_mutex_;
  std::vector<FeedOutcome> scheduled_;  // waiting to be taken together
  std::atomic<unsigned> reloads_{0};    // explicit ones on their way
  std::atomic<bool> reconciling_{false};
  std::atomic<std::int64_t> reconcile_not_before_{0};
  unsigned reconcile_failures_ = 0;
  WorkQueue queue_;
  std::vector<std::unique_ptr<Feed>> feeds_;  // null for manual lists
};

}  // namespace weir::control
