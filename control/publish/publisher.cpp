#include "control/publish/publisher.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "control/lists/rule_changes.h"
#include "control/storage/digest.h"
#include "dataplane/base/unix_time.h"

namespace weir::control {
namespace {

constexpr std::chrono::milliseconds kLoadTimeout{60000};
constexpr std::chrono::milliseconds kStatusTimeout{900};

ListState fresh_list(const config::ListSettings& list) {
  ListState state;
  state.name = list.name;
  state.type = list.type;
  state.subdomains = list.subdomains;
  state.www_equivalent = list.www_equivalent;
  state.block_host_on_tls = list.on_tls == config::OnTls::block_host;
  state.source = storage::content_digest(list.url);
  return state;
}

/// Whether two lists are compiled to the same.
bool same_in_snapshot(const ListState& a, const ListState& b) {
  return a.name == b.name && a.content == b.content && a.subdomains == b.subdomains &&
         a.www_equivalent == b.www_equivalent && a.block_host_on_tls == b.block_host_on_tls;
}

bool same_in_snapshot(const State& a, const State& b) {
  return a.canary == b.canary &&
         std::equal(a.lists.begin(), a.lists.end(), b.lists.begin(), b.lists.end(),
                    [](const ListState& x, const ListState& y) { return same_in_snapshot(x, y); });
}

}  // namespace

Publisher::Publisher(const config::Settings& settings, Store store, DataplaneLink& link)
    : settings_(settings), store_(std::move(store)), link_(link), health_(settings.lists.size()) {}

std::optional<std::string> Publisher::canary() const {
  const config::SelfTestSettings& self_test = settings_.control.selftest;
  return self_test.enabled ? std::optional(self_test.listed) : std::nullopt;
}

LoadedState Publisher::fit_to_settings(LoadedState loaded) const {
  LoadedState fitted;
  fitted.state = loaded.state;
  fitted.state.lists.clear();
  fitted.state.canary = canary();
  for (const config::ListSettings& settings : settings_.lists) {
    ListState list = fresh_list(settings);
    ContentPtr content;
    for (std::size_t i = 0; i < loaded.state.lists.size(); ++i) {
      const ListState& old = loaded.state.lists[i];
      if (old.name != list.name || old.type != list.type) continue;
      content = loaded.contents[i];
      list.content = old.content;
      list.entries = old.entries;
      list.duplicates = old.duplicates;
      list.last_attempt_unix_seconds = old.last_attempt_unix_seconds;
      list.last_success_unix_seconds = old.last_success_unix_seconds;
      if (old.source != list.source) continue;
      list.fetched = old.fetched;
      list.edition = old.edition;
      list.token = old.token;
      list.last_full_unix_seconds = old.last_full_unix_seconds;
    }
    fitted.state.lists.push_back(std::move(list));
    fitted.contents.push_back(std::move(content));
  }
  drop_expired(fitted, base::unix_now());
  return fitted;
}

base::Result<std::vector<std::byte>> Publisher::read_snapshot(base::Generation generation) const {
  const auto file = store_.read_snapshot(generation);
  if (!file) return file.error();
  std::vector<std::byte> bytes(file.value().size());
  std::memcpy(bytes.data(), file.value().data(), bytes.size());
  return bytes;
}

base::Status Publisher::load_snapshot() {
  const State& state = current_.state;
  auto bytes = read_snapshot(state.base.value_or(state.generation));
  if (!bytes) return bytes.error();
  auto snapshot = BuiltSnapshot::open(std::move(bytes).value(), state.base_recipe);
  if (!snapshot) return snapshot.error();
  if (state.base) {
    bytes = read_snapshot(state.generation);
    if (!bytes) return bytes.error();
    snapshot = BuiltSnapshot::open_overlay(std::move(bytes).value(), std::move(snapshot).value());
    if (!snapshot) return snapshot.error();
  }
  if (snapshot.value()->view().generation() != state.generation) {
    return base::Error{"snapshot_mismatch", "the snapshot file belongs to another generation"};
  }
  snapshot_ = std::move(snapshot).value();
  return base::ok_status();
}

base::Status Publisher::start(StageTimes& times) {
  std::vector<std::string> remarks;
  LoadedState loaded = store_.load(remarks);
  for (const std::string& remark : remarks) spdlog::warn("W209: state: {}", remark);
  LoadedState fitted = fit_to_settings(loaded);
  const bool fresh = loaded.state.generation.value == 0;
  const bool changed = fresh || !same_in_snapshot(loaded.state, fitted.state);
  const auto dataplane = link_.refresh(kStatusTimeout);
  floor_ = std::max({loaded.state.generation, store_.highest_generation(), dataplane->generation});
  orphaned_ = fresh && floor_.value != 0;
  current_ = std::move(loaded);
  const bool no_feed = std::all_of(settings_.lists.begin(), settings_.lists.end(),
                                   [](const auto& list) { return list.type == config::ListType::manual; });
  if (fresh && !no_feed) {  // there is nothing to enforce before the first feed was fetched
    adopt(std::move(fitted), nullptr);
    if (orphaned_)
      spdlog::warn(
          "W210: no state found, but generation {} exists: it stays in force until every feed was fetched",
          floor_.value);
    return base::ok_status();
  }
  if (!changed && floor_ == current_.state.generation) {
    if (const auto file = load_snapshot()) {
      adopt(std::move(fitted), snapshot_);
      spdlog::info("generation {}: loaded from the state directory", current_.state.generation.value);
      return base::ok_status();
    }
    spdlog::warn("generation {}: the snapshot file is missing or damaged; making a new generation",
                 floor_.value);
  }
  const PublishResult published = publish(fitted, times);
  if (published.is_made()) return base::ok_status();
  // Readers see the lists of the settings from now on. What is in force stays until their generation can be
  // made.
  owes_generation_ = true;
  adopt(std::move(fitted), snapshot_);
  return *published.error;
}

std::shared_ptr<const View> Publisher::view() const {
  const std::lock_guard lock(view_mutex_);
  return view_;
}

void Publisher::show() {
  auto view = std::make_shared<View>();
  view->state = current_.state;
  view->contents = current_.contents;
  view->health = health_;
  view->snapshot = snapshot_;
  view->publish_error = publish_error_;
  view->awaits_dataplane = awaits_dataplane_;
  view->feeds_by_id_alone = settings_.control.entries.at_rest == config::AtRest::none;
  const std::lock_guard lock(view_mutex_);
  view_ = std::move(view);
}

void Publisher::adopt(LoadedState draft, SnapshotPtr snapshot) {
  current_ = std::move(draft);
  snapshot_ = std::move(snapshot);
  floor_ = std::max(floor_, current_.state.generation);
  show();
}

void Publisher::set_health(std::size_t list, const std::function<void(ListHealth&)>& change) {
  change(health_[list]);
  show();
}

std::vector<std::string> Publisher::missing_feeds(const LoadedState& draft) const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < draft.contents.size(); ++i) {
    if (draft.contents[i] == nullptr && draft.state.lists[i].type == config::ListType::feed) {
      names.push_back(draft.state.lists[i].name);
    }
  }
  return names;
}

