#include "dataplane/proto/http/http_request.h"

#include <algorithm>

#include "dataplane/base/ascii.h"
#include "dataplane/base/byte_set.h"

namespace weir::proto {
namespace {

using base::ParseStatus;

constexpr base::ByteSet kLineBlanks = base::bytes_of(" \t\v\f\r");  // what may separate words: RFC 9112, 3
constexpr base::ByteSet kValueBlanks =
    base::bytes_of(" \t\r\n");  // around the value of a header, folds included
constexpr base::ByteSet kTargetAuthorityEnd = base::bytes_of("/?#");
constexpr base::ByteSet kTokenBytes = base::bytes_of(  // tchar, RFC 9110, 5.6.2
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

constexpr bool is_control(char c) noexcept { return (c >= '\0' && c < ' ') || c == '\x7f'; }

// Splits off the next line with its LF; false when no LF is left.
bool take_line(std::string_view& rest, std::string_view& line) noexcept {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return false;
  line = rest.substr(0, end + 1);
  rest.remove_prefix(end + 1);
  return true;
}

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

bool is_http_09_target(std::string_view target) noexcept {
  return target.starts_with('/') || base::ascii_istarts_with(target, "http://") ||
         base::ascii_istarts_with(target, "https://");
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
  return request.target.empty() ? ParseStatus::malformed : ParseStatus::found;
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
  const std::size_t colon = header.substr(0, header.find('\n')).find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view name = base::trim(header.substr(0, colon), kLineBlanks);
  const auto value_of = [&] { return base::trim(header.substr(colon + 1), kValueBlanks); };
  if (base::ascii_iequals(name, "host")) {
    const std::string_view value = value_of();
    if (!value.empty() && request.host_count < kMaxHostHeaders) request.hosts[request.host_count++] = value;
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

// Reads header lines up to and with the empty line; false when `rest` has none yet.
bool read_headers(std::string_view& rest, HttpRequest& request) noexcept {
  Framing framing;
  std::string_view header;
  std::string_view line;
  while (take_line(rest, line)) {
    if (!header.empty() && is_folded(line)) {
      header = {header.data(), header.size() + line.size()};
      continue;
    }
    read_header(header, request, framing);
    header = line;
    if (is_empty_line(line)) {
      framing.finish(request);
      return true;
    }
  }
  read_header(header, request, framing);
  framing.finish(request);
  return false;
}

}  // namespace

HttpParse parse_http_request(std::span<const std::byte> bytes) noexcept {
  HttpParse parse;
  HttpRequest& request = parse.request;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::string_view rest = text.substr(base::span_of(text, kValueBlanks));
  std::string_view line = rest;
  const bool finished = take_line(rest, line);
  if (finished) line.remove_suffix(1);
  parse.status = line.empty() ? ParseStatus::need_more : read_request_line(line, finished, request);
  if (parse.status != ParseStatus::found) return parse;
  const bool complete = read_headers(rest, request);
  if (!complete && !request.version.empty()) parse.status = ParseStatus::need_more;
  request.head_bytes = text.size() - rest.size();
  return parse;
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
  const std::size_t at = authority.rfind('@');
  parts.authority = at == std::string_view::npos ? authority : authority.substr(at + 1);
  parts.path_and_query = rest.substr(authority.size());
  parts.has_authority = true;
  return parts;
}

}  // namespace weir::proto
