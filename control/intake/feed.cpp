#include "control/intake/feed.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "control/formats/delta_reader.h"
#include "control/formats/list_reader.h"
#include "control/intake/feed_verification.h"
#include "control/intake/file_source.h"
#include "control/intake/source_digest.h"
#include "control/storage/digest.h"
#include "dataplane/base/unix_time.h"

namespace weir::control {
namespace {

constexpr std::chrono::seconds kFirstRetry{10};
constexpr unsigned kMaxDoublings = 16;
constexpr std::chrono::seconds kMaxWait{86400};  // no server delays us for longer

}  // namespace

std::chrono::milliseconds next_delay(std::chrono::seconds interval, unsigned failures, double spread,
                                     std::chrono::seconds retry_after) {
  const auto wanted = std::chrono::milliseconds(std::clamp(retry_after, std::chrono::seconds(0), kMaxWait));
  const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(interval);
  const auto spread_of = [spread](std::chrono::milliseconds delay, double share) {
    return std::chrono::milliseconds(
        static_cast<std::int64_t>(static_cast<double>(delay.count()) * spread * share));
  };
  if (failures == 0) return std::max(whole, wanted) + spread_of(whole, 0.1);
  const auto backed_off =
      std::chrono::milliseconds(kFirstRetry) * (1U << std::min(failures - 1, kMaxDoublings));
  const auto delay = std::min<std::chrono::milliseconds>(backed_off, whole);
  return std::max(delay / 2, wanted) + spread_of(delay, 0.5);
}

Feed::Feed(std::size_t index, const config::ListSettings& list, std::filesystem::path protected_hosts,
           Sink sink, BaseSource base)
    : index_(index),
      list_(list),
      protected_hosts_(std::move(protected_hosts)),
      reading_mark_(reading_mark(list, protected_hosts_)),
      sink_(std::move(sink)),
      base_(std::move(base)) {}

Feed::~Feed() {
  watch_.reset();
  {
    const std::lock_guard lock(mutex_);
    stop_.store(true, std::memory_order_relaxed);
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Feed::start(std::optional<FetchRecord> in_force, std::chrono::milliseconds delay) {
  in_force_ = std::move(in_force);
  const bool is_current = in_force_ && in_force_->digest.ends_with(reading_mark_);
  due_ = Clock::now() + (is_current ? delay : std::chrono::milliseconds(0));
  // Before the first run, so that no change goes unnoticed between the two.
  if (is_local_file(list_.url)) watch_.emplace(file_of(list_.url), [this] { make_due(); });
  thread_ = std::thread([this] { loop(); });
}

void Feed::run_now(Sink done) {
  {
    const std::lock_guard lock(mutex_);
    requested_.push_back(std::move(done));
  }
  wake_.notify_all();
}

void Feed::make_due() {
  {
    const std::lock_guard lock(mutex_);
    if (due_) {
      due_ = Clock::now();
    } else {
      again_ = true;
    }
  }
  wake_.notify_all();
}

void Feed::settle(std::optional<FetchRecord> in_force, bool success) {
  {
    const std::lock_guard lock(mutex_);
    in_force_ = std::move(in_force);
    failures_ = success ? 0 : failures_ + 1;
    if (success) whole_next_ = false;
    const double spread = std::uniform_real_distribution<double>(0.0, 1.0)(random_);
    due_ = Clock::now() + next_delay(list_.interval, failures_, spread, retry_after_);
    if (std::exchange(again_, false)) due_ = Clock::now();
  }
  wake_.notify_all();
}

void Feed::loop() {
  std::unique_lock lock(mutex_);
  while (!stop_.load(std::memory_order_relaxed)) {
    const auto now = Clock::now();
    if (requested_.empty() && !(due_ && *due_ <= now)) {
      if (due_) {
        wake_.wait_until(lock, *due_);
      } else {
        wake_.wait(lock);
      }
      continue;
    }
    const bool asked_for = !requested_.empty();
    Sink sink = sink_;
    if (asked_for) {
      sink = std::move(requested_.front());
      requested_.erase(requested_.begin());
    }
    due_.reset();
    lock.unlock();
    reading_mark_ = reading_mark(list_, protected_hosts_);  // reads a file
    lock.lock();
    const Known what = known(asked_for);
    lock.unlock();
    FeedOutcome outcome = run(what);
    lock.lock();
    retry_after_ = outcome.retry_after;
    lock.unlock();
    sink(std::move(outcome));
    lock.lock();
  }
}

/// Nothing is relied on if the run was asked for or the settings are others: then the whole list is fetched
/// and read.
Feed::Known Feed::known(bool asked_for) const {
  if (asked_for || !in_force_ || !in_force_->digest.ends_with(reading_mark_)) return {};
  Known known{.in_force = in_force_, .base = {}};
  if (list_.delta.url.empty() || !base_) return known;
  auto base = base_();
  if (!base) return known;
  const bool full_is_due = base::unix_now() - base->last_full_unix_seconds >= list_.delta.full_every.count();
  if (whole_next_ || full_is_due) return {};
  known.base = std::move(base);
  return known;
}

FeedOutcome Feed::run(const Known& known) {
  FeedOutcome outcome;
  outcome.list = index_;
  outcome.attempted_unix_seconds = base::unix_now();
  Stage stage = Stage::fetch;
  try {
    if (known.base) {
      if (auto result = take_delta(outcome, *known.in_force, *known.base)) {
        outcome.result = std::move(*result);
        return outcome;
      }
    }
    outcome.result = take_list(outcome, known.base ? std::nullopt : known.in_force, stage);
  } catch (const std::exception& exception) {  // out of memory for a huge feed: the last good one stays
    outcome.result = StageFailure{.stage = stage, .error = {"internal", exception.what()}};
  }
  return outcome;
}

/// None: the whole list is needed, and outcome.delta_problem says why.
std::optional<Feed::Result> Feed::take_delta(FeedOutcome& outcome, const FetchRecord& in_force,
                                             const DeltaBase& base) {
  const StageSeconds::Watch watch(outcome.seconds, Stage::fetch);
  rules::EntryParser parser;
  DeltaFetch fetched = fetch_delta(list_, base, protected_hosts_, parser, stop_);
  outcome.retry_after = fetched.response.retry_after;
  {
    const std::lock_guard lock(mutex_);
    whole_next_ = fetched.response.status.has_value();  // until settle() reports success
  }
  if (auto* problem = std::get_if<DeltaProblem>(&fetched.result)) {
    outcome.delta_problem = std::move(*problem);
    return std::nullopt;
  }
  if (auto* error = std::get_if<base::Error>(&fetched.result))
    return StageFailure{.stage = Stage::fetch, .error = std::move(*error)};
  auto& applied = std::get<AppliedDelta>(fetched.result);
  SourceNews news{.record = in_force,
                  .token = {.is_known = true, .token = applied.token},
                  .edition = applied.edition,
                  .delta_of = base.content->serial};
  if (!applied.list) return FeedUnchanged{.news = std::move(news)};
  // The validators are those of a whole list, which this is not.
  news.record = {.validators = {}, .digest = storage::content_digest(applied.token) + reading_mark_};
  return FeedList{.news = std::move(news), .parsed = std::move(*applied.list)};
}

/// A token identifies the content better than its bytes do, so it takes their place in `record`.
TokenNews Feed::read_token(const std::optional<std::string>& token, FeedOutcome& outcome,
                           FetchRecord& record) const {
  TokenNews news{.is_known = true, .token = {}};
  if (token && formats::is_token(*token)) {
    record.digest = storage::content_digest(*token) + reading_mark_;
    news.token = *token;
  } else if (!outcome.delta_problem) {
    outcome.delta_problem = DeltaProblem{
        .kind = DeltaProblem::Kind::no_token,
        .error = {"delta_token",
                  describe_source(list_) + (token ? ": its token is invalid: expected 1 to 1024 printable "
                                                    "ASCII characters without a space"
                                                  : ": the list has no token")}};
  }
  return news;
}

Feed::Result Feed::take_list(FeedOutcome& outcome, const std::optional<FetchRecord>& in_force, Stage& stage) {
  const auto failure = [&stage](const base::Error& error) {
    return StageFailure{.stage = stage, .error = error};
  };
  const auto timed = [&](Stage next) {
    stage = next;
    return StageSeconds::Watch(outcome.seconds, next);
  };
  ResponseInfo response;
  auto fetched = [&] {
    const auto watch = timed(Stage::fetch);
    return fetch(list_, in_force ? in_force->validators : Validators{}, stop_, &response);
  }();
  outcome.retry_after = response.retry_after;
  if (!fetched) return failure(fetched.error());
  Fetched& whole = fetched.value();
  // Validators were sent only for a content in force.
  if (whole.not_modified && in_force)
    return FeedUnchanged{.news = {.record = *in_force, .token = {}, .edition = {}, .delta_of = {}}};
  SourceNews news;
  news.record = {.validators = whole.validators,
                 .digest = storage::content_digest(whole.bytes) + reading_mark_};
  const bool has_delta = !list_.delta.url.empty();
  const bool token_within = has_delta && formats::has_token_within(list_.format);
  if (has_delta && !token_within) news.token = read_token(whole.token, outcome, news.record);
  const auto is_unchanged = [&] { return in_force && news.record.digest == in_force->digest; };
  if (is_unchanged()) return FeedUnchanged{.news = std::move(news)};
  const auto edition = [&] {
    const auto watch = timed(Stage::verify);
    return verify_feed(list_, whole.bytes, stop_);
  }();
  if (!edition) return failure(edition.error());
  news.edition = edition.value();
  const auto watch = timed(Stage::parse);
  rules::EntryParser parser;
  const auto protected_hosts = ProtectedHosts::read(protected_hosts_, parser);
  if (!protected_hosts) return failure(protected_hosts.error());
  auto parsed = parse_list(list_, whole.bytes, protected_hosts.value(), parser);
  if (!parsed) return failure(parsed.error());
  news.edition.serial = parsed.value().serial;
  if (token_within) news.token = read_token(parsed.value().token, outcome, news.record);
  if (is_unchanged()) return FeedUnchanged{.news = std::move(news)};
  return FeedList{.news = std::move(news), .parsed = std::move(parsed).value()};
}

}  // namespace weir::control
