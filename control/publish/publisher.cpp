#include "control/publish/publisher.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "control/lists/rule_changes.h"
#include "control/storage/durable_file.h"
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
  state.source = storage::digest(list.url);
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

bool Publisher::may_pass_later(const base::Error& error) {
  return error.code == "dataplane_down" || error.code == "busy";
}

std::string Publisher::canary() const {
  const config::SelfTestSettings& self_test = settings_.control.selftest;
  return self_test.enabled ? self_test.listed : std::string();
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
      list.source_digest = old.source_digest;
      list.etag = old.etag;
      list.edition = old.edition;
      list.last_modified = old.last_modified;
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
  const bool is_overlay = state.base.value != 0;
  auto bytes = read_snapshot(is_overlay ? state.base : state.generation);
  if (!bytes) return bytes.error();
  auto snapshot = BuiltSnapshot::open(std::move(bytes).value(), state.base_recipe);
  if (!snapshot) return snapshot.error();
  if (is_overlay) {
    bytes = read_snapshot(state.generation);
    if (!bytes) return bytes.error();
    snapshot = BuiltSnapshot::open_overlay(std::move(bytes).value(), std::move(snapshot).value());
    if (!snapshot) return snapshot.error();
  }
  if (snapshot.value()->view().generation() != state.generation) {
    return base::Error{"snapshot_mismatch", "the snapshot file is of another generation"};
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
  if (fresh && !no_feed) {  // nothing to enforce before the first feed is there
    adopt(std::move(fitted), nullptr);
    if (orphaned_)
      spdlog::warn("W210: no state found, but generation {} exists: it stays until every feed is there",
                   floor_.value);
    return base::ok_status();
  }
  if (!changed && floor_ == current_.state.generation) {
    if (const auto file = load_snapshot()) {
      adopt(std::move(fitted), snapshot_);
      spdlog::info("generation {}: taken up from the state directory", current_.state.generation.value);
      return base::ok_status();
    }
    spdlog::warn("generation {}: the snapshot file is missing or damaged; making a new one", floor_.value);
  }
  const auto published = publish(fitted, times);
  if (published) return base::ok_status();
  // Readers go by the settings' lists from now on; what is in force stays until their generation can be made.
  owes_generation_ = true;
  adopt(std::move(fitted), snapshot_);
  return published.error();
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

std::string Publisher::missing_feeds(const LoadedState& draft) const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < draft.contents.size(); ++i) {
    if (draft.contents[i] == nullptr && draft.state.lists[i].type == config::ListType::feed) {
      names.push_back(draft.state.lists[i].name);
    }
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

base::Status Publisher::write_contents(const LoadedState& draft) const {
  for (std::size_t i = 0; i < draft.contents.size(); ++i) {
    const ContentPtr& content = draft.contents[i];
    if (content == nullptr) continue;
    // Serials below the current state's next one are on disk already; of some only the fingerprints.
    const ContentPtr& before = current_.contents[i];
    const bool has_more = before != nullptr && before->serial == content->serial &&
                          before->fingerprints != nullptr && content->fingerprints == nullptr;
    if (content->serial < current_.state.next_content && !has_more) continue;
    if (auto written = store_.write_content(*content); !written) return written;
  }
  return base::ok_status();
}

base::Status Publisher::keep(LoadedState draft) {
  if (auto written = write_contents(draft); !written) return written;
  // A generation that is owed must be asked for again by the next start: the state on disk stays as it is.
  if (!owes_generation_) {
    if (auto committed = store_.commit(draft.state, false); !committed) return committed;
  }
  adopt(std::move(draft), snapshot_);
  return base::ok_status();
}

base::Status Publisher::push(const State& state, StageTimes& times) const {
  const StageTimes::Watch watch(times, "activate");
  const nlohmann::json params{{"generation", state.generation.value}};
  const auto file = store_.open_snapshot(state.generation);
  if (!file) return file.error();
  auto answer = link_.call("snapshot.load", params, kLoadTimeout, std::array{file.value().get()});
  if (!answer && answer.error().code == "snapshot_base" && state.base.value != 0) {
    // It has another base in force, after a restart for one: it gets both.
    const auto base_file = store_.open_snapshot(state.base);
    if (!base_file) return base_file.error();
    answer = link_.call("snapshot.load", params, kLoadTimeout,
                        std::array{file.value().get(), base_file.value().get()});
  }
  if (!answer) return answer.error();
  return base::ok_status();
}

base::Status Publisher::rewrite_snapshots() const {
  const State& state = current_.state;
  if (const SnapshotPtr& base = snapshot_->base()) {
    if (auto written = store_.write_snapshot(state.base, base->bytes()); !written) return written;
  }
  return store_.write_snapshot(state.generation, snapshot_->bytes());
}

base::Result<Published> Publisher::publish(LoadedState draft, StageTimes& times) {
  auto published = publish_once(draft, times);
  if (!published && published.error().code == "snapshot_stale") {
    // The dataplane is ahead: a state that was lost, or a second control daemon. Go on above it.
    floor_ = std::max(floor_, link_.refresh(kStatusTimeout)->generation);
    published = publish_once(std::move(draft), times);
  }
  publish_error_ = published ? published.value().not_active : std::optional<base::Error>(published.error());
  show();
  link_.refresh(kStatusTimeout);
  return published;
}

base::Result<Published> Publisher::publish_once(LoadedState draft, StageTimes& times) {
  if (const std::string missing = missing_feeds(draft); orphaned_ && !missing.empty()) {
    return base::Error{
        "lists_incomplete",
        fmt::format("the state directory was lost, and generation {} stays in force until these "
                    "lists are loaded again: {}",
                    floor_.value, missing)};
  }
  draft.state.generation = base::Generation{floor_.value + 1};
  draft.state.canary = canary();
  draft.state.created_unix_seconds = base::unix_now();
  SnapshotPtr snapshot;
  {
    const StageTimes::Watch watch(times, "compile");
    auto compiled = compile(draft.state, draft.contents, snapshot_);
    if (!compiled) return compiled.error();
    snapshot = std::move(compiled).value();
    draft.state.base = snapshot->base() ? snapshot->base()->view().generation() : base::Generation{};
    draft.state.base_recipe = snapshot->recipe();
  }
  const base::Generation generation = draft.state.generation;
  {
    const StageTimes::Watch watch(times, "write");
    if (auto written = write_contents(draft); !written) return written.error();
    if (auto written = store_.write_snapshot(generation, snapshot->bytes()); !written) return written.error();
  }
  const base::Status pushed = push(draft.state, times);
  if (!pushed && !may_pass_later(pushed.error())) {
    // A dataplane that starts without us takes the newest file: one that was refused must not lie there.
    store_.remove_snapshot(generation);
    return pushed.error();
  }
  const StageTimes::Watch watch(times, "commit");
  if (auto committed = store_.commit(draft.state, true); !committed) {
    store_.remove_snapshot(generation);
    floor_ = generation;  // the dataplane may have it: reconcile() brings back the old content above it
    return committed.error();
  }
  orphaned_ = false;
  owes_generation_ = false;
  adopt(std::move(draft), std::move(snapshot));
  store_.prune(settings_.control.keep_generations, current_.state);
  return Published{.generation = generation,
                   .not_active = pushed ? std::nullopt : std::optional<base::Error>(pushed.error())};
}

base::Status Publisher::reconcile(StageTimes& times) {
  const auto dataplane = link_.refresh(kStatusTimeout);
  const base::Generation ours = current_.state.generation;
  if (!dataplane->up || ours.value == 0) return base::ok_status();
  if (dataplane->generation == ours) {
    if (publish_error_ && may_pass_later(*publish_error_)) {
      publish_error_.reset();
      show();
    }
    return base::ok_status();
  }
  base::Status pushed = base::Error{"snapshot_stale", ""};
  if (dataplane->generation < ours) {
    pushed = push(current_.state, times);
    if (!pushed && pushed.error().code != "snapshot_stale" && !may_pass_later(pushed.error())) {
      spdlog::warn("generation {}: refused by the dataplane ({}); writing its file again", ours.value,
                   pushed.error().code);
      if (auto written = rewrite_snapshots(); !written) return written;
      pushed = push(current_.state, times);
    }
  }
  if (!pushed && pushed.error().code == "snapshot_stale") {
    floor_ = std::max(floor_, dataplane->generation);
    spdlog::warn("the dataplane is at generation {}, the state at {}: publishing the state above it",
                 dataplane->generation.value, ours.value);
    auto published = publish(current_, times);
    return published ? base::ok_status() : base::Status(published.error());
  }
  publish_error_ = pushed ? std::nullopt : std::optional<base::Error>(pushed.error());
  if (pushed) spdlog::info("generation {}: handed to the dataplane", ours.value);
  link_.refresh(kStatusTimeout);
  show();
  return pushed;
}

}  // namespace weir::control
