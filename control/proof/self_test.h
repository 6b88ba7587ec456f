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
#include "dataplane/base/result.h"

namespace weir::control {

/// What the last self-test found. Names of protocols and numbers of workers, no host.
struct SelfTestReport {
  std::int64_t time_unix_seconds = 0;   // 0: none was made yet
  std::optional<base::Error> error;     // it could not be made
  std::uint64_t generation = 0;         // in force at the time
  std::string enforcement;              // at the time; empty: not known
  std::map<std::string, bool> success;  // by protocol: blocked what is listed and passed what is not
  std::vector<std::string> not_inspected;
  std::vector<std::string> problems;  // for people, one for each request that went the wrong way
  unsigned workers = 0;

  /// Every protocol that is inspected, on every worker.
  [[nodiscard]] bool passed() const;
};

/// Reads what the dataplane's `selftest` answers. Of another shape it is an error, code `selftest_answer`.
SelfTestReport judge_self_test(const nlohmann::json& answer);

/// As it stands in answers to clients.
nlohmann::json self_test_json(const SelfTestReport& report);

/// Proves from time to time that the box blocks: has the dataplane's workers decide requests for an entry
/// that every snapshot holds (the canary) and for a host that none should hold. Also a second after anything
/// in the dataplane changed: its process, its snapshot, its mode. Any thread may ask.
class SelfTest {
 public:
  SelfTest(config::SelfTestSettings settings, const DataplaneLink& link);
  ~SelfTest() { stop(); }
  SelfTest(const SelfTest&) = delete;
  SelfTest& operator=(const SelfTest&) = delete;

  void start();
  void stop();

  [[nodiscard]] std::shared_ptr<const SelfTestReport> last() const;
  /// Makes one now; the report is the last() one then. Takes some milliseconds, or as long as the dataplane
  /// is silent.
  std::shared_ptr<const SelfTestReport> run();

 private:
  /// What a test is true of.
  struct State {
    bool up = false;
    std::uint64_t generation = 0;
    std::int64_t process = 0;
    std::string enforcement;
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
  std::shared_ptr<const SelfTestReport> last_ = std::make_shared<SelfTestReport>();
  std::thread thread_;
};

}  // namespace weir::control
