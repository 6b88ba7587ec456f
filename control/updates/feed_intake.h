#pragma once

#include <cstddef>
#include <optional>

#include <nlohmann/json_fwd.hpp>

#include "config/settings.h"
#include "control/intake/feed_outcome.h"
#include "control/publish/publisher.h"

namespace weir::control {

/// Takes the outcomes of feeds into drafts, and reports how the feeds fare. For the thread of the updates.
class FeedIntake {
 public:
  FeedIntake(const config::Settings& settings, Publisher& publisher)
      : settings_(settings), publisher_(publisher) {}

  /// Whether the list that was read may replace `last`. Error codes: guard_older, and those of check_size().
  [[nodiscard]] base::Status check_guards(std::size_t list, const FeedList& read,
                                          const ListState& last) const;
  /// Takes an outcome into `draft`. Fills `details` with what a reload answers about the list. The parsed
  /// rules move out of the outcome.
  std::optional<StageFailure> take(FeedOutcome& outcome, LoadedState& draft, nlohmann::json& details) const;

  /// Logs the failure of a feed (W206) and notes it in the health of its list.
  void note_failure(const FeedOutcome& outcome, const StageFailure& failure);
  /// Logs the lines that were refused and notes them in the health of the list.
  void note_success(FeedOutcome& outcome);

 private:
  const config::Settings& settings_;
  Publisher& publisher_;
};

}  // namespace weir::control
