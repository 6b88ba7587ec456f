#pragma once

#include <cstddef>
#include <cstdio>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace weir::engine {

/// Captures DPDK's log, so that it never reaches the terminal. Keeps the last lines, to name the cause of a
/// failure in Weir's own error message. Any thread may write to the stream.
class LogCapture {
 public:
  using Sink = std::function<void(std::string_view line)>;

  /// `sink` may be empty. It gets each complete line, without the line end, on the writing thread.
  explicit LogCapture(Sink sink = {});
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  /// An unbuffered stream for rte_openlog_stream, valid as long as the object. Null: out of memory.
  [[nodiscard]] std::FILE* stream() const noexcept { return stream_; }

  /// The number of complete lines so far: the starting point for cause_since().
  [[nodiscard]] std::size_t mark() const;

  /// The first line after `mark` that reports a failure (later ones are consequences), else the last line,
  /// else an empty string. Only the newest kLines lines are kept.
  [[nodiscard]] std::string cause_since(std::size_t mark) const;

  /// While it exists, the capture also gets what C code prints to stdout and stderr, as rte_eal_init and
  /// getopt do. Only for the start of the program, while no other thread prints.
  class StdioScope {
   public:
    explicit StdioScope(LogCapture& capture) noexcept;
    ~StdioScope();
    StdioScope(const StdioScope&) = delete;
    StdioScope& operator=(const StdioScope&) = delete;

   private:
    std::FILE* stdout_;
    std::FILE* stderr_;
  };

 private:
  static constexpr std::size_t kLines = 128;
  static constexpr std::size_t kLineBytes = 512;

  void write(std::string_view text);

  Sink sink_;
  std::FILE* stream_ = nullptr;
  mutable std::mutex mutex_;  // protects the members below
  std::deque<std::string> lines_;
  std::size_t seen_lines_ = 0;
  std::string partial_;
};

}  // namespace weir::engine
