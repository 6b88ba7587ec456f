#include "control/updates/update_queue.h"

#include <exception>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace weir::control {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxWaiting = 256;

json stages_json(const StageTimes& times) {
  json stages = json::object();
  for (const StageRow& row : kStages) {
    if (const auto seconds = times.of(row.value)) stages[std::string(row.name)] = *seconds;
  }
  return stages;
}

}  // namespace

UpdateQueue::UpdateQueue(Publisher& publisher, storage::AuditLog& audit, StageObserver observer)
    : publisher_(publisher), audit_(audit), observer_(std::move(observer)), queue_(kMaxWaiting) {}

WorkQueue::Job UpdateQueue::make_job(Caller caller, ChangeWork work, ChangeDone done) {
  auto change = std::make_shared<Change>();
  change->record.uid = caller.uid;
  change->record.method = caller.method;
  change->caller = std::move(caller);
  return [this, change, work = std::move(work), done = std::move(done)] { run(*change, work, done); };
}

void UpdateQueue::submit(Caller caller, ChangeWork work, const ChangeDone& done) {
  if (queue_.submit(make_job(std::move(caller), std::move(work), done))) return;
  done(base::Error{"busy", fmt::format("{} changes are waiting already; try again later", kMaxWaiting)});
}

void UpdateQueue::submit_always(Caller caller, ChangeWork work, ChangeDone done) {
  queue_.submit_always(make_job(std::move(caller), std::move(work), std::move(done)));
}

base::Status UpdateQueue::record(Change& change, const ChangeAnswer& answer) {
  change.record.after_generation = publisher_.current().state.generation.value;
  change.record.outcome = answer ? "ok" : answer.error().code;
  auto written = audit_.append(change.record);
  if (!written) spdlog::error("W202: {}", written.error().message);
  return written;
}

ChangeAnswer UpdateQueue::attempt(Change& change, const ChangeWork& work) {
  change.record.before_generation = publisher_.current().state.generation.value;
  ChangeAnswer answer = base::Error{"internal", "no answer"};
  try {
    answer = work(change);
  } catch (const std::exception& exception) {
    answer = base::Error{"internal", exception.what()};
  }
  const base::Status written = record(change, answer);
  if (written || !answer) return answer;
  // A change that is not recorded is not acknowledged, although it was made.
  return base::Error{
      "audit_failed",
      fmt::format("done, and generation {} is current, but the audit record could not be written: {}",
                  change.record.after_generation, written.error().message)};
}

void UpdateQueue::run(Change& change, const ChangeWork& work, const ChangeDone& done) {
  ChangeAnswer answer = attempt(change, [&](Change& self) -> ChangeAnswer {
    if (const auto expected = check_generation(self.caller.expect_generation); !expected)
      return expected.error();
    return work(self);
  });
  if (answer) {
    spdlog::info("{} by uid {}: generation {}, active {}", change.record.method, change.caller.uid,
                 change.record.after_generation, change.record.active);
  } else {
    spdlog::warn("{} by uid {}: {}", change.record.method, change.caller.uid, answer.error().code);
  }
  changed();
  done(std::move(answer));
}

base::Status UpdateQueue::check_generation(std::optional<std::uint64_t> expected) const {
  const std::uint64_t current = publisher_.current().state.generation.value;
  if (expected.value_or(current) == current) return base::ok_status();
  return base::Error{
      "generation_mismatch",
      fmt::format("generation {} is current, not {}: check what changed and try again", current, *expected)};
}

PublishResult UpdateQueue::publish(Change& change, LoadedState draft) {
  PublishResult result = publisher_.publish(std::move(draft), change.times);
  for (const StageRow& row : kStages) {
    if (const auto seconds = change.times.of(row.value)) observer_(row.name, *seconds);
  }
  observer_("total", change.times.total_seconds());
  change.record.active = result.state == PublishResult::State::active;
  return result;
}

ChangeAnswer UpdateQueue::publish_with(Change& change, LoadedState draft, json details) {
  const PublishResult result = publish(change, std::move(draft));
  return answer_of(result, change, std::move(details));
}

ChangeAnswer UpdateQueue::answer_of(const PublishResult& result, const Change& change, json details) {
  if (!result.is_made()) return *result.error;
  details["generation"] = result.generation.value;
  details["active"] = result.state == PublishResult::State::active;
  if (result.error) details["error"] = {{"code", result.error->code}, {"message", result.error->message}};
  details["stages"] = stages_json(change.times);
  details["seconds"] = change.times.total_seconds();
  return details;
}

}  // namespace weir::control
