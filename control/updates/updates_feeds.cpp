// The part of Updates that takes in what feeds bring.

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "control/intake/feed_source.h"
#include "control/lists/list_diff.h"
#include "control/lists/rule_changes.h"
#include "control/updates/updates.h"
#include "dataplane/base/unix_time.h"

namespace weir::control {
namespace {

using nlohmann::json;

constexpr unsigned kMaxReloads = 16;

/// Whether what a feed brought may take the place of the list that is there.
base::Status check_guards(const config::ListSettings& settings, const FeedOutcome& outcome,
                          const ListState& list) {
  if (same_reading(outcome.source_digest, list.source_digest)) {
    if (auto newer = check_not_older(settings, outcome.edition, list.edition); !newer) return newer;
  }
  return check_size(settings.guards, outcome.parsed.rules.size(), list.entries);
}

/// Counts what became of a feed's changes.
void note_delta(const FeedOutcome& outcome, bool taken, ListHealth& health) {
  health.delta_error = outcome.delta_error;
  if (outcome.delta_error && outcome.delta_error->code == "delta_token") return;  // none were asked for
  if (outcome.delta_error)
    ++health.deltas[outcome.delta_error->code == "delta_expired" ? "expired" : "refused"];
  if (outcome.delta_of && taken) ++health.deltas["applied"];
}

}  // namespace

/// Feeds that are fetched because somebody asked for it: complete when the outcome of each of them is there.
struct Updates::Reload {
  enum class Purpose : std::uint8_t { load, dry_run, diff };
  Purpose purpose = Purpose::load;
  bool entries = false;  // of a diff
  std::string list;
  std::optional<std::uint64_t> expect_generation;
  std::mutex mutex;  // guards outcomes and missing
  std::vector<FeedOutcome> outcomes;
  std::size_t missing = 0;
};

void Updates::reload(Caller caller, std::string list, bool dry_run, const Done& done) {
  auto reload = std::make_shared<Reload>();
  reload->purpose = dry_run ? Reload::Purpose::dry_run : Reload::Purpose::load;
  reload->list = std::move(list);
  fetch_for(std::move(caller), reload, done);
}

void Updates::diff(Caller caller, std::string list, bool entries, const Done& done) {
  auto reload = std::make_shared<Reload>();
  reload->purpose = Reload::Purpose::diff;
  reload->list = std::move(list);
  reload->entries = entries;
  fetch_for(std::move(caller), reload, done);
}

void Updates::fetch_for(Caller caller, const std::shared_ptr<Reload>& reload, const Done& done) {
  std::vector<Feed*> feeds;
  for (std::size_t i = 0; i < feeds_.size(); ++i) {
    if (feeds_[i] != nullptr && (reload->list.empty() || settings_.lists[i].name == reload->list))
      feeds.push_back(feeds_[i].get());
  }
  if (!reload->list.empty() && feeds.empty()) {
    const bool manual = list_index(reload->list).has_value();
    done(manual ? base::Error{"list_not_feed",
                              fmt::format("list {} is manual: it has nothing to reload from", reload->list)}
                : base::Error{
                      "list_unknown",
                      fmt::format("no list {}; `weirctl lists` shows those that there are", reload->list)});
    return;
  }
  reload->expect_generation = std::exchange(caller.expect_generation, std::nullopt);
  reload->missing = feeds.size();
  const Work work = [this, reload](Change& change) { return do_reload(change, *reload); };
  if (feeds.empty()) return submit(std::move(caller), work, done);  // manual lists alone
  if (reloads_.fetch_add(1, std::memory_order_relaxed) >= kMaxReloads) {
    reloads_.fetch_sub(1, std::memory_order_relaxed);
    done(base::Error{"busy", fmt::format("{} reloads wait already; try again later", kMaxReloads)});
    return;
  }
  for (Feed* feed : feeds) {
    feed->run_now([this, reload, caller, work, done](FeedOutcome&& outcome) {
      {
        const std::lock_guard lock(reload->mutex);
        reload->outcomes.push_back(std::move(outcome));
        if (--reload->missing != 0) return;
      }
      // Not refused however many updates wait: the feeds must be settled.
      submit_always(caller, work, [this, done](Answer answer) {
        reloads_.fetch_sub(1, std::memory_order_relaxed);
        done(std::move(answer));
      });
    });
  }
}

/// Whatever comes of it, each feed is told when to come back.
Updates::Answer Updates::do_reload(Change& change, Reload& reload) {
  const std::lock_guard lock(reload.mutex);
  change.record.list = reload.list;
  std::vector<bool> failed(reload.outcomes.size(), false);
  const bool loads = reload.purpose == Reload::Purpose::load;
  Answer answer = base::Error{"internal", "no answer"};
  try {
    answer =
        reload.purpose == Reload::Purpose::diff ? do_diff(reload) : load_outcomes(change, reload, failed);
  } catch (const std::exception& exception) {
    answer = base::Error{"internal", exception.what()};
  }
  const bool any_failed = std::find(failed.begin(), failed.end(), true) != failed.end();
  for (FeedOutcome& outcome : reload.outcomes) {
    if (loads && answer) note_success(outcome);
    if (loads && !answer && !any_failed) note_failure(outcome, answer.error(), "publish");
    settle(outcome, !loads || answer.ok());
  }
  return answer;
}

/// What loading the one list would change, and whether its guards would let it.
Updates::Answer Updates::do_diff(const Reload& reload) const {
  const FeedOutcome& outcome = reload.outcomes.front();
  const config::ListSettings& settings = settings_.lists[outcome.list];
  if (outcome.error) {
    return base::Error{outcome.error->code, fmt::format("list {}: {}: {}", settings.name, outcome.error_stage,
                                                        outcome.error->message)};
  }
  const LoadedState& current = publisher_.current();
  json report = diff_lists(current.contents[outcome.list].get(), outcome.parsed.rules, reload.entries);
  report["list"] = settings.name;
  report["generation"] = current.state.generation.value;
  report["duplicates"] = outcome.parsed.duplicates;
  report["lines_refused"] = outcome.parsed.refused.count;
  report["refused"] = nullptr;
  const auto sized = check_guards(settings, outcome, current.state.lists[outcome.list]);
  if (!sized) report["refused"] = {{"code", sized.error().code}, {"message", sized.error().message}};
  return report;
}

Updates::Answer Updates::load_outcomes(Change& change, Reload& reload, std::vector<bool>& failed) {
  LoadedState draft = publisher_.current();
  const std::uint64_t now = draft.state.generation.value;
  if (reload.expect_generation.value_or(now) != now)
    return generation_mismatch(now, *reload.expect_generation);
  json lists = json::array();
  std::optional<base::Error> first_error;
  for (std::size_t i = 0; i < reload.outcomes.size(); ++i) {
    FeedOutcome& outcome = reload.outcomes[i];
    const StageTimes::Watch watch(change.times, "guard");
    change.times.add("fetch", outcome.fetch_seconds.count());
    change.times.add("parse", outcome.parse_seconds.count());
    json details;
    const auto taken = take_outcome(outcome, draft, details);
    lists.push_back(std::move(details));
    if (taken) continue;
    failed[i] = true;
    if (reload.purpose == Reload::Purpose::load)
      note_failure(outcome, taken.error(), outcome.error ? outcome.error_stage : "guard");
    if (first_error) continue;
    first_error = base::Error{taken.error().code,
                              fmt::format("list {}: {}; nothing was changed",
                                          settings_.lists[outcome.list].name, taken.error().message)};
  }
  if (first_error) return *first_error;
  if (reload.purpose == Reload::Purpose::load)
    return publish(change, std::move(draft), {{"lists", std::move(lists)}});
  const auto compiled = compile(draft.state, draft.contents, nullptr);
  if (!compiled) return compiled.error();
  return json{{"dry_run", true},
              {"generation", now},
              {"bytes", compiled.value()->bytes().size()},
              {"lists", std::move(lists)}};
}

void Updates::on_scheduled(FeedOutcome&& outcome) {
  {
    const std::lock_guard lock(scheduled_mutex_);
    scheduled_.push_back(std::move(outcome));
    if (scheduled_.size() > 1) return;  // the job that takes the first one takes this one too
  }
  queue_.submit_always([this] { take_scheduled(); });
}

/// Feeds that came at about the same time make one generation. Each stands for itself: what one of them lacks
/// does not hold the others.
void Updates::take_scheduled() {
  std::vector<FeedOutcome> outcomes;
  {
    const std::lock_guard lock(scheduled_mutex_);
    outcomes.swap(scheduled_);
  }
  Change change;
  change.record.method = "feed.update";
  change.record.before_generation = publisher_.current().state.generation.value;
  std::vector<bool> good(outcomes.size(), false);
  bool enforced_changes = false;
  Answer answer = json::object();
  try {
    LoadedState draft = publisher_.current();
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      json details;
      LoadedState attempt = draft;
      if (const auto taken = take_outcome(outcomes[i], attempt, details); !taken) {
        note_failure(outcomes[i], taken.error(), outcomes[i].error ? outcomes[i].error_stage : "guard");
        continue;
      }
      good[i] = true;
      const std::size_t list = outcomes[i].list;
      enforced_changes =
          enforced_changes || attempt.state.lists[list].content != draft.state.lists[list].content;
      change.record.list = settings_.lists[list].name;
      change.times.add("fetch", outcomes[i].fetch_seconds.count());
      change.times.add("parse", outcomes[i].parse_seconds.count());
      draft = std::move(attempt);
    }
    const bool first = publisher_.current().state.generation.value == 0 || publisher_.owes_generation();
    const bool any_good = std::find(good.begin(), good.end(), true) != good.end();
    if (enforced_changes || (first && any_good)) {
      answer = publish(change, draft, json::object());
      change.record.outcome = answer ? "ok" : answer.error().code;
      change.record.after_generation = publisher_.current().state.generation.value;
      if (answer) {
        spdlog::info("feeds: generation {}, active {}", change.record.after_generation, change.record.active);
      }
      if (const auto written = audit_.append(change.record); !written)
        spdlog::error("W202: {}", written.error().message);
    }
    if (any_good && (!enforced_changes || (!answer && answer.error().code == "lists_incomplete"))) {
      const base::Status kept = publisher_.keep(std::move(draft));
      answer = kept ? Answer(json::object()) : Answer(kept.error());
    }
  } catch (const std::exception& exception) {
    answer = base::Error{"internal", exception.what()};
  }
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (good[i] && answer) note_success(outcomes[i]);
    if (good[i] && !answer) note_failure(outcomes[i], answer.error(), "publish");
    settle(outcomes[i], good[i] && answer.ok());
  }
  schedule_expiry();
}

