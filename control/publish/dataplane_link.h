#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "dataplane/base/enforcement.h"
#include "dataplane/base/ids.h"
#include "dataplane/base/result.h"

namespace weir::control {

/// The last status of the dataplane.
struct DataplaneStatus {
  bool up = false;
  std::string error;            // if it is not up
  base::Generation generation;  // in force; 0: none
  std::int64_t activated_unix_seconds = 0;
  std::optional<base::Enforcement> enforcement;  // none: not up, or it did not say
  nlohmann::json raw;                            // its whole answer; null if it is not up
};

/// The connection to the dataplane's socket. A thread polls its status every second. call() is thread-safe.
class DataplaneLink {
 public:
  using Watcher = std::function<void(const DataplaneStatus&)>;

  explicit DataplaneLink(std::string socket);
  ~DataplaneLink();
  DataplaneLink(const DataplaneLink&) = delete;
  DataplaneLink& operator=(const DataplaneLink&) = delete;

  /// Starts polling. Calls `watcher` after each answer, from the thread of the link.
  void start(Watcher watcher);
  /// The watcher is not called after this returns.
  void stop();

  /// The last status, at most about a second old.
  [[nodiscard]] std::shared_ptr<const DataplaneStatus> status() const;
  /// Asks for the status now and waits up to `timeout`.
  std::shared_ptr<const DataplaneStatus> refresh(std::chrono::milliseconds timeout);

  /// Error codes: dataplane_down (no answer), and those of the dataplane.
  base::Result<nlohmann::json> call(const std::string& method, const nlohmann::json& params,
                                    std::chrono::milliseconds timeout,
                                    std::span<const int> descriptors = {}) const;

 private:
  void loop(const Watcher& watcher);

  const std::string socket_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  bool stop_ = false;
  std::shared_ptr<const DataplaneStatus> status_ = std::make_shared<DataplaneStatus>();
  std::thread thread_;
};

/// Reads an answer of the method `status`. Ignores fields that are missing or have another type.
DataplaneStatus read_dataplane_status(nlohmann::json answer);

}  // namespace weir::control
