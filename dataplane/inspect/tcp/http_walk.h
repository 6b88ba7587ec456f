#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "dataplane/base/parse_status.h"
#include "dataplane/flow/flow.h"
#include "dataplane/proto/http/http_request.h"

namespace weir::inspect {

/// Walks through the requests of a client's stream, piece by piece. The next piece begins with what this one
/// left in rest(); `progress` holds all other state. Bodies with clear framing are skipped exactly. If
/// servers may disagree on where a body ends (RFC 9112, 11.2), nothing is skipped from then on: a request may
/// begin in any line, and in the middle of one, right after the body of another. After bytes that are not
/// HTTP it may begin with any line, until one is found. O(bytes) for each request.
class HttpWalk {
 public:
  /// After this many lines that look like a request but are not, the rest of a piece that is no HTTP is given
  /// up.
  static constexpr std::size_t kMaxFailedLines = 32;
  /// Longest chunk-size or trailer line that may be incomplete.
  static constexpr std::size_t kMaxFramingLineBytes = 4096;
  /// Longest beginning of a request that waits for the rest of its first line, in a line that may hold more.
  static constexpr std::size_t kMaxLineBytes = 16384;

  HttpWalk(std::span<const std::byte> piece, flow::HttpProgress& progress) noexcept
      : rest_(piece), progress_(progress) {}

  /// The next request's head.
  ///
  /// - found: rest() is what follows the head.
  /// - need_more: rest() is incomplete: call again with more bytes after it. The request holds what is known
  /// of
  ///   an incomplete head. With a doubtful_end, some server acts on it already.
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
  bool to_request_within_line() noexcept;
  void skip_line() noexcept;

  std::span<const std::byte> rest_;
  flow::HttpProgress& progress_;
};

/// The requests that some server sees within a head whose begin or end is in doubt: what looks like a request
/// line in its headers begins another request, with the same names. O(bytes of the head).
class RequestsWithin {
 public:
  /// `rest` is what follows the request line, or what follows the doubtful end.
  explicit RequestsWithin(std::string_view rest) noexcept : text_(rest) {}
  /// Sets the method, the target and the version of the next one.
  bool next(proto::HttpRequest& request) noexcept;

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace weir::inspect
