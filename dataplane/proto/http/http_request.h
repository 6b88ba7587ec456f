#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "dataplane/base/parse_status.h"

namespace weir::proto {

/// Host headers that are kept in place; next_host() has the others. Most servers refuse even a second one.
inline constexpr std::size_t kMaxHostHeaders = 8;

/// How the body of a request is framed (RFC 9112, 6). ambiguous: servers disagree where the body ends, so it
/// must not be skipped (a length and a coding, two lengths, an unreadable length, a coding other than
/// `chunked`, a coding in HTTP/1.0, odd bytes before the colon, odd line ends in the head).
enum class BodyFraming : std::uint8_t { none, content_length, chunked, ambiguous };

/// The head of an HTTP/1.x (or 0.9) request. Views point into the parsed bytes. A Host value is trimmed and
/// never empty: a Host header without a value counts as none. It may hold the line ends of a folded value,
/// which canonicalisation removes. A target holds blanks when the request line has more than three words, and
/// is empty when it has no more than a method and a version.
struct HttpRequest {
  std::string_view method;
  std::string_view target;
  std::string_view version;  // from `HTTP/` to the end of its word; empty for HTTP/0.9
  std::array<std::string_view, kMaxHostHeaders> hosts;
  std::size_t host_count = 0;
  std::string_view more_headers;  // from the first Host header that `hosts` has no room for
  std::size_t head_bytes = 0;     // of the parsed bytes, up to and with the empty line
  /// Some server takes this many bytes for the whole head and acts on it; 0: none does. Set for a request
  /// line without a version, and for a line that begins with a bare CR (llhttp).
  std::size_t doubtful_end = 0;
  BodyFraming framing = BodyFraming::none;
  std::uint64_t content_length = 0;
};

struct HttpParse {
  base::ParseStatus status = base::ParseStatus::absent;
  HttpRequest request;  // complete only when status is found
};

/// Reads one request head at the start of `bytes`, after any CR, LF and blanks. It is as lenient as the most
/// lenient common server: any token as method, runs of blanks, any version, bare LF, folded lines, headers in
/// any case, odd bytes around a name, headers after a bare CR, lines without a colon. O(bytes).
///
/// - found: a request line and headers up to the empty line. A line without a version whose target is a path
///   or a URL is an HTTP/0.9 request: some servers act on it at once, others read the headers after it. It is
///   found when they end, or at a line that cannot be one. The preface of HTTP/2 is found as method PRI with
///   target `*`.
/// - need_more: the bytes so far may be the beginning of a request. With a doubtful_end, some server acts on
///   them already.
/// - absent: they cannot be.
HttpParse parse_http_request(std::span<const std::byte> bytes) noexcept;

/// Takes the next non-empty Host value from header lines.
bool next_host(std::string_view& headers, std::string_view& host) noexcept;

/// The parts of a request target. The absolute form `scheme://authority/path?query` and the authority form of
/// CONNECT have an authority, as written, with its user information. The origin form has a path only, `*` has
/// neither. The path may be empty (`http://host`) or begin with `?` or `#`.
struct HttpTarget {
  std::string_view authority;
  std::string_view path_and_query;
  bool has_authority = false;
};
HttpTarget split_http_target(const HttpRequest& request) noexcept;

}  // namespace weir::proto
