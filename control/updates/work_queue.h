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

/// A thread that runs jobs one after the other.
class WorkQueue {
 public:
  using Job = std::function<void()>;

  explicit WorkQueue(std::size_t limit) : limit_(limit) {}
  ~WorkQueue() { stop(); }
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  void start();
  /// Ends the thread after the job that it is at; jobs that wait are dropped.
  void stop();

  /// Ends the thread after the jobs that wait; those that have a time are dropped.
  void finish();

  /// Refuses, by false, when `limit` jobs wait already.
  bool submit(Job job);
  /// For the daemon's own jobs, which are few and must not be lost.
  void submit_always(Job job);
  /// Runs `job` in the thread at `due` (by the system's clock), in place of an earlier call's.
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
