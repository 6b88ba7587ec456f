#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "dataplane/base/parse_status.h"

namespace weir::proto {

/// Host headers that are kept; further ones are ignored. Most servers refuse even a second one.
inline constexpr std::size_t kMaxHostHeaders = 8;

/// How the body of a request is framed (RFC 9112, 6). ambiguous: servers disagree where the body ends, so it
/// must not be skipped (a length and a coding, two lengths, an unreadable length, a coding other than
/// `chunked`, a coding in HTTP/1.0, a blank before the colon).
enum class BodyFraming : std::uint8_t { none, content_length, chunked, ambiguous };

/// The head of an HTTP/1.x (or 0.9) request. Views point into the parsed bytes. A Host value is trimmed and
/// never empty: a Host header without a value counts as none. It may hold the line ends of a folded value,
/// which canonicalisation removes. A target holds blanks when the request line has more than three words.
struct HttpRequest {
  std::string_view method;
  std::string_view target;
  std::string_view version;  // from `HTTP/` to the end of its word; empty for HTTP/0.9
  std::array<std::string_view, kMaxHostHeaders> hosts;
  std::size_t host_count = 0;
  std::size_t head_bytes = 0;  // of the parsed bytes, up to and with the empty line
  BodyFraming framing = BodyFraming::none;
  std::uint64_t content_length = 0;
};

struct HttpParse {
  base::ParseStatus status = base::ParseStatus::absent;
  HttpRequest request;  // complete only when status is found
};

/// Reads one request head at the start of `bytes`, after any CR, LF and blanks. It is as lenient as the most
/// lenient common server: any token as method, runs of blanks, any version, bare LF, folded lines, headers in
/// any case, blanks before the colon, lines without a colon. O(bytes).
///
/// - found: a request line and headers up to the empty line. A line without a version whose target is a path
///   or an http(s) URL is an HTTP/0.9 request: it is found at once, with the headers received so far, because
///   some servers read them. The preface of HTTP/2 is found as method PRI with target `*`.
/// - need_more: the bytes so far may be the beginning of a request.
/// - absent: they cannot be.
/// - malformed: a version without a target.
HttpParse parse_http_request(std::span<const std::byte> bytes) noexcept;

/// The parts of a request target. The absolute form `scheme://authority/path?query` and the authority form of
/// CONNECT have an authority, without user information. The origin form has a path only, `*` has neither. The
/// path may be empty (`http://host`) or begin with `?` or `#`.
struct HttpTarget {
  std::string_view authority;
  std::string_view path_and_query;
  bool has_authority = false;
};
HttpTarget split_http_target(const HttpRequest& request) noexcept;

}  // namespace weir::proto
