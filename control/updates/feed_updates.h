#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "config/settings.h"
#include "control/intake/feed.h"
#include "control/updates/feed_intake.h"
#include "control/updates/update_queue.h"

namespace weir::control {

/// The feeds: runs them, publishes what they bring, and answers reload and diff.
class FeedUpdates {
 public:
  FeedUpdates(const config::Settings& settings, Publisher& publisher, UpdateQueue& queue);

  void start();
  void stop() { feeds_.clear(); }
  /// Whether a reload or diff is still to be answered.
  [[nodiscard]] bool is_answer_due() const noexcept { return reloads_.load(std::memory_order_relaxed) != 0; }

  /// Fetches `list` (empty: every feed) now and publishes it. All or nothing.
  void reload(Caller caller, std::string list, bool dry_run, const ChangeDone& done);
  /// Fetches `list` and compares it with the one in force. Changes nothing. `entries`: answer with their
  /// text.
  void diff(Caller caller, std::string list, bool entries, const ChangeDone& done);
  /// Makes every feed due now, each on its own.
  void make_all_due();

 private:
  struct Reload;

  [[nodiscard]] std::optional<DeltaBase> delta_base(std::size_t list) const;
  void fetch_for(Caller caller, const std::shared_ptr<Reload>& reload, const ChangeDone& done);
  ChangeAnswer finish_reload(Change& change, Reload& reload);
  ChangeAnswer load(Change& change, Reload& reload, bool& any_failed);
  [[nodiscard]] ChangeAnswer compare(const Reload& reload) const;

  void on_scheduled(FeedOutcome&& outcome);
  void take_scheduled();
  ChangeAnswer load_scheduled(Change& change, std::vector<FeedOutcome>& outcomes, std::vector<bool>& good);
  void settle(const FeedOutcome& outcome, bool success);

  const config::Settings& settings_;
  Publisher& publisher_;
  UpdateQueue& queue_;
  FeedIntake intake_;
  std::mutex scheduled_mutex_;
  std::vector<FeedOutcome> scheduled_;        // to be taken together
  std::atomic<unsigned> reloads_{0};          // reloads and diffs in progress
  std::vector<std::unique_ptr<Feed>> feeds_;  // null for manual lists
};

}  // namespace weir::control
