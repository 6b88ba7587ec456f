#include "dataplane/proto/http/http_request.h"

#include <algorithm>

#include "dataplane/base/ascii.h"
#include "dataplane/base/byte_set.h"
#include "dataplane/proto/http/http_line.h"

namespace weir::proto {
namespace {

using base::ParseStatus;

// What may separate words: RFC 9112, 3, and four more control bytes that Python takes for blanks.
constexpr base::ByteSet kLineBlanks = base::bytes_of(" \t\v\f\r\x1c\x1d\x1e\x1f");
constexpr base::ByteSet kValueBlanks =
    base::bytes_of(" \t\r\n");  // around the value of a header, folds included
constexpr base::ByteSet kTargetAuthorityEnd = base::bytes_of("/?#");
constexpr base::ByteSet kSchemeBytes =
    base::bytes_of("+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");  // RFC 3986, 3.1
constexpr base::ByteSet kLineEnds = base::bytes_of("\r\n");
constexpr base::ByteSet kLineEndOrBlank = base::bytes_of(" \t\v\f\r\n\x1c\x1d\x1e\x1f");
constexpr base::ByteSet kTokenBytes = base::bytes_of(  // tchar, RFC 9110, 5.6.2
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

constexpr base::ByteSet kAroundName = base::bytes_around_names();

constexpr bool is_control(char c) noexcept { return (c >= '\0' && c < ' ') || c == '\x7f'; }

bool is_empty_line(std::string_view line) noexcept { return line == "\n" || line == "\r\n"; }

bool is_folded(std::string_view line) noexcept { return line.front() == ' ' || line.front() == '\t'; }

// Where the last word that begins with `HTTP/` starts: some servers ignore anything after a version. It must
// follow a blank: `/HTTP/1` is a path.
std::size_t find_version(std::string_view words) noexcept {
  constexpr std::string_view kPrefix = "HTTP/";
  for (std::size_t i = words.size(); i-- > 0;) {
    if (words[i] != '/' || i + 1 < kPrefix.size()) continue;
    const std::size_t start = i + 1 - kPrefix.size();
    if (!base::ascii_iequals(words.substr(start, kPrefix.size()), kPrefix)) continue;
    if (start == 0 || base::contains(kLineBlanks, words[start - 1])) return start;
  }
  return std::string_view::npos;
}

// nginx takes any scheme. With another version after it, it is a request of another protocol.
bool is_http_09_target(std::string_view target) noexcept {
  if (target.starts_with('/') || base::ascii_istarts_with(target, "http://") ||
      base::ascii_istarts_with(target, "https://")) {
    return true;
  }
  const std::size_t scheme_bytes = base::span_of(target, kSchemeBytes);
  return scheme_bytes != 0 && target.substr(scheme_bytes).starts_with("://") &&
         base::cut_at(target, kLineBlanks).size() == target.size();
}

// A line that a server without a version may still take for a header (RFC 9112, 5).
bool can_be_header(std::string_view line) noexcept {
  if (is_folded(line) || is_empty_line(line)) return true;
  const std::string_view name = base::cut_at(line, kLineEndOrBlank);
  return name.find(':') != std::string_view::npos ||
         base::trim(line.substr(name.size()), kLineBlanks).starts_with(':');
}

// What a first line, complete or not, can be. The method is checked as far as it has been received.
ParseStatus read_request_line(std::string_view line, bool finished, HttpRequest& request) noexcept {
  request.method = line.substr(0, base::span_of(line, kTokenBytes));
  if (request.method.size() == line.size()) return finished ? ParseStatus::absent : ParseStatus::need_more;
  if (request.method.empty() || !base::contains(kLineBlanks, line[request.method.size()]))
    return ParseStatus::absent;
  const std::string_view words = base::trim(line.substr(request.method.size()), kLineBlanks);
  // Binary protocols have a NUL in the line or a control character where the target begins; no server accepts
  // such a request.
  if (words.find('\0') != std::string_view::npos) return ParseStatus::absent;
  if (!words.empty() && is_control(words.front())) return ParseStatus::absent;
  if (!finished) return ParseStatus::need_more;

  const std::size_t version_start = find_version(words);
  if (version_start == std::string_view::npos) {
    request.target = words;
    return is_http_09_target(words) ? ParseStatus::found : ParseStatus::absent;
  }
  const std::string_view version = words.substr(version_start);
  request.version = base::cut_at(version, kLineBlanks);
  request.target = base::trim(words.substr(0, version_start), kLineBlanks);
  return ParseStatus::found;
}

// Collects the headers that say where the body ends. A head that two servers may read differently is
// ambiguous.
class Framing {
 public:
  void content_length(std::string_view value) noexcept {
    // Most servers count in signed 64 bits. A larger length is an error to some, negative or no length to
    // others.
    constexpr std::uint64_t kMaxLength = INT64_MAX;
    std::uint64_t bytes = 0;
    bool readable = !value.empty();
    for (const char c : value) {
      const auto digit = static_cast<std::uint64_t>(c - '0');
      readable = readable && base::ascii_digit(c) && bytes <= (kMaxLength - digit) / 10;
      if (!readable) break;
      bytes = bytes * 10 + digit;
    }
    if (!readable || (has_length_ && bytes != length_)) ambiguous_ = true;
    has_length_ = true;
    length_ = bytes;
  }
  void transfer_encoding(std::string_view value) noexcept {
    if (has_coding_ || !base::ascii_iequals(value, "chunked")) ambiguous_ = true;
    has_coding_ = true;
  }
  void set_ambiguous() noexcept { ambiguous_ = true; }
  /// If there is a body, its length is ambiguous.
  void doubt_body() noexcept { ambiguous_ = ambiguous_ || has_length_ || has_coding_; }

  void finish(HttpRequest& request) const noexcept {
    const bool coding_in_old = has_coding_ && base::ascii_iequals(request.version, "HTTP/1.0");
    const bool body_in_09 = request.version.empty() && (has_length_ || has_coding_);
    if (ambiguous_ || coding_in_old || body_in_09 || (has_length_ && has_coding_)) {
      request.framing = BodyFraming::ambiguous;
    } else if (has_coding_) {
      request.framing = BodyFraming::chunked;
    } else if (has_length_) {
      request.framing = BodyFraming::content_length;
      request.content_length = length_;
    }
  }

 private:
  bool has_length_ = false;
  bool has_coding_ = false;
  bool ambiguous_ = false;
  std::uint64_t length_ = 0;
};

// `header` is a header line with its continuation lines.
void read_header(std::string_view header, HttpRequest& request, Framing& framing) noexcept {
  const std::size_t colon = header.find(':');
  if (colon >= header.find('\n')) return;
  const std::string_view name = base::trim(header.substr(0, colon), kAroundName);
  const auto value_of = [&] { return base::trim(header.substr(colon + 1), kValueBlanks); };
  if (base::ascii_iequals(name, "host")) {
    const std::string_view value = value_of();
    if (value.empty()) return;
    if (request.host_count < kMaxHostHeaders) {
      request.hosts[request.host_count++] = value;
    } else if (request.more_headers.empty()) {
      request.more_headers = header;
    }
    return;
  }
  const bool is_length = base::ascii_iequals(name, "content-length");
  if (!is_length && !base::ascii_iequals(name, "transfer-encoding")) return;
  if (name.size() != colon) framing.set_ambiguous();
  if (is_length) {
    framing.content_length(value_of());
  } else {
    framing.transfer_encoding(value_of());
  }
}

/// Reads the header lines of a request.
class HeaderReader {
 public:
  /// `odd`: the request line ends with a bare LF.
  HeaderReader(std::string_view text, bool odd, HttpRequest& request) noexcept
      : text_(text), request_(request), odd_(odd) {}

  /// Up to and with the empty line; false when `rest` has none yet.
  bool read(std::string_view& rest) noexcept {
    bool ended = false;
    for (HttpLine line; !ended && take_line(rest, line);) ended = take(line, rest);
    finish_header();
    if (!ended && rest.size() > 1 && rest.front() == '\r') end_doubtfully(rest.data() + 1);
    // Where a head has odd line ends, servers disagree which lines are headers, and which one is the last.
    if (odd_) framing_.doubt_body();
    framing_.finish(request_);
    if (!request_.more_headers.empty()) {
      const char* const more = request_.more_headers.data();
      request_.more_headers = {more, static_cast<std::size_t>(rest.data() - more)};
    }
    return ended;
  }

 private:
  // True: the head ends with this line, or before it.
  bool take(const HttpLine& line, std::string_view& rest) noexcept {
    odd_ = odd_ || line.odd;
    if (!header_.empty() && is_folded(line.text)) {
      header_ = {header_.data(), header_.size() + line.text.size()};
      return false;
    }
    finish_header();
    if (is_empty_line(line.text)) return true;
    if (line.text.front() == '\r') end_doubtfully(line.text.data() + 1);
    if (request_.version.empty() && !can_be_header(line.text)) {
      rest = {line.text.data(), line.text.size() + rest.size()};
      return true;
    }
    header_ = line.text;
    return false;
  }

  void finish_header() noexcept {
    if (header_.empty()) return;
    read_header(header_, request_, framing_);
    if (odd_) read_after_bare_cr();
    header_ = {};
  }

  // Some servers end a header at a bare CR (CPython).
  void read_after_bare_cr() noexcept {
    std::string_view rest = header_;
    while (base::cut_at(rest, '\r').size() + 1 < rest.size()) {
      rest.remove_prefix(base::cut_at(rest, '\r').size() + 1);
      if (rest.front() != '\n') read_header(rest, request_, framing_);
    }
  }

  void end_doubtfully(const char* end) noexcept {
    if (request_.doubtful_end == 0) request_.doubtful_end = static_cast<std::size_t>(end - text_.data());
    framing_.set_ambiguous();
  }

  std::string_view text_;
  HttpRequest& request_;
  Framing framing_;
  std::string_view header_;
  bool odd_;
};

}  // namespace

HttpParse parse_http_request(std::span<const std::byte> bytes) noexcept {
  HttpParse parse;
  HttpRequest& request = parse.request;
  const std::string_view text = base::characters_of(bytes);
  std::string_view rest = text.substr(base::span_of(text, kValueBlanks));
  HttpLine line{.text = rest};
  const std::size_t end = rest.find('\n');
  const bool finished = end != std::string_view::npos;
  if (finished) {
    line.text = rest.substr(0, end);
    line.odd = !line.text.ends_with('\r');
    rest.remove_prefix(end + 1);
  }
  parse.status = line.text.empty() ? ParseStatus::need_more : read_request_line(line.text, finished, request);
  if (parse.status != ParseStatus::found) return parse;
  if (request.version.empty()) request.doubtful_end = text.size() - rest.size();
  const bool complete = HeaderReader(text, line.odd, request).read(rest);
  if (!complete) parse.status = ParseStatus::need_more;
  request.head_bytes = text.size() - rest.size();
  return parse;
}

bool next_host(std::string_view& headers, std::string_view& host) noexcept {
  HttpRequest request;
  Framing framing;
  while (!headers.empty() && request.host_count == 0) {
    // A CR may end a header too.
    std::string_view rest =
        headers.substr(std::min(base::cut_at(headers, kLineEnds).size() + 1, headers.size()));
    while (!rest.empty() && (rest.front() == '\n' || is_folded(rest))) {
      const std::size_t folded = rest.front() == '\n' ? 0 : base::cut_at(rest, kLineEnds).size();
      rest.remove_prefix(std::min(folded + 1, rest.size()));
    }
    read_header(headers.substr(0, headers.size() - rest.size()), request, framing);
    headers = rest;
  }
  host = request.hosts.front();
  return request.host_count != 0;
}

HttpTarget split_http_target(const HttpRequest& request) noexcept {
  HttpTarget parts;
  const std::string_view target = request.target;
  if (target == "*") return parts;
  std::size_t authority_start = std::string_view::npos;
  const std::size_t scheme_end = target.find("://");
  if (scheme_end != std::string_view::npos && base::ascii_alpha(target.front()) &&
      base::cut_at(target, kTargetAuthorityEnd).size() > scheme_end) {
    authority_start = scheme_end + 3;
  } else if (request.method == "CONNECT" && !target.starts_with('/')) {
    authority_start = 0;
  }
  if (authority_start == std::string_view::npos) {
    parts.path_and_query = target;
    return parts;
  }
  const std::string_view rest = target.substr(authority_start);
  const std::string_view authority = base::cut_at(rest, kTargetAuthorityEnd);
  parts.authority = authority;
  parts.path_and_query = rest.substr(authority.size());
  parts.has_authority = true;
  return parts;
}

}  // namespace weir::proto
