#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/outcome.h"

namespace weir::proto {

/// Most Host headers that are kept; further ones are ignored (a second is already refused by most servers).
inline constexpr std::size_t kMaxHostHeaders = 8;

/// How the body of a request is framed (RFC 9112, 6).
enum class BodyFraming : std::uint8_t { none, content_length, chunked, ambiguous };

/// The head of an HTTP/1.x (or 0.9) request. Views point into the parsed bytes; Host values are trimmed and
/// may hold the line ends of a folded value (canonicalisation removes them).
struct HttpRequest {
  std::string_view method;
  std::string_view target;
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

/// Reads one request head at the start of `bytes` (leading CR and LF are skipped). As lenient as the most
/// lenient common server: any token as method, runs of spaces, bare LF, folded lines, headers in any case,
/// lines without a colon. need_more: everything so far could be a request. absent: it cannot be one.
/// O(bytes).
HttpParse parse_http_request(std::span<const std::byte> bytes) noexcept;

/// The parts of a request target: absolute form `scheme://authority/path?query` has an authority, so has
/// CONNECT's authority form; origin form has a path alone. `*` has neither.
struct HttpTarget {
  std::string_view authority;
  std::string_view path_and_query;
  bool has_authority = false;
};
HttpTarget split_http_target(const HttpRequest& request) noexcept;

}  // namespace weir::proto
