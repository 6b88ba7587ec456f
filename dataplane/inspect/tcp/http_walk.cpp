#include "dataplane/inspect/tcp/http_walk.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "dataplane/base/byte_set.h"
#include "dataplane/base/percent_encoding.h"

namespace weir::inspect {
namespace {

using base::ParseStatus;
using flow::HttpPhase;

constexpr base::ByteSet kBlanks = base::bytes_of(" \t\r\n");

constexpr std::string_view kVersion = "HTTP/";
constexpr base::ByteSet kLineBlanks = base::bytes_of(" \t\v\f\r");
constexpr base::ByteSet kLineBlanksAndEnd = base::bytes_of(" \t\v\f\r\n");
constexpr base::ByteSet kTokenBytes = base::bytes_of(  // tchar, RFC 9110, 5.6.2
    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::size_t blanks_before(std::string_view text) noexcept {
  std::size_t bytes = 0;
  while (bytes < text.size() && base::contains(kLineBlanks, text[text.size() - bytes - 1])) ++bytes;
  return bytes;
}
std::size_t word_before(std::string_view text) noexcept {
  std::size_t bytes = 0;
  while (bytes < text.size() && !base::contains(kLineBlanks, text[text.size() - bytes - 1])) ++bytes;
  return bytes;
}

/// Method and target before a version. `a=bGET /page` is bGET and /page: the longest token counts as the
/// method, since its beginning may belong to a body.
struct MethodAndTarget {
  std::string_view method;
  std::string_view target;
};
// The method is empty if there is none.
MethodAndTarget request_before(std::string_view text, std::size_t version) noexcept {
  std::string_view line = text.substr(0, version);
  line.remove_prefix(line.rfind('\n') + 1);
  const std::size_t blanks = blanks_before(line);
  line.remove_suffix(blanks);
  const std::string_view target = line.substr(line.size() - word_before(line));
  line.remove_suffix(target.size());
  if (blanks == 0 || target.empty() || blanks_before(line) == 0) return {};
  line.remove_suffix(blanks_before(line));
  std::size_t method_bytes = 0;
  while (method_bytes < line.size() && base::contains(kTokenBytes, line[line.size() - method_bytes - 1])) {
    ++method_bytes;
  }
  return {.method = line.substr(line.size() - method_bytes), .target = target};
}

// Where a request may begin in an incomplete line: with its last words, of which one may be the beginning of
// a version.
std::string_view last_words_of(std::string_view line) noexcept {
  std::string_view before = line;
  for (int words = 0; words < 3; ++words) {
    before.remove_suffix(blanks_before(before));
    before.remove_suffix(word_before(before));
  }
  return line.substr(before.size());
}

// A line of trailers without its LF that every server reads as such.
bool is_plain_trailer(std::string_view line) noexcept {
  const std::size_t name_bytes = base::span_of(line, kTokenBytes);
  return name_bytes > 0 && line.substr(name_bytes).starts_with(':') && line.find('\r') == line.size() - 1 &&
         line.find(kVersion) == std::string_view::npos;
}

enum class ChunkStep : std::uint8_t { data, last, incomplete, broken };

/// One chunk's size line (RFC 9112, 7.1), parsed strictly: a line that servers may read differently is
/// broken.
struct ChunkLine {
  ChunkStep step = ChunkStep::broken;
  std::size_t line_bytes = 0;
  std::uint64_t data_bytes = 0;
};

ChunkLine parse_chunk_line(std::string_view text) noexcept {
  constexpr std::size_t kMaxDigits = 15;  // more could overflow, and no client sends more
  ChunkLine line;
  std::size_t digits = 0;
  while (digits < text.size() && digits <= kMaxDigits && base::hex_digit_value(text[digits]) >= 0) {
    line.data_bytes = line.data_bytes << 4 | static_cast<unsigned>(base::hex_digit_value(text[digits]));
    ++digits;
  }
  if (digits > kMaxDigits) return {};
  if (digits == text.size()) return {.step = ChunkStep::incomplete};
  if (digits == 0 || (text[digits] != '\r' && text[digits] != ';')) return {};
  const std::size_t end = text.find('\n', digits);
  const std::size_t carriage_return = text.find('\r', digits);
  if (end == std::string_view::npos) {
    const bool broken = carriage_return != std::string_view::npos && carriage_return + 1 != text.size();
    return {.step = broken ? ChunkStep::broken : ChunkStep::incomplete};
  }
  if (carriage_return != end - 1) return {};
  line.line_bytes = end + 1;
  line.step = line.data_bytes == 0 ? ChunkStep::last : ChunkStep::data;
  return line;
}

}  // namespace

proto::HttpParse HttpWalk::next() noexcept {
  const auto ended = [](ParseStatus status) { return proto::HttpParse{.status = status, .request = {}}; };
  std::size_t failed_lines = 0;
  while (to_message()) {
    if (progress_.scanning) {
      const ParseStatus status = to_request_line();
      if (status != ParseStatus::found) return ended(status);
    }
    proto::HttpParse parse = proto::parse_http_request(rest_);
    if (parse.status == ParseStatus::need_more) return parse;
    if (parse.status == ParseStatus::found) {
      rest_ = rest_.subspan(std::min(parse.request.head_bytes, rest_.size()));
      // A request found after bytes that are not HTTP: the walk is in step with the server again.
      if (progress_.garbage) progress_.garbage = progress_.scanning = false;
      begin_body(parse.request);
      return parse;
    }
    if (progress_.garbage && ++failed_lines > kMaxFailedLines) {
      rest_ = {};
      return ended(ParseStatus::malformed);
    }
    if (!progress_.scanning) progress_.garbage = progress_.scanning = true;
    if (progress_.garbage || !to_request_within_line()) skip_line();
  }
  return ended(rest_.empty() ? ParseStatus::absent : ParseStatus::need_more);
}

bool HttpWalk::to_message() noexcept {
  while (progress_.phase != HttpPhase::head) {
    if (rest_.empty() || !step_through_body()) return false;
  }
  // Empty lines before a request are ignored (RFC 9112, 2.2).
  rest_ = rest_.subspan(base::span_of(text_of(rest_), kBlanks));
  return !rest_.empty();
}

bool HttpWalk::step_through_body() noexcept {
  switch (progress_.phase) {
    case HttpPhase::chunk_line:
      return read_chunk_line();
    case HttpPhase::chunk_end:
      return read_chunk_end();
    case HttpPhase::trailers:
      return read_trailers();
    case HttpPhase::head:
    case HttpPhase::body:
    case HttpPhase::chunk_data:
      break;
  }
  const auto there = static_cast<std::size_t>(std::min<std::uint64_t>(progress_.left, rest_.size()));
  rest_ = rest_.subspan(there);
  progress_.left -= there;
  if (progress_.left > 0) return false;
  progress_.phase = progress_.phase == HttpPhase::chunk_data ? HttpPhase::chunk_end : HttpPhase::head;
  return true;
}

bool HttpWalk::read_chunk_line() noexcept {
  ChunkLine line = parse_chunk_line(text_of(rest_));
  if (line.step == ChunkStep::incomplete && rest_.size() > kMaxFramingLineBytes) line = {};
  if (line.step == ChunkStep::incomplete) return false;
  if (line.step == ChunkStep::broken) {
    lose_framing();
    return true;
  }
  rest_ = rest_.subspan(line.line_bytes);
  progress_.left = line.data_bytes;
  progress_.phase = line.step == ChunkStep::last ? HttpPhase::trailers : HttpPhase::chunk_data;
  return true;
}

bool HttpWalk::read_chunk_end() noexcept {
  if (rest_.size() == 1 && rest_.front() == std::byte{'\r'}) return false;
  if (!text_of(rest_).starts_with("\r\n")) {
    lose_framing();
    return true;
  }
  rest_ = rest_.subspan(2);
  progress_.phase = HttpPhase::chunk_line;
  return true;
}

bool HttpWalk::read_trailers() noexcept {
  const std::string_view text = text_of(rest_);
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) {
    if (rest_.size() <= kMaxFramingLineBytes) return false;
    lose_framing();
    return true;
  }
  const std::string_view line = text.substr(0, end);
  // A server that does not read trailers, or not these, takes the line for the next request.
  if (line != "\r" && !is_plain_trailer(line)) {
    lose_framing();
    return true;
  }
  rest_ = rest_.subspan(end + 1);
  if (line == "\r") progress_.phase = HttpPhase::head;
  return true;
}

void HttpWalk::begin_body(const proto::HttpRequest& request) noexcept {
  // Once framing was lost, this request may be part of a body, and its own body a trap.
  if (progress_.scanning) return;
  switch (request.framing) {
    case proto::BodyFraming::none:
      return;
    case proto::BodyFraming::content_length:
      progress_.left = request.content_length;
      progress_.phase = HttpPhase::body;
      return;
    case proto::BodyFraming::chunked:
      progress_.phase = HttpPhase::chunk_line;
      return;
    case proto::BodyFraming::ambiguous:
      lose_framing();
      return;
  }
}

void HttpWalk::lose_framing() noexcept {
  progress_.scanning = true;
  progress_.garbage = false;
  progress_.phase = HttpPhase::head;
}

// found: rest_ begins with a line that contains a version. need_more: with an incomplete line that may still
// get one.
ParseStatus HttpWalk::to_request_line() noexcept {
  const std::string_view text = text_of(rest_);
  const std::size_t version = text.find("HTTP/");
  const std::size_t line_end = text.rfind('\n', version);
  if (line_end != std::string_view::npos) rest_ = rest_.subspan(line_end + 1);
  if (version != std::string_view::npos) return ParseStatus::found;
  if (!progress_.garbage) {
    const std::string_view words = last_words_of(text_of(rest_));
    rest_ = words.size() > kMaxLineBytes ? std::span<const std::byte>{} : rest_.last(words.size());
    return rest_.empty() ? ParseStatus::absent : ParseStatus::need_more;
  }
  if (!rest_.empty() && proto::parse_http_request(rest_).status == ParseStatus::need_more) {
    return ParseStatus::need_more;
  }
  rest_ = {};
  return ParseStatus::absent;
}

// The line at rest_ has a version, but does not begin with a request: another message may end in it.
bool HttpWalk::to_request_within_line() noexcept {
  const std::string_view line = base::cut_at(text_of(rest_), '\n');
  for (std::size_t version = line.find(kVersion); version != std::string_view::npos;
       version = line.find(kVersion, version + 1)) {
    const MethodAndTarget request = request_before(line, version);
    if (request.method.empty() || request.method.data() == line.data()) continue;
    rest_ = rest_.subspan(static_cast<std::size_t>(request.method.data() - line.data()));
    return true;
  }
  return false;
}

void HttpWalk::skip_line() noexcept {
  const std::size_t end = text_of(rest_).find('\n');
  rest_ = end == std::string_view::npos ? std::span<const std::byte>{} : rest_.subspan(end + 1);
}

bool RequestsWithin::next(proto::HttpRequest& request) noexcept {
  for (;;) {
    const std::size_t version = text_.find(kVersion, at_);
    if (version == std::string_view::npos) return false;
    at_ = version + kVersion.size();
    const MethodAndTarget words = request_before(text_, version);
    if (words.method.empty()) continue;
    request.method = words.method;
    request.target = words.target;
    request.version = base::cut_at(text_.substr(version), kLineBlanksAndEnd);
    return true;
  }
}

}  // namespace weir::inspect
