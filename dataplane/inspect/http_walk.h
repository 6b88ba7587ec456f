#pragma once

#include <cstddef>
#include <span>

#include "base/outcome.h"
#include "proto/http_request.h"

namespace weir::inspect {

/// Goes through the requests of one segment. Bodies framed without doubt are skipped exactly. Where servers
/// may disagree on where a body ends (RFC 9112, 11.2), and behind a head that is broken, nothing is skipped:
/// a request is looked for at the start of every line. Bounded: O(bytes * kMaxFailedLines).
class HttpWalk {
 public:
  /// Lines that look like a request and are none, after which the rest of the segment is given up.
  static constexpr std::size_t kMaxFailedLines = 32;

  explicit HttpWalk(std::span<const std::byte> segment) noexcept : segment_(segment), rest_(segment) {}

  /// The next request's head; any status but found ends the walk.
  proto::HttpParse next() noexcept;
  /// The last request found began the segment (empty lines before it aside).
  [[nodiscard]] bool at_first() const noexcept { return found_ == 1 && first_began_segment_; }
  [[nodiscard]] std::size_t found() const noexcept { return found_; }
  /// What the walk has not gone through.
  [[nodiscard]] std::span<const std::byte> rest() const noexcept { return rest_; }

 private:
  void skip_body(const proto::HttpRequest& request) noexcept;
  void skip_chunks() noexcept;
  bool to_next_request_line() noexcept;
  void skip_line() noexcept;

  std::span<const std::byte> segment_;
  std::span<const std::byte> rest_;
  std::size_t found_ = 0;
  std::size_t failed_lines_ = 0;
  bool scanning_ = false;
  bool first_began_segment_ = false;
};

}  // namespace weir::inspect
