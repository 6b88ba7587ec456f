#pragma once

#include <cstddef>
#include <cstdio>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace weir::engine {

/// Takes what DPDK writes to its log, so that it never reaches the terminal: the last lines are kept, and the
/// one that names a failure's cause goes into our own error. Any thread may write to the stream.
class LogCapture {
 public:
  using Sink = std::function<void(std::string_view line)>;

  /// `sink` (may be empty) gets each complete line, without its line end, on the writing thread.
  explicit LogCapture(Sink sink = {});
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  /// Unbuffered stream to hand to rte_openlog_stream; lives as long as the object. Null when out of memory.
  [[nodiscard]] std::FILE* stream() const noexcept { return stream_; }

  /// Complete lines seen so far: a point from which cause_since looks.
  [[nodiscard]] std::size_t mark() const;

  /// The first line after `mark` that speaks of a failure (later ones are its consequences), else the last
  /// line, else nothing. Lines that had to go for newer ones are gone.
  [[nodiscard]] std::string cause_since(std::size_t mark) const;

  /// While it lives, what C code prints to stdout and stderr goes to the capture as well: rte_eal_init and
  /// getopt print there. For the start of the program, while no other thread prints.
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
  mutable std::mutex mutex_;  // guards what follows
  std::deque<std::string> lines_;
  std::size_t seen_lines_ = 0;
  std::string partial_;
};

}  // namespace weir::engine
