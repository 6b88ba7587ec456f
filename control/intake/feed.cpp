#include "control/intake/feed.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "control/formats/delta_reader.h"
#include "control/intake/feed_source.h"
#include "control/storage/durable_file.h"
#include "dataplane/base/outcome.h"
#include "dataplane/base/unix_time.h"

namespace weir::control {
namespace {

constexpr std::chrono::seconds kFirstRetry{10};
constexpr unsigned kMaxDoublings = 16;
constexpr std::chrono::seconds kMostWait{86400};  // no server keeps us away for longer

constexpr std::size_t kMostProtectedBytes = std::size_t{16} << 20;

/// Of what is refused whatever a list says. Behind the mark of the settings: with other hosts in the file it
/// is still the same list, that may not become older.
std::string protection_mark(const std::filesystem::path& protected_hosts) {
  if (protected_hosts.empty()) return {};
  const auto text = storage::read_whole(protected_hosts, kMostProtectedBytes);
  return "+" + (text ? storage::digest(text.value()) : std::string("unreadable"));
}

/// Of how a list is read: with other settings the same bytes are other entries.
std::string reading_mark(const config::ListSettings& list) {
  // Lists without changes keep the mark that they had before there were any.
  const std::string delta = list.delta.url.empty() ? std::string()
                                                   : fmt::format(" {} {} {}", list.delta.url,
                                                                 list.delta.token_header, list.delta.token);
  return "-" + storage::digest(fmt::format(
                   "{} {} {} {} {} {} {} {} {} {} {} {}{}", base::index_of(list.format), list.csv.url_column,
                   list.csv.id_column, list.csv.header, base::index_of(list.csv.separator), list.csv.comments,
                   list.json.entries, list.json.url, list.json.serial, base::index_of(list.on_tls),
                   base::index_of(list.verify.type), list.verify.public_key, delta));
}

}  // namespace

std::chrono::milliseconds next_delay(std::chrono::seconds interval, unsigned failures, double spread,
                                     std::chrono::seconds retry_after) {
  const auto wanted = std::chrono::milliseconds(std::clamp(retry_after, std::chrono::seconds(0), kMostWait));
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

bool same_reading(std::string_view digest, std::string_view other) {
  const auto mark = [](std::string_view text) {
    text = text.substr(0, text.find('+'));
    return text.substr(std::min(text.find('-'), text.size()));
  };
  return mark(digest) == mark(other);
}

Feed::Feed(std::size_t index, const config::ListSettings& list, std::filesystem::path protected_hosts,
           Sink sink, BaseSource base)
    : index_(index),
      list_(list),
      protected_hosts_(std::move(protected_hosts)),
      reading_mark_(reading_mark(list) + protection_mark(protected_hosts_)),
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

void Feed::start(Validators validators, std::string digest, std::chrono::milliseconds delay) {
  validators_ = std::move(validators);
  digest_ = std::move(digest);
  // What was read with other settings is another list.
  due_ = Clock::now() + (digest_.ends_with(reading_mark_) ? delay : std::chrono::milliseconds(0));
  // Before the first look, so that no change falls between the two.
  if (list_.url.starts_with("file://")) watch_.emplace(describe_source(list_), [this] { make_due(); });
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

void Feed::settle(Validators validators, std::string digest, bool success) {
  {
    const std::lock_guard lock(mutex_);
    validators_ = std::move(validators);
    digest_ = std::move(digest);
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
    lock.unlock();  // a file is read
    reading_mark_ = reading_mark(list_) + protection_mark(protected_hosts_);
    lock.lock();
    Known what = known(asked_for);
    lock.unlock();
    FeedOutcome outcome = run(std::move(what));
    lock.lock();
    retry_after_ = outcome.retry_after;
    lock.unlock();
    sink(std::move(outcome));
    lock.lock();
  }
}

/// Asked for, or read with other settings: no validators, so that the content comes and is looked at whatever
/// was said of it before. So too where changes would do, but are not to be trusted now.
Feed::Known Feed::known(bool asked_for) const {
  if (asked_for || !digest_.ends_with(reading_mark_)) return {};
  Known known{.validators = validators_, .digest = digest_, .base = {}};
  if (list_.delta.url.empty() || !base_) return known;
  DeltaBase base = base_();
  if (!base.is_usable()) return known;
  if (whole_next_ || base::unix_now() - base.last_full_unix_seconds >= list_.delta.full_every.count())
    return {};
  known.base = std::move(base);
  return known;
}

FeedOutcome Feed::run(Known known) {
  FeedOutcome outcome;
  outcome.list = index_;
  outcome.attempted_unix_seconds = base::unix_now();
  outcome.error_stage = "fetch";
  try {
    if (known.base) {
      if (take_delta(outcome, known)) return outcome;
      known = {};
      outcome.error_stage = "fetch";
    }
    take_list(outcome, known);
  } catch (const std::exception& exception) {  // no memory for a huge feed: the last good one stays
    outcome.error = base::Error{"internal", exception.what()};
  }
  return outcome;
}

/// False: the whole list is needed, and outcome.delta_error says why.
bool Feed::take_delta(FeedOutcome& outcome, const Known& known) {
  const auto started = Clock::now();
  const DeltaBase& base = *known.base;
  rules::EntryParser parser;
  DeltaFetch fetched = fetch_delta(list_, base, protected_hosts_, parser, stop_);
  outcome.fetch_seconds = Clock::now() - started;
  outcome.retry_after = fetched.said.retry_after;
  const bool was_answered = fetched.said.status != 0;
  {
    const std::lock_guard lock(mutex_);
    whole_next_ = was_answered;  // until it has gone well
  }
  if (fetched.refused) {
    outcome.delta_error = std::move(fetched.refused);
    return false;
  }
  if (fetched.failed) {
    outcome.error = std::move(fetched.failed);
    return true;
  }
  outcome.delta_of = base.content->serial;
  outcome.token = fetched.token;
  outcome.edition = fetched.edition;
  outcome.unchanged = !fetched.list.has_value();
  if (outcome.unchanged) {
    outcome.validators = known.validators;
    outcome.source_digest = known.digest;
  } else {
    // What the server said of a whole list is not of this one.
    outcome.parsed = std::move(*fetched.list);
    outcome.source_digest = storage::digest(fetched.token) + reading_mark_;
  }
  return true;
}

void Feed::take_list(FeedOutcome& outcome, const Known& known) {
  const auto started = Clock::now();
  ServerSaid said;
  auto fetched = fetch(list_, known.validators, stop_, &said);
  outcome.retry_after = said.retry_after;
  outcome.fetch_seconds += Clock::now() - started;
  if (!fetched) {
    outcome.error = fetched.error();
    return;
  }
  Fetched& whole = fetched.value();
  outcome.validators = whole.validators;
  const auto note_token = [&](const std::optional<std::string>& token) {
    outcome.token = token && formats::is_token(*token) ? *token : std::string();
    if (!outcome.token->empty()) {
      outcome.source_digest = storage::digest(*outcome.token) + reading_mark_;
    } else if (!outcome.delta_error) {
      outcome.delta_error =
          base::Error{"delta_token",
                      describe_source(list_) + (token ? ": its token is none: 1 to 1024 printable characters"
                                                      : ": the list comes without a token")};
    }
  };
  const bool has_delta = !list_.delta.url.empty();
  const bool token_within = has_delta && list_.format == config::ListFormat::json;
  outcome.source_digest = whole.not_modified ? known.digest : storage::digest(whole.bytes) + reading_mark_;
  if (has_delta && !token_within && !whole.not_modified) note_token(whole.token);
  if (whole.not_modified || outcome.source_digest == known.digest) {
    if (whole.not_modified) outcome.validators = known.validators;
    outcome.unchanged = true;
    return;
  }
  outcome.error_stage = "verify";
  const auto verifying = Clock::now();
  const auto edition = verify_feed(list_, whole.bytes, stop_);
  outcome.fetch_seconds += Clock::now() - verifying;
  if (!edition) {
    outcome.error = edition.error();
    return;
  }
  outcome.edition = edition.value();
  outcome.error_stage = "parse";
  const auto parsing = Clock::now();
  rules::EntryParser parser;
  const auto protected_hosts = ProtectedHosts::read(protected_hosts_, parser);
  if (!protected_hosts) {
    outcome.error = protected_hosts.error();
    return;
  }
  auto parsed = parse_list(list_, whole.bytes, protected_hosts.value(), parser);
  outcome.parse_seconds = Clock::now() - parsing;
  if (!parsed) {
    outcome.error = parsed.error();
    return;
  }
  outcome.parsed = std::move(parsed).value();
  outcome.edition.serial = outcome.parsed.serial;
  if (token_within) note_token(outcome.parsed.token);
  outcome.unchanged = outcome.source_digest == known.digest;
}

}  // namespace weir::control
