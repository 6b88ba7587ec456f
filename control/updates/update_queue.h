#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include "control/publish/publisher.h"
#include "control/storage/audit_log.h"
#include "control/updates/change.h"
#include "control/updates/work_queue.h"

namespace weir::control {

/// Gets the duration of each stage of a publication, by the name of the stage, and the whole one as `total`.
using StageObserver = std::function<void(std::string_view stage, double seconds)>;

/// Runs changes one at a time, in one thread, and writes each into the audit log.
class UpdateQueue {
 public:
  UpdateQueue(Publisher& publisher, storage::AuditLog& audit, StageObserver observer);

  /// `hook` runs after each change, in the thread. To be set before start().
  void after_each_change(std::function<void()> hook) { after_change_ = std::move(hook); }

  void start() { queue_.start(); }
  /// Stops after the current job. Drops the waiting ones.
  void stop() { queue_.stop(); }
  /// Stops after the waiting jobs. Takes no new ones.
  void finish() { queue_.finish(); }

  /// Queues a caller's change. `done` gets the answer in the thread, or at once with code busy if too many
  /// wait.
  void submit(Caller caller, ChangeWork work, const ChangeDone& done);
  /// The same, however many wait.
  void submit_always(Caller caller, ChangeWork work, ChangeDone done);
  /// Queues a job of the daemon itself. It writes no audit record on its own.
  void submit_own(WorkQueue::Job job) { queue_.submit_always(std::move(job)); }
  /// Runs `job` at `due`, instead of the job of an earlier call.
  void submit_at(std::chrono::system_clock::time_point due, WorkQueue::Job job) {
    queue_.submit_at(due, std::move(job));
  }

  // The following functions are for the thread only.

  /// Runs `work` and records it. Exceptions become error `internal`.
  ChangeAnswer attempt(Change& change, const ChangeWork& work);
  /// Completes the audit record and writes it. Logs W202 if that fails.
  base::Status record(Change& change, const ChangeAnswer& answer);
  PublishResult publish(Change& change, LoadedState draft);
  /// Publishes and answers with `details`, completed with the generation, whether it is active, and the
  /// times.
  ChangeAnswer publish_with(Change& change, LoadedState draft, nlohmann::json details);
  static ChangeAnswer answer_of(const PublishResult& result, const Change& change, nlohmann::json details);
  /// For a job of submit_own() that changed something.
  void changed() {
    if (after_change_) after_change_();
  }

  /// Error generation_mismatch if the caller expects another generation than the current one.
  [[nodiscard]] base::Status check_generation(std::optional<std::uint64_t> expected) const;

 private:
  WorkQueue::Job make_job(Caller caller, ChangeWork work, ChangeDone done);
  void run(Change& change, const ChangeWork& work, const ChangeDone& done);

  Publisher& publisher_;
  storage::AuditLog& audit_;
  const StageObserver observer_;
  std::function<void()> after_change_;
  WorkQueue queue_;
};

}  // namespace weir::control