base::Status Updates::take_outcome(FeedOutcome& outcome, LoadedState& draft, json& details) {
  const config::ListSettings& settings = settings_.lists[outcome.list];
  ListState& list = draft.state.lists[outcome.list];
  list.last_attempt_unix_seconds = outcome.attempted_unix_seconds;
  details = {{"name", settings.name}, {"unchanged", outcome.unchanged}};
  if (outcome.error) return *outcome.error;
  if (!outcome.unchanged) {
    if (outcome.delta_of.value_or(list.content) != list.content) {
      return base::Error{"delta_base",
                         "another content was taken while changes of the list were on their way; it comes "
                         "whole next"};
    }
    const std::size_t entries = outcome.parsed.rules.size();
    details["entries"] = entries;
    details["duplicates"] = outcome.parsed.duplicates;
    json first = json::array();
    for (const rules::LineError& error : outcome.parsed.refused.first) {
      first.push_back({{"file", describe_source(settings)}, {"line", error.line}, {"reason", error.message}});
    }
    details["errors"] = {{"count", outcome.parsed.refused.count}, {"first", std::move(first)}};
    if (auto guarded = check_guards(settings, outcome, list); !guarded) return guarded;
    const auto adopted =
        adopt_rules(draft, outcome.list, std::move(outcome.parsed.rules), outcome.parsed.duplicates);
    if (!adopted) return adopted.error();
    details["added"] = adopted.value().added;
    details["removed"] = adopted.value().removed;
  }
  list.source_digest = outcome.source_digest;
  list.etag = outcome.validators.etag;
  list.last_modified = outcome.validators.last_modified;
  if (!outcome.unchanged || outcome.delta_of) list.edition = outcome.edition;
  // After a rollback the source's token is not that of what is in force.
  if (outcome.token && (!outcome.unchanged || !list.token.empty())) list.token = *outcome.token;
  if (!outcome.delta_of) list.last_full_unix_seconds = outcome.attempted_unix_seconds;
  list.last_success_unix_seconds = base::unix_now();
  return base::ok_status();
}

