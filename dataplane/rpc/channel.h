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

/// Tells the server's thread, from any other, which connections have something for it. Outlives the server
/// where answers are still to come.
class Waker {
 public:
  /// Error code: socket.
  static base::Result<std::shared_ptr<Waker>> make();
  explicit Waker(base::FileDescriptor event) noexcept : event_(std::move(event)) {}

  /// Readable when woken; for epoll.
  [[nodiscard]] int get() const noexcept { return event_.get(); }
  void wake() noexcept;
  void ready(std::uint64_t connection);
  /// The connections marked ready since the last call, and ends the waking.
  std::vector<std::uint64_t> take();

 private:
  base::FileDescriptor event_;
  std::mutex mutex_;
  std::vector<std::uint64_t> ready_;  // guarded by mutex_
};

/// What goes to one client: bounded, filled from any thread, emptied by the server's thread.
class Channel {
 public:
  enum class Flushed : std::uint8_t { all, part, broken };

  Channel(std::uint64_t connection, std::shared_ptr<Waker> waker, std::size_t unsent_bytes) noexcept
      : connection_(connection), waker_(std::move(waker)), limit_bytes_(unsent_bytes) {}

  /// Queues a whole line. A client that left more than the limit unread is given up: alive() turns false.
  void post(const std::string& line);
  [[nodiscard]] bool alive() const;
  [[nodiscard]] std::size_t unsent_bytes() const;
  [[nodiscard]] std::size_t limit_bytes() const noexcept { return limit_bytes_; }

  /// Requests whose Responder lives.
  void begin_request() noexcept { requests_.fetch_add(1, std::memory_order_relaxed); }
  void end_request();
  [[nodiscard]] std::size_t requests() const noexcept { return requests_.load(std::memory_order_acquire); }

  /// For the server's thread, before it looks at what made the channel ready: from here on, news mark it
  /// again.
  void acknowledge();
  /// For the server's thread: sends what the socket takes without waiting.
  Flushed flush(int socket);
  /// The client is gone: whatever is posted later is forgotten.
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
  bool marked_ = false;   // already among the ready ones; guarded by mutex_
};

}  // namespace weir::rpc
