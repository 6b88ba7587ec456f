#include "control/proof/self_test.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "dataplane/base/unix_time.h"

namespace weir::control {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kTimeout{5000};
constexpr std::chrono::seconds kLook{1};

/// Why a request went the wrong way; empty: it did not.
std::string problem_of(const json& result) {
  const bool listed = result.at("listed").get<bool>();
  const std::string what = fmt::format("{} on lcore {}", result.at("protocol").get<std::string>(),
                                       result.at("lcore").get<unsigned>());
  if (result.contains("error")) return fmt::format("{}: the worker does not answer", what);
  const auto outcome = result.at("outcome").get<std::string>();
  const bool blocked = outcome == "drop_blocked";
  if (listed && !blocked) return fmt::format("{}: the canary was not blocked ({})", what, outcome);
  if (!listed && outcome != "forward_passed") {
    return fmt::format("{}: the unlisted host did not pass ({})", what, outcome);
  }
  return {};
}

}  // namespace

bool SelfTestReport::passed() const {
  return time_unix_seconds != 0 && !error && !success.empty() &&
         std::all_of(success.begin(), success.end(), [](const auto& entry) { return entry.second; });
}

SelfTestReport judge_self_test(const json& answer) {
  SelfTestReport report;
  try {
    std::set<unsigned> workers;
    for (const json& name : answer.at("not_inspected")) {
      report.not_inspected.push_back(name.get<std::string>());
    }
    for (const json& result : answer.at("results")) {
      const std::string problem = problem_of(result);
      bool& success =
          report.success.try_emplace(result.at("protocol").get<std::string>(), true).first->second;
      success = success && problem.empty();
      if (!problem.empty()) report.problems.push_back(problem);
      workers.insert(result.at("lcore").get<unsigned>());
    }
    report.workers = static_cast<unsigned>(workers.size());
    if (report.success.empty()) report.problems.emplace_back("no protocol is inspected");
  } catch (const json::exception&) {
    report = {};
    report.error = base::Error{"selftest_answer", "the dataplane's answer is not that of this version"};
  }
  return report;
}

json self_test_json(const SelfTestReport& report) {
  json protocols = json::object();
  for (const auto& [protocol, success] : report.success) protocols[protocol] = success;
  json object{{"passed", report.passed()},
              {"time", report.time_unix_seconds},
              {"generation", report.generation},
              {"enforcement", report.enforcement},
              {"workers", report.workers},
              {"protocols", std::move(protocols)},
              {"not_inspected", report.not_inspected},
              {"problems", report.problems},
              {"error", nullptr}};
  if (report.error) object["error"] = {{"code", report.error->code}, {"message", report.error->message}};
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
  State state;
  state.up = status->up;
  state.generation = status->generation.value;
  if (!status->up) return state;
  const auto process = status->raw.find("pid");
  if (process != status->raw.end() && process->is_number_integer()) {
    state.process = process->get<std::int64_t>();
  }
  const auto mode = status->raw.find("enforcement");
  if (mode != status->raw.end() && mode->is_string()) state.enforcement = mode->get<std::string>();
  return state;
}

std::shared_ptr<const SelfTestReport> SelfTest::run() {
  const std::lock_guard one_at_a_time(run_mutex_);
  const State state = this->state();
  const auto answer =
      link_.call("selftest", {{"listed", settings_.listed}, {"unlisted", settings_.unlisted}}, kTimeout);
  SelfTestReport made = answer ? judge_self_test(answer.value()) : SelfTestReport{};
  if (!answer) made.error = answer.error();
  made.time_unix_seconds = base::unix_now();
  made.generation = state.generation;
  made.enforcement = state.enforcement;
  auto report = std::make_shared<const SelfTestReport>(std::move(made));
  const std::lock_guard lock(mutex_);
  const bool was_passed = last_->passed();
  const bool first = last_->time_unix_seconds == 0;
  last_ = report;
  if (report->passed() && (first || !was_passed)) spdlog::info("self-test: passed");
  if (!report->passed() && (first || was_passed)) {
    spdlog::error("W203: self-test: FAILED: {}", report->error
                                                     ? report->error->message
                                                     : fmt::format("{}", fmt::join(report->problems, "; ")));
  }
  return report;
}

void SelfTest::loop() {
  auto due = std::chrono::steady_clock::now();
  State tested;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kLook, [this] { return stop_; })) {
    lock.unlock();
    const State now = state();
    // Before the dataplane has told anything, nothing can be said of it; when it is gone, that is said once.
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
