#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "dataplane/base/file_descriptor.h"
#include "dataplane/base/result.h"

namespace weir::rpc {

/// Wakes the server's thread, from any other thread, and tells it which connections have something to do.
/// Outlives the server while answers are pending.
class Waker {
 public:
  /// Error code: socket.
  static base::Result<std::shared_ptr<Waker>> make();
  explicit Waker(base::FileDescriptor event) noexcept : event_(std::move(event)) {}

  /// For epoll: readable after wake().
  [[nodiscard]] int get() const noexcept { return event_.get(); }
  void wake() noexcept;
  void ready(std::uint64_t connection);
  /// Returns the connections marked ready since the last call, and resets the wake-up.
  std::vector<std::uint64_t> take();

 private:
  base::FileDescriptor event_;
  std::mutex mutex_;
  std::vector<std::uint64_t> ready_;  // guarded by mutex_
};

/// The outgoing lines for one client: bounded, filled from any thread, sent by the server's thread.
class Channel {
 public:
  enum class Flushed : std::uint8_t { all, part, broken };

  Channel(std::uint64_t connection, std::shared_ptr<Waker> waker, std::size_t unsent_bytes) noexcept
      : connection_(connection), waker_(std::move(waker)), limit_bytes_(unsent_bytes) {}

  /// Queues a whole line. If the client leaves more than the limit unread, it is given up: alive() turns
  /// false.
  void post(const std::string& line);
  [[nodiscard]] bool alive() const;
  [[nodiscard]] std::size_t unsent_bytes() const;
  [[nodiscard]] std::size_t limit_bytes() const noexcept { return limit_bytes_; }

  /// The number of requests whose Responder still exists.
  void begin_request() noexcept { requests_.fetch_add(1, std::memory_order_relaxed); }
  void end_request();
  [[nodiscard]] std::size_t requests() const noexcept { return requests_.load(std::memory_order_acquire); }

  /// For the server's thread, before it handles a ready channel: later posts mark the channel ready again.
  void acknowledge();
  /// For the server's thread: sends as much as the socket accepts without blocking.
  Flushed flush(int socket);
  /// The client is gone: later posts are dropped.
  void close();

 private:
  void mark_ready();

  const std::uint64_t connection_;
  const std::shared_ptr<Waker> waker_;
  const std::size_t limit_bytes_;
  std::atomic<std::size_t> requests_{0};
  mutable std::mutex mutex_;
  std::string unsent_;    // guarded by mutex_
  std::size_t sent_ = 0;  // of unsent_; guarded by mutex_
  bool alive_ = true;     // guarded by mutex_
  bool marked_ = false;   // already marked ready; guarded by mutex_
};

}  // namespace weir::rpc
