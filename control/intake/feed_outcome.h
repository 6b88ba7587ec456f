#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "control/intake/list_parser.h"
#include "control/lists/delta_result.h"
#include "control/lists/edition.h"
#include "control/lists/fetch_record.h"
#include "control/lists/stage.h"
#include "control/lists/stage_times.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// What a run learnt about the token of the list.
struct TokenNews {
  bool is_known = false;             // false: the run did not see the list (304 Not Modified)
  std::optional<std::string> token;  // none: the list has no usable token
};

/// What a run learnt about the source.
struct SourceNews {
  FetchRecord record;
  TokenNews token;
  Edition edition;
  std::optional<std::uint64_t>
      delta_of;  // serial of the content that changes were applied to; none: no changes
};

/// The content in force is still the current one.
struct FeedUnchanged {
  SourceNews news;
};
struct FeedList {
  SourceNews news;
  ParsedList parsed;
};

/// The outcome of one run of a feed.
struct FeedOutcome {
  std::size_t list = 0;  // index in the configuration
  std::variant<StageFailure, FeedUnchanged, FeedList> result;
  std::optional<DeltaProblem> delta_problem;  // why changes were not used
  std::chrono::seconds retry_after{0};        // what the server asked for
  std::int64_t attempted_unix_seconds = 0;
  StageSeconds seconds;

  [[nodiscard]] const StageFailure* failure() const noexcept { return std::get_if<StageFailure>(&result); }
  [[nodiscard]] const FeedUnchanged* unchanged() const noexcept {
    return std::get_if<FeedUnchanged>(&result);
  }
  [[nodiscard]] const FeedList* list_read() const noexcept { return std::get_if<FeedList>(&result); }
  [[nodiscard]] FeedList* list_read() noexcept { return std::get_if<FeedList>(&result); }
  /// Null for a failure.
  [[nodiscard]] const SourceNews* news() const noexcept {
    if (const FeedUnchanged* same = unchanged()) return &same->news;
    if (const FeedList* read = list_read()) return &read->news;
    return nullptr;
  }
};

}  // namespace weir::control
