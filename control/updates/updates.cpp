#include "control/updates/updates.h"

#include <algorithm>
#include <exception>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "control/lists/rule_changes.h"
#include "dataplane/base/unix_time.h"

namespace weir::control {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxWaiting = 256;
constexpr std::chrono::milliseconds kModeTimeout{5000};
constexpr std::chrono::seconds kExpiryRetry{10};

json stages_json(const StageTimes& times) {
  json stages = json::object();
  for (const auto& stage : times.stages()) stages[stage.name] = stage.seconds;
  return stages;
}

}  // namespace

Updates::Updates(const config::Settings& settings, Publisher& publisher, DataplaneLink& link,
                 storage::AuditLog& audit, StageObserver observer)
    : settings_(settings),
      publisher_(publisher),
      link_(link),
      audit_(audit),
      observer_(std::move(observer)),
      queue_(kMaxWaiting) {
  for (std::size_t i = 0; i < settings_.lists.size(); ++i) {
    feeds_.push_back(settings_.lists[i].type == config::ListType::manual
                         ? nullptr
                         : std::make_unique<Feed>(
                               i, settings_.lists[i], settings_.protected_hosts,
                               [this](FeedOutcome&& outcome) { on_scheduled(std::move(outcome)); },
                               [this, i] { return delta_base(*publisher_.view(), i); }));
  }
}

DeltaBase Updates::delta_base(const View& view, std::size_t index) {
  const ListState& list = view.state.lists[index];
  return {.content = view.contents[index],
          .token = list.token,
          .duplicates = list.duplicates,
          .edition = list.edition,
          .last_full_unix_seconds = list.last_full_unix_seconds};
}

Updates::~Updates() { stop(); }

void Updates::start() {
  schedule_expiry();
  const State& state = publisher_.current().state;
  const auto& state_contents = publisher_.current().contents;
  const std::int64_t now = base::unix_now();
  for (std::size_t i = 0; i < feeds_.size(); ++i) {
    if (feeds_[i] == nullptr) continue;
    const ListState& list = state.lists[i];
    // A file costs nothing to look at; a server is asked no more often than its interval, restarts included.
    const bool remote = settings_.lists[i].url.starts_with("https://");
    const ContentPtr& content = state_contents[i];
    if (content != nullptr && content->fingerprints != nullptr) {
      feeds_[i]->start({}, "", std::chrono::seconds(0));  // nothing can be made without its entries
      continue;
    }
    std::int64_t wait = 0;
    if (remote && list.content != 0 && !list.source_digest.empty()) {
      const std::int64_t due = list.last_success_unix_seconds + settings_.lists[i].interval.count();
      wait = std::clamp<std::int64_t>(due - now, 0, settings_.lists[i].interval.count());
    }
    feeds_[i]->start({list.etag, list.last_modified}, list.source_digest, std::chrono::seconds(wait));
  }
  queue_.start();
  link_.start([this](const DataplaneStatus& status) { on_dataplane(status); });
}

void Updates::stop() {
  link_.stop();
  queue_.stop();
  feeds_.clear();
}

bool Updates::finish() {
  if (reloads_.load(std::memory_order_relaxed) != 0) return false;
  link_.stop();
  queue_.finish();
  return true;
}

WorkQueue::Job Updates::make_job(Caller caller, Work work, Done done) {
  auto change = std::make_shared<Change>();
  change->record.uid = caller.uid;
  change->record.method = caller.method;
  change->caller = std::move(caller);
  return [this, change, work = std::move(work), done = std::move(done)] { run(*change, work, done); };
}

void Updates::submit(Caller caller, Work work, const Done& done) {
  if (queue_.submit(make_job(std::move(caller), std::move(work), done))) return;
  done(base::Error{"busy", fmt::format("{} updates wait already; try again later", kMaxWaiting)});
}

void Updates::submit_always(Caller caller, Work work, Done done) {
  queue_.submit_always(make_job(std::move(caller), std::move(work), std::move(done)));
}

/// Does the work and writes it into the audit log; nothing that it throws gets out.
Updates::Answer Updates::attempt(Change& change, const Work& work) {
  const std::uint64_t before = publisher_.current().state.generation.value;
  change.record.before_generation = before;
  Answer answer = base::Error{"internal", "no answer"};
  try {
    answer = work(change);
  } catch (const std::exception& exception) {
    answer = base::Error{"internal", exception.what()};
  }
  change.record.after_generation = publisher_.current().state.generation.value;
  change.record.outcome = answer ? "ok" : answer.error().code;
  const auto written = audit_.append(change.record);
  if (written) return answer;
  spdlog::error("W202: {}", written.error().message);
  if (!answer) return answer;
  // What is not in the log is not acknowledged, though it is done.
  return base::Error{"audit_failed",
                     fmt::format("done, generation {} is current, but without a record of it: {}",
                                 change.record.after_generation, written.error().message)};
}

