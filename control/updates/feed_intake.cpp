#include "control/updates/feed_intake.h"

#include <utility>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "control/intake/feed_verification.h"
#include "control/intake/fetcher.h"
#include "control/intake/guards.h"
#include "control/intake/source_digest.h"
#include "control/lists/rule_changes.h"
#include "dataplane/base/unix_time.h"

namespace weir::control {
namespace {

using nlohmann::json;

/// Notes what became of the changes of a feed, if they were asked for.
void note_delta(const FeedOutcome& outcome, bool is_taken, ListHealth& health) {
  health.delta_problem = outcome.delta_problem;
  if (outcome.delta_problem) {
    switch (outcome.delta_problem->kind) {
      case DeltaProblem::Kind::expired:
        return health.count(DeltaResult::expired);
      case DeltaProblem::Kind::refused:
        return health.count(DeltaResult::refused);
      case DeltaProblem::Kind::no_token:
        return;
    }
  }
  const SourceNews* news = outcome.news();
  if (is_taken && news != nullptr && news->delta_of) health.count(DeltaResult::applied);
}

json refused_json(const config::ListSettings& settings, const RefusedLines& refused) {
  json first = json::array();
  for (const rules::LineError& error : refused.first) {
    first.push_back({{"file", describe_source(settings)}, {"line", error.line}, {"reason", error.message}});
  }
  return {{"count", refused.count}, {"first", std::move(first)}};
}

/// Notes what the content in force was fetched as.
void take_news(const FeedOutcome& outcome, const SourceNews& news, ListState& list) {
  const bool is_unchanged = outcome.unchanged() != nullptr;
  list.fetched = news.record;
  if (!is_unchanged || news.delta_of) list.edition = news.edition;
  // After a rollback, the token of the source belongs to another content than the one in force.
  if (news.token.is_known && (!is_unchanged || list.token)) list.token = news.token.token;
  if (!news.delta_of) list.last_full_unix_seconds = outcome.attempted_unix_seconds;
  list.last_success_unix_seconds = base::unix_now();
}

}  // namespace

base::Status FeedIntake::check_guards(std::size_t list, const FeedList& read, const ListState& last) const {
  const config::ListSettings& settings = settings_.lists[list];
  if (last.fetched && same_reading(read.news.record.digest, last.fetched->digest)) {
    if (auto newer = check_not_older(settings, read.news.edition, last.edition); !newer) return newer;
  }
  return check_size(settings.guards, read.parsed.rules.size(), last.entries);
}

std::optional<StageFailure> FeedIntake::take(FeedOutcome& outcome, LoadedState& draft, json& details) const {
  const config::ListSettings& settings = settings_.lists[outcome.list];
  ListState& list = draft.state.lists[outcome.list];
  list.last_attempt_unix_seconds = outcome.attempted_unix_seconds;
  details = {{"name", settings.name}, {"unchanged", outcome.unchanged() != nullptr}};
  if (const StageFailure* failure = outcome.failure()) return *failure;
  const auto refuse = [](base::Error error) {
    return StageFailure{.stage = Stage::guard, .error = std::move(error)};
  };
  if (FeedList* read = outcome.list_read()) {
    if (read->news.delta_of.value_or(list.content) != list.content) {
      return refuse(
          {"delta_base",
           "the list was replaced while its changes were being fetched; it is fetched whole next time"});
    }
    details["entries"] = read->parsed.rules.size();
    details["duplicates"] = read->parsed.duplicates;
    details["errors"] = refused_json(settings, read->parsed.refused);
    if (const auto guarded = check_guards(outcome.list, *read, list); !guarded)
      return refuse(guarded.error());
    const auto adopted =
        adopt_rules(draft, outcome.list, std::move(read->parsed.rules), read->parsed.duplicates);
    if (!adopted) return refuse(adopted.error());
    details["added"] = adopted.value().added;
    details["removed"] = adopted.value().removed;
  }
  take_news(outcome, *outcome.news(), list);
  return std::nullopt;
}

void FeedIntake::note_failure(const FeedOutcome& outcome, const StageFailure& failure) {
  spdlog::error("W206: list {}: {}: {}", settings_.lists[outcome.list].name, to_string(failure.stage),
                failure.error.message);
  publisher_.set_health(outcome.list, [&](ListHealth& health) {
    note_delta(outcome, false, health);
    health.failure = failure;
    health.last_attempt_unix_seconds = outcome.attempted_unix_seconds;
    health.count(failure.stage, 1);
  });
}

void FeedIntake::note_success(FeedOutcome& outcome) {
  const config::ListSettings& settings = settings_.lists[outcome.list];
  FeedList* read = outcome.list_read();
  if (read != nullptr) {
    const RefusedLines& refused = read->parsed.refused;
    for (const rules::LineError& error : refused.first)
      spdlog::warn("list {}: {}:{}: {}", settings.name, describe_source(settings), error.line, error.message);
    if (refused.count > refused.first.size())
      spdlog::warn("list {}: {} more lines refused", settings.name, refused.count - refused.first.size());
  }
  if (outcome.delta_problem && outcome.delta_problem->kind != DeltaProblem::Kind::expired)
    spdlog::warn("list {}: fetched whole: {}", settings.name, outcome.delta_problem->error.message);
  publisher_.set_health(outcome.list, [&](ListHealth& health) {
    health.failure.reset();
    health.last_attempt_unix_seconds = outcome.attempted_unix_seconds;
    note_delta(outcome, true, health);
    if (read == nullptr) return;
    health.count(Stage::parse, read->parsed.refused.count);
    if (!read->news.delta_of) health.refused = {};
    health.refused.append(std::move(read->parsed.refused));
  });
}

}  // namespace weir::control
