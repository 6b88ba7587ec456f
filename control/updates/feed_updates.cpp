#include "control/updates/feed_updates.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "control/lists/list_diff.h"
#include "control/updates/list_names.h"
#include "dataplane/base/unix_time.h"

namespace weir::control {
namespace {

using nlohmann::json;

constexpr unsigned kMaxReloads = 16;

/// What the content in force was fetched as. None if its entries are not at hand: then the list must come
/// whole.
std::optional<FetchRecord> fetched_as(const LoadedState& current, std::size_t list) {
  const ContentPtr& content = current.contents[list];
  if (content != nullptr && content->form == EntryForm::fingerprints) return std::nullopt;
  return current.state.lists[list].fetched;
}

/// How long a feed can wait after a start. A file costs nothing to read. A server is not asked more often
/// than its interval says, restarts included.
std::chrono::seconds first_delay(const config::ListSettings& settings, const ListState& list) {
  if (is_local_file(settings.url) || list.content == 0) return std::chrono::seconds(0);
  const std::chrono::seconds due(list.last_success_unix_seconds + settings.interval.count());
  return std::clamp(due - std::chrono::seconds(base::unix_now()), std::chrono::seconds(0),
                    std::chrono::seconds(settings.interval));
}

}  // namespace

/// A reload or diff: complete when every feed has delivered its outcome.
struct FeedUpdates::Reload {
  enum class Purpose : std::uint8_t { load, dry_run, diff };
  Purpose purpose = Purpose::load;
  bool entries = false;  // of a diff: with the text of the entries
  std::string list;      // empty: every feed
  std::optional<std::uint64_t> expect_generation;
  std::mutex mutex;  // guards outcomes and missing
  std::vector<FeedOutcome> outcomes;
  std::size_t missing = 0;
};

FeedUpdates::FeedUpdates(const config::Settings& settings, Publisher& publisher, UpdateQueue& queue)
    : settings_(settings), publisher_(publisher), queue_(queue), intake_(settings, publisher) {
  for (std::size_t i = 0; i < settings_.lists.size(); ++i) {
    feeds_.push_back(settings_.lists[i].type == config::ListType::manual
                         ? nullptr
                         : std::make_unique<Feed>(
                               i, settings_.lists[i], settings_.protected_hosts,
                               [this](FeedOutcome&& outcome) { on_scheduled(std::move(outcome)); },
                               [this, i] { return delta_base(i); }));
  }
}

void FeedUpdates::start() {
  const LoadedState& current = publisher_.current();
  for (std::size_t i = 0; i < feeds_.size(); ++i) {
    if (feeds_[i] == nullptr) continue;
    auto record = fetched_as(current, i);
    const auto delay =
        record ? first_delay(settings_.lists[i], current.state.lists[i]) : std::chrono::seconds(0);
    feeds_[i]->start(std::move(record), delay);
  }
}

/// Reads the view, since the feeds call this from their threads.
std::optional<DeltaBase> FeedUpdates::delta_base(std::size_t index) const {
  const auto view = publisher_.view();
  const ListState& list = view->state.lists[index];
  const ContentPtr& content = view->contents[index];
  if (!list.token || content == nullptr || content->form == EntryForm::fingerprints) return std::nullopt;
  return DeltaBase{.content = content,
                   .token = *list.token,
                   .duplicates = list.duplicates,
                   .edition = list.edition,
                   .last_full_unix_seconds = list.last_full_unix_seconds};
}

void FeedUpdates::make_all_due() {
  for (const auto& feed : feeds_) {
    if (feed != nullptr) feed->make_due();
  }
}

// ---- reload and diff ----

void FeedUpdates::reload(Caller caller, std::string list, bool dry_run, const ChangeDone& done) {
  auto reload = std::make_shared<Reload>();
  reload->purpose = dry_run ? Reload::Purpose::dry_run : Reload::Purpose::load;
  reload->list = std::move(list);
  fetch_for(std::move(caller), reload, done);
}

void FeedUpdates::diff(Caller caller, std::string list, bool entries, const ChangeDone& done) {
  auto reload = std::make_shared<Reload>();
  reload->purpose = Reload::Purpose::diff;
  reload->list = std::move(list);
  reload->entries = entries;
  fetch_for(std::move(caller), reload, done);
}

void FeedUpdates::fetch_for(Caller caller, const std::shared_ptr<Reload>& reload, const ChangeDone& done) {
  std::vector<Feed*> feeds;
  for (std::size_t i = 0; i < feeds_.size(); ++i) {
    if (feeds_[i] != nullptr && (reload->list.empty() || settings_.lists[i].name == reload->list))
      feeds.push_back(feeds_[i].get());
  }
  if (!reload->list.empty() && feeds.empty()) {
    const bool is_manual = list_index(settings_, reload->list).has_value();
    done(is_manual ? base::Error{"list_not_feed",
                                 fmt::format("list {} is a manual list: it has no source", reload->list)}
                   : base::Error{"list_unknown",
                                 fmt::format("no list {}; `weirctl lists` shows all lists", reload->list)});
    return;
  }
  reload->expect_generation = std::exchange(caller.expect_generation, std::nullopt);
  reload->missing = feeds.size();
  const ChangeWork work = [this, reload](Change& change) { return finish_reload(change, *reload); };
  if (feeds.empty()) return queue_.submit(std::move(caller), work, done);  // there are manual lists only
  if (reloads_.fetch_add(1, std::memory_order_relaxed) >= kMaxReloads) {
    reloads_.fetch_sub(1, std::memory_order_relaxed);
    done(base::Error{"busy", fmt::format("{} reloads are waiting already; try again later", kMaxReloads)});
    return;
  }
  for (Feed* feed : feeds) {
    feed->run_now([this, reload, caller, work, done](FeedOutcome&& outcome) {
      {
        const std::lock_guard lock(reload->mutex);
        reload->outcomes.push_back(std::move(outcome));
        if (--reload->missing != 0) return;
      }
      // Never refused: each feed waits for settle().
      queue_.submit_always(caller, work, [this, done](ChangeAnswer answer) {
        reloads_.fetch_sub(1, std::memory_order_relaxed);
        done(std::move(answer));
      });
    });
  }
}

/// Settles every feed, whatever the answer is.
ChangeAnswer FeedUpdates::finish_reload(Change& change, Reload& reload) {
  const std::lock_guard lock(reload.mutex);
  change.record.list = reload.list;
  bool any_failed = false;
  const bool loads = reload.purpose == Reload::Purpose::load;
  ChangeAnswer answer = base::Error{"internal", "no answer"};
  try {
    answer = reload.purpose == Reload::Purpose::diff ? compare(reload) : load(change, reload, any_failed);
  } catch (const std::exception& exception) {
    answer = base::Error{"internal", exception.what()};
  }
  for (FeedOutcome& outcome : reload.outcomes) {
    if (loads && answer) intake_.note_success(outcome);
    if (loads && !answer && !any_failed)
      intake_.note_failure(outcome, {.stage = Stage::publish, .error = answer.error()});
    settle(outcome, !loads || answer.ok());
  }
  return answer;
}

ChangeAnswer FeedUpdates::compare(const Reload& reload) const {
  const FeedOutcome& outcome = reload.outcomes.front();
  const config::ListSettings& settings = settings_.lists[outcome.list];
  if (const StageFailure* failure = outcome.failure()) {
    return base::Error{failure->error.code, fmt::format("list {}: {}: {}", settings.name,
                                                        to_string(failure->stage), failure->error.message)};
  }
  const FeedList* read = outcome.list_read();
  if (read == nullptr) return base::Error{"internal", "the feed did not bring its list"};
  const LoadedState& current = publisher_.current();
  json report = diff_lists(current.contents[outcome.list].get(), read->parsed.rules, reload.entries);
  report["list"] = settings.name;
  report["generation"] = current.state.generation.value;
  report["duplicates"] = read->parsed.duplicates;
  report["lines_refused"] = read->parsed.refused.count;
  report["refused"] = nullptr;
  const auto guarded = intake_.check_guards(outcome.list, *read, current.state.lists[outcome.list]);
  if (!guarded) report["refused"] = {{"code", guarded.error().code}, {"message", guarded.error().message}};
  return report;
}

ChangeAnswer FeedUpdates::load(Change& change, Reload& reload, bool& any_failed) {
  if (const auto expected = queue_.check_generation(reload.expect_generation); !expected)
    return expected.error();
  LoadedState draft = publisher_.current();
  json lists = json::array();
  std::optional<base::Error> first_error;
  for (FeedOutcome& outcome : reload.outcomes) {
    const StageTimes::Watch watch(change.times, Stage::guard);
    change.times.add(outcome.seconds);
    json details;
    const auto failure = intake_.take(outcome, draft, details);
    lists.push_back(std::move(details));
    if (!failure) continue;
    any_failed = true;
    if (reload.purpose == Reload::Purpose::load) intake_.note_failure(outcome, *failure);
    if (first_error) continue;
    first_error = base::Error{failure->error.code,
                              fmt::format("list {}: {}; nothing was changed",
                                          settings_.lists[outcome.list].name, failure->error.message)};
  }
  if (first_error) return *first_error;
  if (reload.purpose == Reload::Purpose::load)
    return queue_.publish_with(change, std::move(draft), {{"lists", std::move(lists)}});
  const auto compiled = compile(draft.state, draft.contents, nullptr);
  if (!compiled) return compiled.error();
  return json{{"dry_run", true},
              {"generation", draft.state.generation.value},
              {"bytes", compiled.value()->bytes().size()},
              {"lists", std::move(lists)}};
}

// ---- scheduled runs ----

void FeedUpdates::on_scheduled(FeedOutcome&& outcome) {
  {
    const std::lock_guard lock(scheduled_mutex_);
    scheduled_.push_back(std::move(outcome));
    if (scheduled_.size() > 1) return;  // the job for the first one takes this one as well
  }
  queue_.submit_own([this] { take_scheduled(); });
}

/// Outcomes that arrive at about the same time make one generation. A feed that fails does not hold up the
/// others.
void FeedUpdates::take_scheduled() {
  std::vector<FeedOutcome> outcomes;
  {
    const std::lock_guard lock(scheduled_mutex_);
    outcomes.swap(scheduled_);
  }
  Change change;
  change.record.method = "feed.update";
  change.record.before_generation = publisher_.current().state.generation.value;
  std::vector<bool> good(outcomes.size(), false);
  ChangeAnswer answer = json::object();
  try {
    answer = load_scheduled(change, outcomes, good);
  } catch (const std::exception& exception) {
    answer = base::Error{"internal", exception.what()};
  }
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (good[i] && answer) intake_.note_success(outcomes[i]);
    if (good[i] && !answer)
      intake_.note_failure(outcomes[i], {.stage = Stage::publish, .error = answer.error()});
    settle(outcomes[i], good[i] && answer.ok());
  }
  queue_.changed();
}

