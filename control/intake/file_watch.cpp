#include "control/intake/file_watch.h"

#include <array>
#include <cstddef>
#include <cstring>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace weir::control {
namespace {

constexpr int kQuietMs = 1000;        // a feed written in pieces is read once
constexpr int kMaxQuietPeriods = 10;  // a file that never stops changing is read anyway
constexpr int kRetryMs = 10000;       // for a directory that does not exist yet

}  // namespace

FileWatch::FileWatch(std::filesystem::path file, std::function<void()> changed)
    : file_(std::move(file)),
      changed_(std::move(changed)),
      events_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
      end_(::eventfd(0, EFD_CLOEXEC)) {
  // Without inotify, the file is read at its interval only.
  if (events_ < 0 || end_ < 0) return;
  look_for_directory();
  thread_ = std::thread([this] { watch(); });
}

FileWatch::~FileWatch() {
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    // Cannot fail: the eventfd is at 0.
    [[maybe_unused]] const auto written = ::write(end_, &one, sizeof one);
    thread_.join();
  }
  if (events_ >= 0) ::close(events_);
  if (end_ >= 0) ::close(end_);
}

void FileWatch::look_for_directory() {
  watch_ =
      ::inotify_add_watch(events_, file_.parent_path().c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR);
}

void FileWatch::watch() {
  while (true) {
    bool seen = false;
    if (watch_ < 0) {
      look_for_directory();
      seen = watch_ >= 0;  // the file may have been created with it
    }
    if (!seen && !wait(watch_ < 0 ? kRetryMs : -1, seen)) return;
    if (!seen) continue;
    for (int i = 0; seen && i < kMaxQuietPeriods; ++i) {
      seen = false;
      if (!wait(kQuietMs, seen)) return;
    }
    changed_();
  }
}

bool FileWatch::wait(int timeout_ms, bool& seen) {
  std::array<pollfd, 2> waited{pollfd{.fd = events_, .events = POLLIN, .revents = 0},
                               pollfd{.fd = end_, .events = POLLIN, .revents = 0}};
  const int ready = ::poll(waited.data(), waited.size(), timeout_ms);
  if (waited[1].revents != 0) return false;
  if (ready > 0 && waited[0].revents != 0) take_events(seen);
  return true;
}

void FileWatch::take_events(bool& seen) {
  alignas(inotify_event) std::array<char, 16384> buffer{};
  const ssize_t size = ::read(events_, buffer.data(), buffer.size());
  for (ssize_t at = 0; at < size;) {
    inotify_event event{};
    std::memcpy(&event, buffer.data() + at, sizeof event);
    const char* name = buffer.data() + at + sizeof event;
    if ((event.mask & IN_Q_OVERFLOW) != 0) seen = true;
    if ((event.mask & IN_IGNORED) != 0) watch_ = -1;
    if (event.len != 0 && file_.filename() == name) seen = true;
    at += static_cast<ssize_t>(sizeof event + event.len);
  }
}

}  // namespace weir::control
