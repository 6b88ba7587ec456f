#include "control/feed.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "base/outcome.h"
#include "control/unix_time.h"
#include "files/durable_file.h"

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
  const auto text = files::read_whole(protected_hosts, kMostProtectedBytes);
  return "+" + (text ? files::digest(text.value()) : std::string("unreadable"));
}

/// Of how a list is read: with other settings the same bytes are other entries.
std::string reading_mark(const config::ListSettings& list) {
  return "-" + files::digest(fmt::format(
                   "{} {} {} {} {} {} {} {} {} {} {} {}", base::index_of(list.profile), list.csv.url_column,
                   list.csv.id_column, list.csv.header, base::index_of(list.csv.separator), list.csv.comments,
                   list.json.entries, list.json.url, list.json.serial, base::index_of(list.on_tls),
                   base::index_of(list.verify.type), list.verify.public_key));
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
           Sink sink)
    : index_(index),
      list_(list),
      protected_hosts_(std::move(protected_hosts)),
      reading_mark_(reading_mark(list) + protection_mark(protected_hosts_)),
      sink_(std::move(sink)) {}

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
    reading_mark_ = reading_mark(list_) + protection_mark(protected_hosts_);
    // Asked for, or read with other settings: no validators, so that the content comes and is looked at
    // whatever was said of it before.
    const bool anew = asked_for || !digest_.ends_with(reading_mark_);
    const Validators validators = anew ? Validators{} : validators_;
    const std::string digest = anew ? std::string() : digest_;
    lock.unlock();
    FeedOutcome outcome = run(validators, digest);
    lock.lock();
    retry_after_ = outcome.retry_after;
    lock.unlock();
    sink(std::move(outcome));
    lock.lock();
  }
}

FeedOutcome Feed::run(const Validators& validators, const std::string& digest) {
  FeedOutcome outcome;
  outcome.list = index_;
  outcome.attempted_unix_seconds = unix_now();
  const auto started = Clock::now();
  outcome.error_stage = "fetch";
  try {
    ServerSaid said;
    auto fetched = fetch(list_, validators, stop_, &said);
    outcome.retry_after = said.retry_after;
    outcome.fetch_seconds = Clock::now() - started;
    if (!fetched) {
      outcome.error = fetched.error();
      return outcome;
    }
    outcome.validators = fetched.value().validators;
    outcome.source_digest =
        fetched.value().not_modified ? digest : files::digest(fetched.value().bytes) + reading_mark_;
    if (fetched.value().not_modified || outcome.source_digest == digest) {
      if (fetched.value().not_modified) outcome.validators = validators;
      outcome.unchanged = true;
      return outcome;
    }
    outcome.error_stage = "verify";
    const auto edition = verify_feed(list_, fetched.value().bytes, stop_);
    outcome.fetch_seconds = Clock::now() - started;
    if (!edition) {
      outcome.error = edition.error();
      return outcome;
    }
    outcome.edition = edition.value();
    outcome.error_stage = "parse";
    const auto parsing = Clock::now();
    match::EntryParser parser;
    const auto protected_hosts = ProtectedHosts::read(protected_hosts_, parser);
    if (!protected_hosts) {
      outcome.error = protected_hosts.error();
      return outcome;
    }
    auto parsed = parse_list(list_, fetched.value().bytes, protected_hosts.value(), parser);
    outcome.parse_seconds = Clock::now() - parsing;
    if (parsed) {
      outcome.parsed = std::move(parsed).value();
      outcome.edition.serial = outcome.parsed.serial;
    } else {
      outcome.error = parsed.error();
    }
  } catch (const std::exception& exception) {  // no memory for a huge feed: the last good one stays
    outcome.error = base::Error{"internal", exception.what()};
  }
  return outcome;
}

}  // namespace weir::control
