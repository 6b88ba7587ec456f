#pragma once

#include <cstddef>
#include <span>

#include "dataplane/base/parse_status.h"
#include "dataplane/flow/flow.h"
#include "dataplane/proto/http/http_request.h"

namespace weir::inspect {

/// Walks through the requests of a client's stream, piece by piece. The next piece begins with what this one
/// left in rest(); `progress` holds all other state. Bodies with clear framing are skipped exactly. If
/// servers may disagree on where a body ends (RFC 9112, 11.2), nothing is skipped from then on: every line
/// may begin a request. The same applies after bytes that are not HTTP, until a request is found. Bounded:
/// O(bytes * kMaxFailedLines).
class HttpWalk {
 public:
  /// After this many lines that look like a request but are not, the rest of the piece is given up.
  static constexpr std::size_t kMaxFailedLines = 32;
  /// Longest chunk-size or trailer line that may be incomplete.
  static constexpr std::size_t kMaxFramingLineBytes = 4096;

  HttpWalk(std::span<const std::byte> piece, flow::HttpProgress& progress) noexcept
      : rest_(piece), progress_(progress) {}

  /// The next request's head.
  ///
  /// - found: rest() is what follows the head.
  /// - need_more: rest() is incomplete: call again with more bytes after it. The request holds what is known
  /// of
  ///   an incomplete head.
  /// - absent: the piece is used up.
  /// - malformed: the piece was given up.
  proto::HttpParse next() noexcept;

  /// Advances to the beginning of the next message; false: the piece ends before it.
  bool to_message() noexcept;
  [[nodiscard]] std::span<const std::byte> rest() const noexcept { return rest_; }

 private:
  bool step_through_body() noexcept;
  bool read_chunk_line() noexcept;
  bool read_chunk_end() noexcept;
  bool read_trailers() noexcept;
  void begin_body(const proto::HttpRequest& request) noexcept;
  void lose_framing() noexcept;
  base::ParseStatus to_request_line() noexcept;
  void skip_line() noexcept;

  std::span<const std::byte> rest_;
  flow::HttpProgress& progress_;
};

}  // namespace weir::inspect
