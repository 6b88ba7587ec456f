#pragma once

#include <filesystem>
#include <functional>
#include <thread>

namespace weir::control {

/// Reports when a file is written or replaced by a rename, from its own thread. Watches the directory of the
/// file; symbolic links and changes of the directory itself are not followed.
class FileWatch {
 public:
  /// Watches from now on. Calls `changed` from the watching thread, once for a burst of changes.
  FileWatch(std::filesystem::path file, std::function<void()> changed);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

 private:
  void look_for_directory();
  void watch();
  /// Waits for events for up to `timeout_ms`. False: stop. Sets `seen` if an event concerns the file.
  bool wait(int timeout_ms, bool& seen);
  void take_events(bool& seen);

  const std::filesystem::path file_;
  const std::function<void()> changed_;
  int events_;      // inotify
  int end_;         // eventfd: readable means stop
  int watch_ = -1;  // of the directory; -1: it does not exist
  std::thread thread_;
};

}  // namespace weir::control
