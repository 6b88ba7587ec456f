#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "control/intake/delta.h"
#include "control/intake/feed_outcome.h"
#include "control/intake/file_watch.h"

namespace weir::control {

/// The delay before the next run of a feed. After a success at least its interval. After failures shorter at
/// first, then backing off up to the interval. Spread at random so that many installations do not fetch at
/// the same time, and never before the server wants it (up to a day). `spread` is in [0, 1).
std::chrono::milliseconds next_delay(std::chrono::seconds interval, unsigned failures, double spread,
                                     std::chrono::seconds retry_after);

/// Fetches and parses one feed in its own thread, so that a slow server delays nothing else.
class Feed {
 public:
  using Sink = std::function<void(FeedOutcome&&)>;

  /// The content in force, to apply changes to. Thread-safe. None: there is none that changes can be applied
  /// to.
  using BaseSource = std::function<std::optional<DeltaBase>()>;

  /// `sink` gets the outcome of each scheduled run, in the feed's thread. settle() must follow each of them.
  Feed(std::size_t index, const config::ListSettings& list, std::filesystem::path protected_hosts, Sink sink,
       BaseSource base = nullptr);
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  /// Starts the thread. The first scheduled run is due after `delay`, or at once if the content in force was
  /// read with other settings. `in_force`: what that content was fetched as; none: the list must come whole.
  /// If the source is a file, changes to it make the feed due from now on.
  void start(std::optional<FetchRecord> in_force, std::chrono::milliseconds delay);
  /// Runs as soon as possible and gives the outcome to `done`; settle() must follow. The content is fetched
  /// and parsed even if it has not changed.
  void run_now(Sink done);
  /// Makes the feed due now. If a run is in progress, another one follows it.
  void make_due();
  /// Answers an outcome: what the content now in force was fetched as (none: the list must come whole next
  /// time), and whether the outcome was good. Schedules the next run.
  void settle(std::optional<FetchRecord> in_force, bool success);

  [[nodiscard]] const config::ListSettings& settings() const noexcept { return list_; }

 private:
  using Clock = std::chrono::steady_clock;

  /// What a run may rely on.
  struct Known {
    std::optional<FetchRecord> in_force;  // none: the list must come whole
    std::optional<DeltaBase> base;        // with it: ask for changes
  };
  using Result = decltype(FeedOutcome::result);

  void loop();
  [[nodiscard]] Known known(bool asked_for) const;
  FeedOutcome run(const Known& known);
  std::optional<Result> take_delta(FeedOutcome& outcome, const FetchRecord& in_force, const DeltaBase& base);
  Result take_list(FeedOutcome& outcome, const std::optional<FetchRecord>& in_force, Stage& stage);
  TokenNews read_token(const std::optional<std::string>& token, FeedOutcome& outcome,
                       FetchRecord& record) const;

  const std::size_t index_;
  const config::ListSettings& list_;
  const std::filesystem::path protected_hosts_;
  std::string reading_mark_;  // as of the last run; after start() of the feed's thread alone
  const Sink sink_;
  const BaseSource base_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::vector<Sink> requested_;
  std::optional<Clock::time_point> due_;  // none: waiting for settle()
  bool again_ = false;                    // due at once after settle()
  std::optional<FetchRecord> in_force_;
  unsigned failures_ = 0;
  bool whole_next_ = false;  // changes were of no use: no more of them until a run succeeds
  std::chrono::seconds retry_after_{0};
  std::minstd_rand random_{std::random_device{}()};
  std::thread thread_;
  std::optional<FileWatch> watch_;  // of a file
};

}  // namespace weir::control
