#include "inspect/http_walk.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "proto/percent_encoding.h"

namespace weir::inspect {
namespace {

using base::ParseStatus;

std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

enum class ChunkStep : std::uint8_t { data, last, incomplete, broken };

/// One chunk's size line (RFC 9112, 7.1), read strictly: what a server may read otherwise is broken.
struct ChunkLine {
  ChunkStep step = ChunkStep::broken;
  std::size_t line_bytes = 0;
  std::uint64_t data_bytes = 0;
};

ChunkLine read_chunk_line(std::string_view text) noexcept {
  constexpr std::size_t kMaxDigits = 15;  // more could overflow, and no client sends them
  ChunkLine line;
  std::size_t digits = 0;
  while (digits < text.size() && digits <= kMaxDigits && proto::hex_digit_value(text[digits]) >= 0) {
    line.data_bytes = line.data_bytes << 4 | static_cast<unsigned>(proto::hex_digit_value(text[digits]));
    ++digits;
  }
  if (digits == text.size()) return {.step = ChunkStep::incomplete};
  if (digits == 0 || digits > kMaxDigits || (text[digits] != '\r' && text[digits] != ';')) return {};
  const std::size_t end = text.find('\n', digits);
  const std::size_t carriage_return = text.find('\r', digits);
  if (end == std::string_view::npos) return {.step = ChunkStep::incomplete};
  if (carriage_return != end - 1) return {};
  line.line_bytes = end + 1;
  line.step = line.data_bytes == 0 ? ChunkStep::last : ChunkStep::data;
  return line;
}

/// Bytes of the trailer section with its empty line; the whole text when it does not end here.
std::size_t trailer_bytes(std::string_view text) noexcept {
  std::size_t position = 0;
  while (position < text.size()) {
    const std::size_t end = text.find('\n', position);
    if (end == std::string_view::npos) return text.size();
    const std::string_view line = text.substr(position, end - position);
    position = end + 1;
    if (line.empty() || line == "\r") return position;
  }
  return text.size();
}

}  // namespace

proto::HttpParse HttpWalk::next() noexcept {
  while (!rest_.empty()) {
    if (scanning_ && !to_next_request_line()) break;
    const bool begins_segment = rest_.size() == segment_.size();
    proto::HttpParse parse = proto::parse_http_request(rest_);
    if (parse.status == ParseStatus::found) {
      if (++found_ == 1) first_began_segment_ = begins_segment;
      rest_ = rest_.subspan(std::min(parse.request.head_bytes, rest_.size()));
      skip_body(parse.request);
      return parse;
    }
    const bool broken = parse.status == ParseStatus::malformed;
    if (parse.status == ParseStatus::need_more || (!scanning_ && !broken)) return parse;
    if (++failed_lines_ > kMaxFailedLines) return {.status = ParseStatus::malformed, .request = {}};
    scanning_ = true;
    skip_line();
  }
  return {};
}

void HttpWalk::skip_body(const proto::HttpRequest& request) noexcept {
  switch (request.framing) {
    case proto::BodyFraming::none:
      return;
    case proto::BodyFraming::content_length:
      rest_ = rest_.subspan(
          static_cast<std::size_t>(std::min<std::uint64_t>(request.content_length, rest_.size())));
      return;
    case proto::BodyFraming::chunked:
      skip_chunks();
      return;
    case proto::BodyFraming::ambiguous:
      scanning_ = true;
      return;
  }
}

void HttpWalk::skip_chunks() noexcept {
  while (!rest_.empty()) {
    const ChunkLine line = read_chunk_line(text_of(rest_));
    if (line.step == ChunkStep::broken) {
      scanning_ = true;
      return;
    }
    if (line.step == ChunkStep::incomplete) {
      rest_ = {};
      return;
    }
    const auto behind = rest_.subspan(line.line_bytes);
    if (line.step == ChunkStep::last) {
      rest_ = behind.subspan(trailer_bytes(text_of(behind)));
      return;
    }
    if (line.data_bytes + 2 > behind.size()) {
      rest_ = {};
      return;
    }
    const auto data_bytes = static_cast<std::size_t>(line.data_bytes);
    if (text_of(behind.subspan(data_bytes, 2)) != "\r\n") {
      scanning_ = true;
      return;
    }
    rest_ = behind.subspan(data_bytes + 2);
  }
}

bool HttpWalk::to_next_request_line() noexcept {
  const std::string_view text = text_of(rest_);
  const std::size_t version = text.find("HTTP/");
  if (version == std::string_view::npos) {
    rest_ = {};
    return false;
  }
  const std::size_t line_end = text.rfind('\n', version);
  if (line_end != std::string_view::npos) rest_ = rest_.subspan(line_end + 1);
  return true;
}

void HttpWalk::skip_line() noexcept {
  const std::size_t end = text_of(rest_).find('\n');
  rest_ = end == std::string_view::npos ? std::span<const std::byte>{} : rest_.subspan(end + 1);
}

}  // namespace weir::inspect
