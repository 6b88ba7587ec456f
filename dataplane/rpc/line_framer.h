#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::rpc {

/// Cuts a byte stream into lines ended by LF, in bounded memory: no line is longer than the limit.
class LineFramer {
 public:
  explicit LineFramer(std::size_t limit_bytes) noexcept : limit_bytes_(limit_bytes) {}

  void append(std::string_view bytes);

  /// The next whole line without its LF, valid until the next call on this object; none when there is none,
  /// or when the stream is broken by a line that is too long.
  [[nodiscard]] std::optional<std::string_view> next();

  /// The line that comes next is, or is going to be, longer than the limit. Nothing is read after that.
  [[nodiscard]] bool too_long() const noexcept { return too_long_; }
  [[nodiscard]] std::size_t buffered_bytes() const noexcept { return buffer_.size() - start_; }

 private:
  std::size_t limit_bytes_;
  std::string buffer_;
  std::size_t start_ = 0;    // of the line that comes next
  std::size_t scanned_ = 0;  // no LF between start_ and here
  bool too_long_ = false;
};

}  // namespace weir::rpc
