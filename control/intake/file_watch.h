#pragma once

#include <filesystem>
#include <functional>
#include <thread>

namespace weir::control {

/// Tells when a file is written or another is renamed into its place, in a thread of its own. What is on
/// the way to it beyond the last directory (symbolic links, that directory itself) is not watched.
class FileWatch {
 public:
  /// Changes from now on count. `changed` is called from the watching thread, once for changes that follow
  /// one another closely.
  FileWatch(std::filesystem::path file, std::function<void()> changed);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

 private:
  void look_for_directory();
  void watch();
  /// Waits for events, `timeout_ms` at most. False: it is time to end. `seen`: one of them was of the file.
  bool wait(int timeout_ms, bool& seen);
  void take_events(bool& seen);

  const std::filesystem::path file_;
  const std::function<void()> changed_;
  int events_;      // inotify
  int end_;         // eventfd: readable when it is time to end
  int watch_ = -1;  // of the directory; -1: it is not there
  std::thread thread_;
};

}  // namespace weir::control