base::Status Publisher::write_contents(const LoadedState& draft) const {
  for (std::size_t i = 0; i < draft.contents.size(); ++i) {
    const ContentPtr& content = draft.contents[i];
    if (content == nullptr) continue;
    // Serials below the current state's next one are on disk already, some of them as fingerprints only.
    const ContentPtr& before = current_.contents[i];
    const bool has_more = before != nullptr && before->serial == content->serial &&
                          before->form == EntryForm::fingerprints && content->form == EntryForm::text;
    if (content->serial < current_.state.next_content && !has_more) continue;
    if (auto written = store_.write_content(*content); !written) return written;
  }
  return base::ok_status();
}

base::Status Publisher::keep(LoadedState draft) {
  if (auto written = write_contents(draft); !written) return written;
  // The next start must find that a generation is owed, so the state on disk stays as it is.
  if (!owes_generation_) {
    if (auto committed = store_.commit(draft.state, false); !committed) return committed;
  }
  adopt(std::move(draft), snapshot_);
  return base::ok_status();
}

/// The only place that reads the dataplane's error codes.
Publisher::Push Publisher::offer(const State& state, std::span<const int> descriptors) const {
  struct Code {
    std::string_view code;
    Push::State state;
  };
  constexpr std::array<Code, 4> kCodes{{{"dataplane_down", Push::State::later},
                                        {"busy", Push::State::later},
                                        {"snapshot_stale", Push::State::stale},
                                        {"snapshot_base", Push::State::no_base}}};
  const auto answer =
      link_.call("snapshot.load", {{"generation", state.generation.value}}, kLoadTimeout, descriptors);
  if (answer) return {.state = Push::State::taken, .error = {}};
  const auto known = std::find_if(kCodes.begin(), kCodes.end(),
                                  [&](const Code& row) { return row.code == answer.error().code; });
  return {.state = known == kCodes.end() ? Push::State::refused : known->state, .error = answer.error()};
}

Publisher::Push Publisher::push(const State& state, StageTimes& times) const {
  const StageTimes::Watch watch(times, Stage::activate);
  const auto file = store_.open_snapshot(state.generation);
  if (!file) return {.state = Push::State::refused, .error = file.error()};
  Push push = offer(state, std::array{file.value().get()});
  if (push.state != Push::State::no_base || !state.base) return push;
  // It has another base in force, for instance after a restart: send both.
  const auto base_file = store_.open_snapshot(*state.base);
  if (!base_file) return {.state = Push::State::refused, .error = base_file.error()};
  return offer(state, std::array{file.value().get(), base_file.value().get()});
}

base::Status Publisher::rewrite_snapshots() const {
  const State& state = current_.state;
  if (const SnapshotPtr& base = snapshot_->base()) {
    if (auto written = store_.write_snapshot(base->view().generation(), base->bytes()); !written)
      return written;
  }
  return store_.write_snapshot(state.generation, snapshot_->bytes());
}

