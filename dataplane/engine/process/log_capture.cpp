#include "dataplane/engine/process/log_capture.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include <sys/types.h>

#include "dataplane/base/ascii.h"

namespace weir::engine {
namespace {

bool reports_failure(const std::string& line) {
  static constexpr std::array<std::string_view, 14> kWords{
      "error",     "fail",       "cannot", "invalid", "unable",       "no such", "not found",
      "not exist", "permission", "denied", "unknown", "unrecognized", "already", "not enough"};
  std::string lower(line.size(), ' ');
  std::transform(line.begin(), line.end(), lower.begin(), base::ascii_lower);
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

}  // namespace

LogCapture::LogCapture(Sink sink) : sink_(std::move(sink)) {
  cookie_io_functions_t functions{};
  functions.write = [](void* cookie, const char* text, std::size_t size) -> ssize_t {
    // The caller is C code: no exception may pass through it.
    try {
      static_cast<LogCapture*>(cookie)->write({text, size});
    } catch (...) {
      return 0;
    }
    return static_cast<ssize_t>(size);
  };
  stream_ = fopencookie(this, "w", functions);
  if (stream_ != nullptr) std::setvbuf(stream_, nullptr, _IONBF, 0);
}

LogCapture::~LogCapture() {
  if (stream_ != nullptr) std::fclose(stream_);
}

void LogCapture::write(std::string_view text) {
  std::vector<std::string> complete;
  {
    const std::lock_guard lock(mutex_);
    for (const char c : text) {
      if (c == '\n') {
        if (partial_.empty()) continue;
        complete.push_back(partial_);
        lines_.push_back(std::move(partial_));
        partial_.clear();
        ++seen_lines_;
        if (lines_.size() > kLines) lines_.pop_front();
      } else if (partial_.size() < kLineBytes) {
        // No escape sequence in a device's name reaches an operator's terminal.
        partial_.push_back(std::isprint(static_cast<unsigned char>(c)) != 0 ? c : ' ');
      }
    }
  }
  if (!sink_) return;
  for (const std::string& line : complete) sink_(line);
}

std::size_t LogCapture::mark() const {
  const std::lock_guard lock(mutex_);
  return seen_lines_;
}

std::string LogCapture::cause_since(std::size_t mark) const {
  const std::lock_guard lock(mutex_);
  const std::size_t wanted = seen_lines_ > mark ? seen_lines_ - mark : 0;
  const auto begin = lines_.end() - static_cast<std::ptrdiff_t>(std::min(wanted, lines_.size()));
  if (begin == lines_.end()) return {};
  const auto found = std::find_if(begin, lines_.end(), reports_failure);
  return found != lines_.end() ? *found : lines_.back();
}

LogCapture::StdioScope::StdioScope(LogCapture& capture) noexcept : stdout_(stdout), stderr_(stderr) {
  // In glibc these are variables (The GNU C Library, 12.2). The file descriptors stay, so that the report of
  // a sanitizer or of a crash still reaches the terminal.
  if (capture.stream() == nullptr) return;
  stdout = capture.stream();
  stderr = capture.stream();
}

LogCapture::StdioScope::~StdioScope() {
  stdout = stdout_;
  stderr = stderr_;
}

}  // namespace weir::engine
