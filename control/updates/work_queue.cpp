#include "control/updates/work_queue.h"

#include <utility>

namespace weir::control {

void WorkQueue::start() {
  thread_ = std::thread([this] { loop(); });
}

void WorkQueue::stop() {
  std::deque<Job> dropped;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    dropped.swap(jobs_);
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void WorkQueue::finish() {
  {
    const std::lock_guard lock(mutex_);
    finish_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool WorkQueue::submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stop_ || finish_ || jobs_.size() >= limit_) return false;
    jobs_.push_back(std::move(job));
  }
  wake_.notify_all();
  return true;
}

void WorkQueue::submit_always(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stop_ || finish_) return;
    jobs_.push_back(std::move(job));
  }
  wake_.notify_all();
}

void WorkQueue::submit_at(std::chrono::system_clock::time_point due, Job job) {
  {
    const std::lock_guard lock(mutex_);
    due_ = due;
    due_job_ = std::move(job);
  }
  wake_.notify_all();
}

void WorkQueue::loop() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    Job job;
    if (finish_ && jobs_.empty()) return;
    if (!finish_ && due_ && *due_ <= std::chrono::system_clock::now()) {
      due_.reset();
      job = std::exchange(due_job_, nullptr);
    } else if (!jobs_.empty()) {
      job = std::move(jobs_.front());
      jobs_.pop_front();
    } else {
      if (due_) {
        wake_.wait_until(lock, *due_);
      } else {
        wake_.wait(lock);
      }
      continue;
    }
    lock.unlock();
    job();
    job = nullptr;  // release what it holds without the lock
    lock.lock();
  }
}

}  // namespace weir::control
