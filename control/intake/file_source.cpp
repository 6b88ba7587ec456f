#include "control/intake/file_source.h"

#include <chrono>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

#include "control/storage/durable_file.h"
#include "dataplane/base/percent_encoding.h"

namespace weir::control {
namespace {

constexpr std::string_view kScheme = "file://";
constexpr int kAttempts = 5;
constexpr std::chrono::milliseconds kSettle{200};

/// Changes when somebody writes to a file or replaces it.
struct FileMark {
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified_ns = 0;
  bool operator==(const FileMark&) const = default;
};

FileMark mark_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {status.st_ino, status.st_size,
          status.st_mtim.tv_sec * std::int64_t{1000000000} + status.st_mtim.tv_nsec};
}

}  // namespace

std::string file_of(std::string_view url) {
  url.remove_prefix(kScheme.size());
  return base::percent_decode_once(url);
}

base::Result<Fetched> fetch_file(const FetchRequest& request, ResponseInfo&) {
  using ReadState = storage::FileRead::State;
  const std::string path = file_of(request.list.url);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const FileMark before = mark_of(path);
    storage::FileRead file = storage::read_file(path, request.list.max_bytes);
    if (file.state != ReadState::read) {
      return base::Error{file.state == ReadState::too_large ? "fetch_too_large" : "fetch_io",
                         std::move(file.error.message)};
    }
    // Without a final line feed, the writer may not have finished.
    if (!file.text.ends_with('\n')) std::this_thread::sleep_for(kSettle);
    if (mark_of(path) == before)
      return Fetched{.not_modified = false, .bytes = std::move(file.text), .validators = {}, .token = {}};
    std::this_thread::sleep_for(kSettle);
  }
  return base::Error{
      "fetch_changing",
      fmt::format("{}: changed while it was read; write a new file and rename it into place", path)};
}

}  // namespace weir::control
