#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/settings.h"
#include "control/publish/dataplane_link.h"
#include "dataplane/base/enforcement.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// What the workers did with the requests of a self-test. Names of protocols and numbers of workers; no host.
struct SelfTestFindings {
  std::map<std::string, bool>
      success;  // by protocol: the listed host was blocked and the unlisted one passed
  std::vector<std::string> not_inspected;
  std::vector<std::string> problems;  // for people: one per request with the wrong outcome
  unsigned workers = 0;

  /// Every inspected protocol, on every worker. False if no protocol is inspected.
  [[nodiscard]] bool passed() const;
};

/// One self-test. `findings` is an error if the test could not be made; then it has failed.
struct SelfTestReport {
  std::int64_t time_unix_seconds = 0;
  std::uint64_t generation = 0;                    // active at the time; 0: none
  std::optional<base::Enforcement> enforcement{};  // at the time; none: the dataplane did not say
  base::Result<SelfTestFindings> findings;

  [[nodiscard]] bool passed() const { return findings && findings.value().passed(); }
  /// For people, the first of the problems; empty if the test passed.
  [[nodiscard]] std::vector<std::string> problems() const;
};

/// Reads the dataplane's answer to `selftest`. Error code: selftest_answer (not an answer of this version).
base::Result<SelfTestFindings> judge_self_test(const nlohmann::json& answer);

/// A report as clients get it; `report` null: no test has been made yet.
nlohmann::json self_test_json(const SelfTestReport* report);

/// Proves regularly that the box blocks. The dataplane's workers decide two made-up requests per protocol:
/// one for an entry that every snapshot holds (the canary), one for a host that no list should hold. A test
/// is also made within about a second after the dataplane's process, generation or enforcement changes.
/// Callable from any thread.
class SelfTest {
 public:
  SelfTest(config::SelfTestSettings settings, const DataplaneLink& link);
  ~SelfTest() { stop(); }
  SelfTest(const SelfTest&) = delete;
  SelfTest& operator=(const SelfTest&) = delete;

  void start();
  void stop();

  /// The newest report; null before the first test.
  [[nodiscard]] std::shared_ptr<const SelfTestReport> last() const;
  /// Makes a test now and returns its report, which becomes the last() one; never null. Takes some
  /// milliseconds, or up to 5 seconds if the dataplane does not answer.
  std::shared_ptr<const SelfTestReport> run();

 private:
  /// What a test depends on: if it changes, the last test proves nothing.
  struct State {
    bool up = false;
    std::uint64_t generation = 0;
    std::optional<std::int64_t> process;
    std::optional<base::Enforcement> enforcement;
    bool operator==(const State&) const = default;
  };
  [[nodiscard]] State state() const;
  void loop();

  const config::SelfTestSettings settings_;
  const DataplaneLink& link_;
  std::mutex run_mutex_;      // one test at a time
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  bool stop_ = false;
  std::shared_ptr<const SelfTestReport> last_;
  std::thread thread_;
};

}  // namespace weir::control
