#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::rpc {

/// Splits a byte stream into lines that end with LF. Memory is bounded: no line may be longer than the limit.
class LineFramer {
 public:
  explicit LineFramer(std::size_t limit_bytes) noexcept : limit_bytes_(limit_bytes) {}

  void append(std::string_view bytes);

  /// The next complete line without its LF, valid until the next call on this object; none: there is no
  /// complete line, or a line was too long.
  [[nodiscard]] std::optional<std::string_view> next();

  /// The next line is longer than the limit. No further lines are returned.
  [[nodiscard]] bool too_long() const noexcept { return too_long_; }
  [[nodiscard]] std::size_t buffered_bytes() const noexcept { return buffer_.size() - start_; }

 private:
  std::size_t limit_bytes_;
  std::string buffer_;
  std::size_t start_ = 0;    // of the next line
  std::size_t scanned_ = 0;  // there is no LF between start_ and here
  bool too_long_ = false;
};

}  // namespace weir::rpc
