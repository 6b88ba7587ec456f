#include "dataplane/rpc/channel.h"

#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

#include "dataplane/rpc/unix_socket.h"

namespace weir::rpc {

base::Result<std::shared_ptr<Waker>> Waker::make() {
  base::FileDescriptor event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) {
    return base::Error{.code = "socket",
                       .message = "cannot make an eventfd: " + std::generic_category().message(errno)};
  }
  return std::make_shared<Waker>(std::move(event));
}

void Waker::wake() noexcept {
  // This fails only if the counter is full: then the thread is awake anyway.
  const std::uint64_t one = 1;
  static_cast<void>(!::write(event_.get(), &one, sizeof one));
}

void Waker::ready(std::uint64_t connection) {
  {
    const std::lock_guard lock(mutex_);
    ready_.push_back(connection);
  }
  wake();
}

std::vector<std::uint64_t> Waker::take() {
  std::uint64_t count = 0;
  static_cast<void>(!::read(event_.get(), &count, sizeof count));
  const std::lock_guard lock(mutex_);
  return std::exchange(ready_, {});
}

void Channel::post(const std::string& line) {
  {
    const std::lock_guard lock(mutex_);
    if (!alive_) return;
    if (unsent_.size() - sent_ + line.size() > limit_bytes_) {
      alive_ = false;
      unsent_ = {};
      sent_ = 0;
    } else {
      unsent_.append(line);
    }
  }
  mark_ready();
}

bool Channel::alive() const {
  const std::lock_guard lock(mutex_);
  return alive_;
}

std::size_t Channel::unsent_bytes() const {
  const std::lock_guard lock(mutex_);
  return unsent_.size() - sent_;
}

void Channel::end_request() {
  requests_.fetch_sub(1, std::memory_order_release);
  mark_ready();  // the server's thread may have stopped reading until there is room for a request
}

void Channel::acknowledge() {
  const std::lock_guard lock(mutex_);
  marked_ = false;
}

Channel::Flushed Channel::flush(int socket) {
  const std::lock_guard lock(mutex_);
  if (!alive_) return Flushed::broken;
  while (sent_ < unsent_.size()) {
    const ssize_t count = send_some(socket, std::string_view(unsent_).substr(sent_));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (count < 0) return Flushed::broken;
    sent_ += static_cast<std::size_t>(count);
  }
  if (sent_ == unsent_.size()) {
    unsent_ = {};
    sent_ = 0;
    return Flushed::all;
  }
  // The rest is moved only when half is sent, which keeps the cost linear.
  if (sent_ > unsent_.size() / 2) {
    unsent_.erase(0, sent_);
    sent_ = 0;
  }
  return Flushed::part;
}

void Channel::close() {
  const std::lock_guard lock(mutex_);
  alive_ = false;
  unsent_ = {};
  sent_ = 0;
}

void Channel::mark_ready() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(marked_, true)) return;
  }
  waker_->ready(connection_);
}

}  // namespace weir::rpc
