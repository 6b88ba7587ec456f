#pragma once

#include <cstddef>
#include <span>

#include "dataplane/base/outcome.h"
#include "dataplane/flow/flow.h"
#include "dataplane/proto/http/http_request.h"

namespace weir::inspect {

/// Goes through the requests of a client's stream, piece by piece: what one piece leaves in rest() begins the
/// next, and `progress` holds what else has to be known. Bodies framed without doubt are skipped exactly.
/// Where servers may disagree on where a body ends (RFC 9112, 11.2) nothing is skipped from then on: a
/// request is looked for at the start of every line. So it is behind something that is no HTTP, until a
/// request is found. Bounded: O(bytes * kMaxFailedLines).
class HttpWalk {
 public:
  /// Lines that look like a request and are none, after which the rest of the piece is given up.
  static constexpr std::size_t kMaxFailedLines = 32;
  /// Longest chunk-size or trailer line that is waited for.
  static constexpr std::size_t kMaxFramingLineBytes = 4096;

  HttpWalk(std::span<const std::byte> piece, flow::HttpProgress& progress) noexcept
      : rest_(piece), progress_(progress) {}

  /// The next request's head.
  ///
  /// - found: rest() is what stands behind it.
  /// - need_more: rest() is the beginning of something, to be looked at again with more behind it. Of a head
  ///   the request holds what is there already.
  /// - absent: the piece is used up.
  /// - malformed: the piece was given up.
  proto::HttpParse next() noexcept;

  /// Goes on to where the next message begins; false when the piece ends before.
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