void Updates::run(Change& change, const Work& work, const Done& done) {
  Answer answer = attempt(change, [&](Change& self) -> Answer {
    const std::uint64_t now = publisher_.current().state.generation.value;
    if (self.caller.expect_generation.value_or(now) == now) return work(self);
    return generation_mismatch(now, *self.caller.expect_generation);
  });
  if (answer) {
    spdlog::info("{} by uid {}: generation {}, active {}", change.record.method, change.caller.uid,
                 change.record.after_generation, change.record.active);
  } else {
    spdlog::warn("{} by uid {}: {}", change.record.method, change.caller.uid, answer.error().code);
  }
  schedule_expiry();
  done(std::move(answer));
}

base::Error Updates::generation_mismatch(std::uint64_t current, std::uint64_t expected) {
  return {"generation_mismatch",
          fmt::format("generation {} is current, not {}: look again and retry", current, expected)};
}

void Updates::note_times(const StageTimes& times) const {
  for (const auto& stage : times.stages()) observer_(stage.name, stage.seconds);
  observer_("total", times.total_seconds());
}

Updates::Answer Updates::publish(Change& change, LoadedState draft, json details) {
  const auto published = publisher_.publish(std::move(draft), change.times);
  note_times(change.times);
  if (!published) return published.error();
  const auto& not_active = published.value().not_active;
  change.record.active = !not_active;
  details["generation"] = published.value().generation.value;
  details["active"] = !not_active;
  if (not_active) details["error"] = {{"code", not_active->code}, {"message", not_active->message}};
  details["stages"] = stages_json(change.times);
  details["seconds"] = change.times.total_seconds();
  return details;
}

std::optional<std::size_t> Updates::list_index(const std::string& name) const {
  for (std::size_t i = 0; i < settings_.lists.size(); ++i) {
    if (settings_.lists[i].name == name) return i;
  }
  return std::nullopt;
}

base::Result<std::size_t> Updates::manual_list(const std::string& name) const {
  std::vector<std::size_t> manual;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < settings_.lists.size(); ++i) {
    if (settings_.lists[i].type != config::ListType::manual) continue;
    manual.push_back(i);
    names.push_back(settings_.lists[i].name);
  }
  if (name.empty()) {
    if (manual.size() == 1) return manual[0];
    if (manual.empty()) {
      return base::Error{"list_unknown",
                         "no manual list is configured: add one, `- {name: local, type: manual}`"};
    }
    return base::Error{"list_required", fmt::format("which list? There are: {}", fmt::join(names, ", "))};
  }
  const auto index = list_index(name);
  if (!index)
    return base::Error{"list_unknown",
                       fmt::format("no list {}; manual lists: {}", name, fmt::join(names, ", "))};
  if (settings_.lists[*index].type != config::ListType::manual) {
    return base::Error{"list_not_manual",
                       fmt::format("list {} comes from a feed; entries can be changed in: {}", name,
                                   fmt::join(names, ", "))};
  }
  return *index;
}

// ---- generations and mode ----

void Updates::rollback(Caller caller, std::optional<std::uint64_t> generation, const Done& done) {
  submit(
      std::move(caller), [this, generation](Change& change) { return do_rollback(change, generation); },
      done);
}

base::Result<base::Generation> Updates::rollback_target() const {
  const LoadedState& current = publisher_.current();
  for (const base::Generation generation : publisher_.store().generations()) {
    if (generation >= current.state.generation) continue;
    const auto older = publisher_.store().read_state(generation);
    if (!older) continue;
    const auto& a = older.value().lists;
    const auto& b = current.state.lists;
    const bool same = std::equal(
        a.begin(), a.end(), b.begin(), b.end(),
        [](const ListState& x, const ListState& y) { return x.name == y.name && x.content == y.content; });
    if (!same) return generation;
  }
  return base::Error{"generation_unknown", "no earlier generation with other content is kept"};
}