/// `good` tells which outcomes were taken. The answer is about these.
ChangeAnswer FeedUpdates::load_scheduled(Change& change, std::vector<FeedOutcome>& outcomes,
                                         std::vector<bool>& good) {
  LoadedState draft = publisher_.current();
  bool changes_rules = false;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    json details;
    LoadedState attempt = draft;
    if (const auto failure = intake_.take(outcomes[i], attempt, details)) {
      intake_.note_failure(outcomes[i], *failure);
      continue;
    }
    good[i] = true;
    const std::size_t list = outcomes[i].list;
    changes_rules = changes_rules || attempt.state.lists[list].content != draft.state.lists[list].content;
    change.record.list = settings_.lists[list].name;
    change.times.add(outcomes[i].seconds);
    draft = std::move(attempt);
  }
  if (std::find(good.begin(), good.end(), true) == good.end()) return json::object();
  const bool owes = publisher_.current().state.generation.value == 0 || publisher_.owes_generation();
  ChangeAnswer answer = json::object();
  bool is_incomplete = false;
  if (changes_rules || owes) {
    const PublishResult result = queue_.publish(change, draft);
    is_incomplete = result.state == PublishResult::State::incomplete;
    answer = UpdateQueue::answer_of(result, change, json::object());
    static_cast<void>(queue_.record(change, answer));  // a failure is logged; there is no caller to tell
    if (result.is_made()) {
      spdlog::info("feeds: generation {}, active {}", change.record.after_generation, change.record.active);
      return answer;
    }
  }
  // The draft of an incomplete generation is kept until the missing feeds were fetched.
  if (changes_rules && !is_incomplete) return answer;
  const base::Status kept = publisher_.keep(std::move(draft));
  return kept ? ChangeAnswer(json::object()) : ChangeAnswer(kept.error());
}

void FeedUpdates::settle(const FeedOutcome& outcome, bool success) {
  feeds_[outcome.list]->settle(fetched_as(publisher_.current(), outcome.list), success);
}

}  // namespace weir::control
