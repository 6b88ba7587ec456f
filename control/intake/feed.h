#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "control/intake/delta.h"
#include "control/intake/feed_verification.h"
#include "control/intake/fetcher.h"
#include "control/intake/file_watch.h"
#include "control/intake/list_parser.h"

namespace weir::control {

using Seconds = std::chrono::duration<double>;

/// What a feed's thread brought. Exactly one of: an error, "nothing new", a list.
struct FeedOutcome {
  std::size_t list = 0;  // place in the configuration
  std::optional<base::Error> error;
  std::string error_stage;  // fetch | verify | parse
  bool unchanged = false;
  ParsedList parsed;
  std::string
      source_digest;  // of the bytes or, where there is one, the token; with a mark of how it was read
  std::optional<std::string> token;        // of the list; none: nothing was said of it
  std::optional<std::uint64_t> delta_of;   // the content that changes were applied to; none: a whole list
  std::optional<base::Error> delta_error;  // why changes were not taken, and the whole list instead
  Edition edition;
  Validators validators;
  std::chrono::seconds retry_after{0};  // what the server asked for
  std::int64_t attempted_unix_seconds = 0;
  Seconds fetch_seconds{};
  Seconds parse_seconds{};
};

/// When a feed is due again. After a success never before its interval; after failures sooner at first, then
/// backing off up to the interval; spread at random so that a fleet does not come all at once; never before
/// the server wants it, within a day. `spread` is from [0, 1).
std::chrono::milliseconds next_delay(std::chrono::seconds interval, unsigned failures, double spread,
                                     std::chrono::seconds retry_after);

/// Whether two digests of FeedOutcome are of lists that were read with the same settings.
bool same_reading(std::string_view digest, std::string_view other);

/// Fetches and parses one feed in a thread of its own, so that a slow server delays nothing else.
class Feed {
 public:
  using Sink = std::function<void(FeedOutcome&&)>;

  /// What is in force of this feed, from any thread.
  using BaseSource = std::function<DeltaBase()>;

  /// `sink` gets the outcomes of scheduled runs, in this feed's thread, and must answer each by settle().
  Feed(std::size_t index, const config::ListSettings& list, std::filesystem::path protected_hosts, Sink sink,
       BaseSource base = nullptr);
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  /// Starts the thread; the first scheduled run is due after `delay`. A file is watched from now on.
  void start(Validators validators, std::string digest, std::chrono::milliseconds delay);
  /// Runs as soon as it can and gives the outcome to `done`, which must see to settle(). The content is read
  /// and parsed even if it did not change.
  void run_now(Sink done);
  /// Makes the feed due, as its interval would; a run that is under way is followed by another one.
  void make_due();
  /// Tells what became of an outcome: what the content in force was fetched as, and when to come back.
  void settle(Validators validators, std::string digest, bool success);

  [[nodiscard]] const config::ListSettings& settings() const noexcept { return list_; }

 private:
  using Clock = std::chrono::steady_clock;

  void loop();
  /// What is known of the content in force; all empty: it comes whole, whatever was said of it before.
  struct Known {
    Validators validators;
    std::string digest;
    std::optional<DeltaBase> base;  // changes are asked for
  };
  [[nodiscard]] Known known(bool asked_for) const;
  FeedOutcome run(Known known);
  bool take_delta(FeedOutcome& outcome, const Known& known);
  void take_list(FeedOutcome& outcome, const Known& known);

  const std::size_t index_;
  const config::ListSettings& list_;
  const std::filesystem::path protected_hosts_;
  std::string reading_mark_;  // as of the last run; of this feed's thread once it runs
  const Sink sink_;
  const BaseSource base_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::vector<Sink> requested_;
  std::optional<Clock::time_point> due_;  // none: waiting for settle()
  bool again_ = false;                    // as soon as that came
  Validators validators_;
  std::string digest_;
  unsigned failures_ = 0;
  bool whole_next_ = false;  // changes were of no use: until it went well, no more of them
  std::chrono::seconds retry_after_{0};
  std::minstd_rand random_{std::random_device{}()};
  std::thread thread_;
  std::optional<FileWatch> watch_;  // of a file
};

}  // namespace weir::control