PublishResult Publisher::publish(LoadedState draft, StageTimes& times) {
  Attempt attempt = publish_once(draft, times);
  if (attempt.is_stale) {
    // The dataplane is ahead: the state was lost, or there is a second control daemon. Continue above it.
    floor_ = std::max(floor_, link_.refresh(kStatusTimeout)->generation);
    attempt = publish_once(std::move(draft), times);
  }
  publish_error_ = attempt.result.error;
  awaits_dataplane_ = attempt.result.state == PublishResult::State::not_active;
  show();
  link_.refresh(kStatusTimeout);
  return std::move(attempt.result);
}

Publisher::Attempt Publisher::publish_once(LoadedState draft, StageTimes& times) {
  using Outcome = PublishResult::State;
  const auto not_made = [](Outcome state, base::Error error) {
    return Attempt{.result = {.state = state, .generation = {}, .error = std::move(error)}};
  };
  if (const auto missing = missing_feeds(draft); orphaned_ && !missing.empty()) {
    return not_made(Outcome::incomplete,
                    {"lists_incomplete",
                     fmt::format("the state directory was lost; generation {} stays in force until these "
                                 "lists were fetched again: {}",
                                 floor_.value, fmt::join(missing, ", "))});
  }
  draft.state.generation = base::Generation{floor_.value + 1};
  draft.state.canary = canary();
  draft.state.created_unix_seconds = base::unix_now();
  SnapshotPtr snapshot;
  {
    const StageTimes::Watch watch(times, Stage::compile);
    if (const auto complete = check_complete(draft.state, draft.contents, snapshot_); !complete)
      return not_made(Outcome::incomplete, complete.error());
    auto compiled = compile(draft.state, draft.contents, snapshot_);
    if (!compiled) return not_made(Outcome::failed, compiled.error());
    snapshot = std::move(compiled).value();
    draft.state.base = snapshot->base() ? std::optional(snapshot->base()->view().generation()) : std::nullopt;
    draft.state.base_recipe = snapshot->recipe();
  }
  const base::Generation generation = draft.state.generation;
  {
    const StageTimes::Watch watch(times, Stage::publish);
    if (auto written = write_contents(draft); !written) return not_made(Outcome::failed, written.error());
    if (auto written = store_.write_snapshot(generation, snapshot->bytes()); !written)
      return not_made(Outcome::failed, written.error());
  }
  const Push pushed = push(draft.state, times);
  if (pushed.state != Push::State::taken && pushed.state != Push::State::later) {
    // A dataplane that starts on its own loads the newest file, which must not be one that was refused.
    store_.remove_snapshot(generation);
    Attempt attempt = not_made(Outcome::failed, *pushed.error);
    attempt.is_stale = pushed.state == Push::State::stale;
    return attempt;
  }
  const StageTimes::Watch watch(times, Stage::publish);
  if (auto committed = store_.commit(draft.state, true); !committed) {
    store_.remove_snapshot(generation);
    floor_ = generation;  // the dataplane may have it: reconcile() publishes the old content above it
    return not_made(Outcome::failed, committed.error());
  }
  orphaned_ = false;
  owes_generation_ = false;
  adopt(std::move(draft), std::move(snapshot));
  store_.prune(settings_.control.keep_generations, current_.state);
  return {.result = {.state = pushed.state == Push::State::taken ? Outcome::active : Outcome::not_active,
                     .generation = generation,
                     .error = pushed.error}};
}

void Publisher::note_push(const Push& push) {
  publish_error_ = push.error;
  awaits_dataplane_ = push.state == Push::State::later;
  show();
}

base::Status Publisher::reconcile(StageTimes& times) {
  const auto dataplane = link_.refresh(kStatusTimeout);
  const base::Generation ours = current_.state.generation;
  if (!dataplane->up || ours.value == 0) return base::ok_status();
  if (dataplane->generation == ours) {
    if (awaits_dataplane_) note_push({.state = Push::State::taken, .error = {}});
    return base::ok_status();
  }
  Push pushed{.state = Push::State::stale, .error = {}};
  if (dataplane->generation < ours) {
    pushed = push(current_.state, times);
    if (pushed.state == Push::State::refused || pushed.state == Push::State::no_base) {
      spdlog::warn("generation {}: refused by the dataplane ({}); writing its file again", ours.value,
                   pushed.error->code);
      if (auto written = rewrite_snapshots(); !written) return written;
      pushed = push(current_.state, times);
    }
  }
  if (pushed.state == Push::State::stale) {
    floor_ = std::max(floor_, dataplane->generation);
    spdlog::warn("the dataplane is at generation {}, the state at {}: publishing the state above it",
                 dataplane->generation.value, ours.value);
    const PublishResult published = publish(current_, times);
    return published.is_made() ? base::ok_status() : base::Status(*published.error);
  }
  if (pushed.state == Push::State::taken) spdlog::info("generation {}: sent to the dataplane", ours.value);
  link_.refresh(kStatusTimeout);
  note_push(pushed);
  return pushed.error ? base::Status(*pushed.error) : base::ok_status();
}

}  // namespace weir::control
