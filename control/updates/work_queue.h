#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace weir::control {

/// A thread that runs jobs one at a time, in order.
class WorkQueue {
 public:
  using Job = std::function<void()>;

  explicit WorkQueue(std::size_t limit) : limit_(limit) {}
  ~WorkQueue() { stop(); }
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  void start();
  /// Ends the thread after the current job. Drops the waiting ones.
  void stop();

  /// Ends the thread after the waiting jobs. Drops the one of submit_at().
  void finish();

  /// False: `limit` jobs are waiting already.
  bool submit(Job job);
  /// For the daemon's own jobs, which are few and must not be refused.
  void submit_always(Job job);
  /// Runs `job` in the thread at `due`, instead of the job of an earlier call.
  void submit_at(std::chrono::system_clock::time_point due, Job job);

 private:
  void loop();

  const std::size_t limit_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  std::optional<std::chrono::system_clock::time_point> due_;
  Job due_job_;
  bool stop_ = false;
  bool finish_ = false;
  std::thread thread_;
};

}  // namespace weir::control