Updates::Answer Updates::do_rollback(Change& change, std::optional<std::uint64_t> generation) {
  base::Generation target{generation.value_or(0)};
  if (!generation) {
    const auto found = rollback_target();
    if (!found) return found.error();
    target = found.value();
  }
  auto older = publisher_.store().load_generation(target);
  if (!older) {
    const bool unknown = older.error().code == "not_found";
    return base::Error{
        unknown ? "generation_unknown" : "generation_damaged",
        fmt::format("generation {} cannot be brought back: {}; `weirctl snapshots` shows those that can",
                    target.value, older.error().message)};
  }
  // What a feed was fetched as stays: so the content that was rolled back from is not taken again until the
  // feed changes or somebody asks for a reload.
  LoadedState draft = publisher_.current();
  for (std::size_t i = 0; i < draft.state.lists.size(); ++i) {
    for (std::size_t j = 0; j < older.value().state.lists.size(); ++j) {
      const ListState& old = older.value().state.lists[j];
      if (old.name != draft.state.lists[i].name || old.type != draft.state.lists[i].type) continue;
      // The source's token is that of what is left behind.
      if (draft.state.lists[i].content != old.content) draft.state.lists[i].token.clear();
      draft.state.lists[i].content = old.content;
      draft.state.lists[i].entries = old.entries;
      draft.state.lists[i].duplicates = old.duplicates;
      draft.contents[i] = older.value().contents[j];
    }
  }
  drop_expired(draft, base::unix_now());
  return publish(change, std::move(draft), {{"content_of", target.value}});
}

void Updates::set_enforcement(Caller caller, base::Enforcement mode, const Done& done) {
  submit(
      std::move(caller),
      [this, mode](Change& change) -> Answer {
        auto answer = link_.call("enforcement", {{"mode", base::to_string(mode)}}, kModeTimeout);
        if (!answer) return answer;
        change.record.active = true;
        link_.refresh(kModeTimeout);
        return json{{"enforcement", base::to_string(mode)},
                    {"generation", publisher_.current().state.generation.value},
                    {"active", true},
                    {"seconds", change.times.total_seconds()}};
      },
      done);
}

void Updates::reset_breaker(Caller caller, std::optional<std::uint32_t> rule, const Done& done) {
  submit(
      std::move(caller),
      [this, rule](Change& change) -> Answer {
        json params = json::object();
        if (rule) {
          params["rule"] = *rule;
          change.record.rule = *rule;
        }
        auto answer = link_.call("breaker.reset", params, kModeTimeout);
        if (!answer) return answer;
        change.record.active = true;
        link_.refresh(kModeTimeout);
        answer.value()["generation"] = publisher_.current().state.generation.value;
        return answer;
      },
      done);
}

// ---- expiry and the dataplane ----

void Updates::schedule_expiry() {
  const auto next = next_expiry(publisher_.current());
  if (!next) return;
  queue_.submit_at(std::chrono::system_clock::time_point(std::chrono::seconds(*next)), [this] { expire(); });
}

void Updates::expire() {
  LoadedState draft = publisher_.current();
  if (drop_expired(draft, base::unix_now()) == 0) return schedule_expiry();
  Change change;
  change.record.method = "rule.expire";
  const Answer answer =
      attempt(change, [&](Change& self) { return publish(self, std::move(draft), json::object()); });
  if (answer) return schedule_expiry();
  spdlog::error("W204: expired entries could not be taken out: {}", answer.error().message);
  queue_.submit_at(std::chrono::system_clock::now() + kExpiryRetry, [this] { expire(); });
}

void Updates::on_dataplane(const DataplaneStatus& status) {
  const auto view = publisher_.view();
  const base::Generation ours = view->state.generation;
  if (!status.up || ours.value == 0) return;
  // A dataplane that took the generation from disk by itself leaves only our word to correct.
  const bool waiting = view->publish_error && Publisher::may_pass_later(*view->publish_error);
  if (status.generation == ours && !waiting) return;
  if (base::unix_now() < reconcile_not_before_.load(std::memory_order_relaxed)) return;
  if (reconciling_.exchange(true, std::memory_order_acq_rel)) return;
  queue_.submit_always([this] { reconcile(); });
}

void Updates::reconcile() {
  constexpr unsigned max_doublings = 6;
  StageTimes times;
  base::Status status = base::ok_status();
  try {
    status = publisher_.reconcile(times);
  } catch (const std::exception& exception) {
    status = base::Error{"internal", exception.what()};
  }
  if (status) {
    reconcile_failures_ = 0;
  } else {
    // A refused snapshot is large and refused again: not each second.
    reconcile_failures_ = std::min(reconcile_failures_ + 1, max_doublings);
    reconcile_not_before_.store(base::unix_now() + (1 << reconcile_failures_), std::memory_order_relaxed);
    spdlog::error("W205: the dataplane did not take the current generation: {}", status.error().message);
  }
  reconciling_.store(false, std::memory_order_release);
}

void Updates::make_all_due() {
  for (const auto& feed : feeds_) {
    if (feed != nullptr) feed->make_due();
  }
}

}  // namespace weir::control
