#include "control/proof/self_test.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "dataplane/base/unix_time.h"
#include "dataplane/outcomes/outcome.h"

namespace weir::control {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kTimeout{5000};
constexpr std::chrono::seconds kPollInterval{1};

/// What is wrong with the outcome of one request; none: nothing.
std::optional<std::string> problem_of(const json& result) {
  const bool listed = result.at("listed").get<bool>();
  const std::string what = fmt::format("{} on lcore {}", result.at("protocol").get<std::string>(),
                                       result.at("lcore").get<unsigned>());
  if (result.contains("error")) return fmt::format("{}: the worker does not answer", what);
  const auto outcome = result.at("outcome").get<std::string>();
  if (listed && outcome != base::to_string(base::Outcome::drop_blocked)) {
    return fmt::format("{}: the canary was not blocked ({})", what, outcome);
  }
  if (!listed && outcome != base::to_string(base::Outcome::forward_passed)) {
    return fmt::format("{}: the unlisted host did not pass ({})", what, outcome);
  }
  return std::nullopt;
}

}  // namespace

bool SelfTestFindings::passed() const {
  return !success.empty() &&
         std::all_of(success.begin(), success.end(), [](const auto& entry) { return entry.second; });
}

std::vector<std::string> SelfTestReport::problems() const {
  return findings ? findings.value().problems : std::vector<std::string>{findings.error().message};
}

base::Result<SelfTestFindings> judge_self_test(const json& answer) {
  try {
    SelfTestFindings findings;
    std::set<unsigned> workers;
    for (const json& name : answer.at("not_inspected")) {
      findings.not_inspected.push_back(name.get<std::string>());
    }
    for (const json& result : answer.at("results")) {
      const auto problem = problem_of(result);
      bool& success =
          findings.success.try_emplace(result.at("protocol").get<std::string>(), true).first->second;
      success = success && !problem;
      if (problem) findings.problems.push_back(*problem);
      workers.insert(result.at("lcore").get<unsigned>());
    }
    findings.workers = static_cast<unsigned>(workers.size());
    if (findings.success.empty()) findings.problems.emplace_back("no protocol is inspected");
    return findings;
  } catch (const json::exception&) {
    return base::Error{
        "selftest_answer",
        "weir-dataplane's answer to the self-test is not one of this version: restart it after "
        "an upgrade"};
  }
}

json self_test_json(const SelfTestReport* report) {
  json object{{"passed", false},
              {"time", nullptr},
              {"generation", 0},
              {"enforcement", nullptr},
              {"workers", 0},
              {"protocols", json::object()},
              {"not_inspected", json::array()},
              {"problems", json::array()},
              {"error", nullptr}};
  if (report == nullptr) return object;
  object["passed"] = report->passed();
  object["time"] = report->time_unix_seconds;
  object["generation"] = report->generation;
  if (report->enforcement) object["enforcement"] = base::to_string(*report->enforcement);
  if (!report->findings) {
    const base::Error& error = report->findings.error();
    object["error"] = {{"code", error.code}, {"message", error.message}};
    return object;
  }
  const SelfTestFindings& findings = report->findings.value();
  object["workers"] = findings.workers;
  for (const auto& [protocol, success] : findings.success) object["protocols"][protocol] = success;
  object["not_inspected"] = findings.not_inspected;
  object["problems"] = findings.problems;
  return object;
}

SelfTest::SelfTest(config::SelfTestSettings settings, const DataplaneLink& link)
    : settings_(std::move(settings)), link_(link) {}

void SelfTest::start() {
  if (settings_.enabled) thread_ = std::thread([this] { loop(); });
}

void SelfTest::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<const SelfTestReport> SelfTest::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

SelfTest::State SelfTest::state() const {
  const auto status = link_.status();
  State state{.up = status->up,
              .generation = status->generation.value,
              .process = std::nullopt,
              .enforcement = status->enforcement};
  if (!status->up) return state;
  const auto process = status->raw.find("pid");
  if (process != status->raw.end() && process->is_number_integer()) {
    state.process = process->get<std::int64_t>();
  }
  return state;
}

std::shared_ptr<const SelfTestReport> SelfTest::run() {
  const std::lock_guard one_at_a_time(run_mutex_);
  const State state = this->state();
  const auto answer =
      link_.call("selftest", {{"listed", settings_.listed}, {"unlisted", settings_.unlisted}}, kTimeout);
  auto report = std::make_shared<const SelfTestReport>(
      SelfTestReport{.time_unix_seconds = base::unix_now(),
                     .generation = state.generation,
                     .enforcement = state.enforcement,
                     .findings = answer ? judge_self_test(answer.value()) : answer.error()});
  const std::lock_guard lock(mutex_);
  const bool is_news = last_ == nullptr || last_->passed() != report->passed();
  last_ = report;
  if (is_news && report->passed()) spdlog::info("self-test: passed");
  if (is_news && !report->passed())
    spdlog::error("W203: self-test: FAILED: {}", fmt::join(report->problems(), "; "));
  return report;
}

void SelfTest::loop() {
  auto due = std::chrono::steady_clock::now();
  State tested;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kPollInterval, [this] { return stop_; })) {
    lock.unlock();
    const State now = state();
    // Until the dataplane answers for the first time, there is nothing to test. When it goes down, one test
    // records the failure.
    const bool changed = !(now == tested);
    if (now.up && (changed || std::chrono::steady_clock::now() >= due)) {
      run();
      due = std::chrono::steady_clock::now() + settings_.interval;
    } else if (!now.up && tested.up) {
      run();
    }
    tested = now;
    lock.lock();
  }
}

}  // namespace weir::control
