#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "dataplane/base/outcome.h"

namespace weir::proto {

/// Most Host headers that are kept; further ones are ignored (a second is already refused by most servers).
inline constexpr std::size_t kMaxHostHeaders = 8;

/// How the body of a request is framed (RFC 9112, 6). ambiguous: servers differ over where the body ends (a
/// length beside a coding, two lengths, an unreadable length, another coding than `chunked`, a coding in
/// HTTP/1.0, a blank before the colon), so the body must not be skipped.
enum class BodyFraming : std::uint8_t { none, content_length, chunked, ambiguous };

/// The head of an HTTP/1.x (or 0.9) request. Views point into the parsed bytes. A Host value is trimmed, may
/// hold the line ends of a folded value (canonicalisation removes them), and is never empty: a Host header
/// without a value counts as none. A target holds blanks where the request line has more than three words.
struct HttpRequest {
  std::string_view method;
  std::string_view target;
  std::string_view version;  // from `HTTP/` to the end of its word; empty for HTTP/0.9
  std::array<std::string_view, kMaxHostHeaders> hosts;
  std::size_t host_count = 0;
  std::size_t head_bytes = 0;  // from the parsed bytes' start to behind the empty line
  BodyFraming framing = BodyFraming::none;
  std::uint64_t content_length = 0;
};

struct HttpParse {
  base::ParseStatus status = base::ParseStatus::absent;
  HttpRequest request;  // complete only where status is found
};

/// Reads one request head at the start of `bytes` (leading CR, LF and blanks are skipped). As lenient as the
/// most lenient common server: any token as method, runs of blanks, any version, bare LF, folded lines,
/// headers in any case, blanks before the colon, lines without a colon. O(bytes).
///
/// - found: a request line and headers up to the empty line. A line without a version whose target is a path
/// or
///   an http(s) URL is an HTTP/0.9 request: found at once, with the headers that are there (some servers read
///   them). HTTP/2's preface is found as method PRI and target `*`.
/// - need_more: everything so far could be a request.
/// - absent: it cannot be one.
/// - malformed: a version without a target.
HttpParse parse_http_request(std::span<const std::byte> bytes) noexcept;

/// The parts of a request target: absolute form `scheme://authority/path?query` has an authority, so has
/// CONNECT's authority form; origin form has a path alone. `*` has neither. The authority is without user
/// information. The path may be empty (`http://host`) or begin with `?` or `#`.
struct HttpTarget {
  std::string_view authority;
  std::string_view path_and_query;
  bool has_authority = false;
};
HttpTarget split_http_target(const HttpRequest& request) noexcept;

}  // namespace weir::proto