void Updates::note_failure(const FeedOutcome& outcome, const base::Error& error, const std::string& stage) {
  spdlog::error("W206: list {}: {}: {}", settings_.lists[outcome.list].name, stage, error.message);
  publisher_.set_health(outcome.list, [&](ListHealth& health) {
    note_delta(outcome, false, health);
    health.error = error;
    health.error_stage = stage;
    health.last_attempt_unix_seconds = outcome.attempted_unix_seconds;
    ++health.errors_by_stage[stage];
  });
}

void Updates::note_success(FeedOutcome& outcome) {
  const config::ListSettings& settings = settings_.lists[outcome.list];
  const RefusedLines& refused = outcome.parsed.refused;
  for (const rules::LineError& error : refused.first) {
    spdlog::warn("list {}: {}:{}: {}", settings.name, describe_source(settings), error.line, error.message);
  }
  if (refused.count > refused.first.size()) {
    spdlog::warn("list {}: {} more lines refused", settings.name, refused.count - refused.first.size());
  }
  if (outcome.delta_error && outcome.delta_error->code != "delta_expired")
    spdlog::warn("list {}: fetched whole: {}", settings.name, outcome.delta_error->message);
  publisher_.set_health(outcome.list, [&](ListHealth& health) {
    health.error.reset();
    health.error_stage.clear();
    health.last_attempt_unix_seconds = outcome.attempted_unix_seconds;
    note_delta(outcome, true, health);
    if (outcome.unchanged) return;
    if (refused.count != 0) health.errors_by_stage["parse"] += refused.count;
    if (!outcome.delta_of) health.refused = {};
    health.refused.append(std::move(outcome.parsed.refused));
  });
}

void Updates::settle(const FeedOutcome& outcome, bool success) {
  const ListState& list = publisher_.current().state.lists[outcome.list];
  const ContentPtr& content = publisher_.current().contents[outcome.list];
  // As long as its entries are not at hand, an unchanged feed must come whole.
  if (content != nullptr && content->fingerprints != nullptr)
    return feeds_[outcome.list]->settle({}, {}, success);
  feeds_[outcome.list]->settle({list.etag, list.last_modified}, list.source_digest, success);
}

}  // namespace weir::control
