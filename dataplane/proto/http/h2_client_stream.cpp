#include "dataplane/proto/http/h2_client_stream.h"

#include <algorithm>

#include "dataplane/base/ascii.h"
#include "dataplane/base/byte_reader.h"

namespace weir::proto {
namespace {

using base::ByteReader;
using base::ParseStatus;

// RFC 9113, 6.
constexpr std::uint8_t kHeadersFrame = 1;
constexpr std::uint8_t kSettingsFrame = 4;
constexpr std::uint8_t kPushPromiseFrame = 5;
constexpr std::uint8_t kContinuationFrame = 9;
constexpr unsigned kEndHeaders = 0x04;
constexpr unsigned kPadded = 0x08;
constexpr unsigned kPriority = 0x20;
constexpr std::uint32_t kStreamIdMask = 0x7fffffff;  // the upper bit is reserved

H2Parse result(ParseStatus status) noexcept { return {.status = status, .request = {}}; }

}  // namespace

/// Collects the fields of a request from a header block, within the allowance of the connection.
class H2ClientStream::Collector {
 public:
  Collector(const HpackDynamicTable& table, std::span<char> kept, std::size_t& allowance) noexcept
      : table_(table), kept_(kept), allowance_(allowance) {}

  void take(const HpackField& field, H2Request& request) noexcept {
    if (field.name == ":method") return keep_first(field.value, request.method);
    if (field.name == ":scheme") return keep_first(field.value, request.scheme);
    if (field.name == ":path") return keep_first(field.value, request.path);
    if (field.name == ":authority") {
      is_request_ = true;
      return add_host(field.value, request);
    }
    if (base::ascii_iequals(field.name, "host")) add_host(field.value, request);
  }

  /// Trailers have no pseudo-header fields (RFC 9113, 8.1).
  [[nodiscard]] bool is_request() const noexcept { return is_request_; }

  /// The path counts once for each name, because it is looked up with each.
  void finish(H2Request& request) noexcept {
    if (request.host_count > 1 && !spend(request.path.size() * (request.host_count - 1))) request.cut = true;
    if (cut_) request.cut = true;
    if (!request.cut) return;
    request.path = {};
    request.host_count = std::min(request.host_count, kCutNames);
    for (std::string_view& host : request.hosts) host = host.substr(0, kCutNameBytes);
  }

 private:
  bool spend(std::size_t bytes) noexcept {
    const bool enough = bytes <= allowance_;
    if (enough) allowance_ -= bytes;
    return enough;
  }

  /// Views of the table do not outlive the next field, so they are copied.
  std::string_view keep(std::string_view value) noexcept {
    if (!spend(value.size())) {
      cut_ = true;
      value = value.substr(0, kCutNameBytes);
    }
    if (!table_.holds(value)) return value;
    const auto copy = kept_.first(std::min(value.size(), kept_.size()));
    value.copy(copy.data(), copy.size());
    kept_ = kept_.subspan(copy.size());
    return {copy.data(), copy.size()};
  }

  void keep_first(std::string_view value, std::string_view& to) noexcept {
    is_request_ = true;
    if (to.empty()) to = keep(value);
  }

  void add_host(std::string_view value, H2Request& request) noexcept {
    if (value.empty() || request.host_count == kMaxHostHeaders) return;
    request.hosts[request.host_count++] = keep(value);
  }

  const HpackDynamicTable& table_;
  std::span<char> kept_;
  std::size_t& allowance_;
  bool is_request_ = false;
  bool cut_ = false;
};

void H2ClientStream::reset() noexcept {
  state_ = State::preface;
  in_block_ = false;
  ends_block_ = false;
  padded_ = false;
  first_frame_ = true;
  begins_with_settings_ = true;
  stream_id_ = 0;
  matched_ = 0;
  gathered_count_ = 0;
  prefix_bytes_ = 0;
  payload_bytes_ = 0;
  fragment_left_ = 0;
  skip_left_ = 0;
  block_bytes_ = 0;
  allowance_ = kFirstAllowance;
  table_.reset();
}

H2Parse H2ClientStream::next(std::span<const std::byte>& piece, H2Text& text) noexcept {
  while (!piece.empty() && state_ != State::not_h2 && state_ != State::broken) {
    const std::size_t before = piece.size();
    const bool complete = step(piece);
    allowance_ = std::min(allowance_ + (before - piece.size()) * kAllowancePerByte, kMaxAllowance);
    if (!complete) continue;
    const H2Parse parse = decode_block(text);
    if (parse.status == ParseStatus::malformed) state_ = State::broken;
    if (parse.status == ParseStatus::found) return parse;
  }
  if (state_ == State::not_h2) return result(ParseStatus::absent);
  return result(state_ == State::broken ? ParseStatus::malformed : ParseStatus::need_more);
}

bool H2ClientStream::step(std::span<const std::byte>& piece) noexcept {
  switch (state_) {
    case State::preface: {
      const auto part = piece.first(std::min(piece.size(), kH2Preface.size() - matched_));
      if (base::characters_of(part) != kH2Preface.substr(matched_, part.size())) {
        state_ = State::not_h2;
        return false;
      }
      matched_ += part.size();
      piece = piece.subspan(part.size());
      if (matched_ == kH2Preface.size()) state_ = State::frame_header;
      return false;
    }
    case State::frame_header:
      return gather(piece, kFrameHeaderBytes) && begin_frame();
    case State::prefix:
      return gather(piece, prefix_bytes_) && begin_padded_fragment();
    case State::fragment: {
      const auto part = piece.first(std::min(piece.size(), fragment_left_));
      std::copy(part.begin(), part.end(), block_.begin() + static_cast<std::ptrdiff_t>(block_bytes_));
      block_bytes_ += part.size();
      fragment_left_ -= part.size();
      piece = piece.subspan(part.size());
      return fragment_left_ == 0 && end_fragment();
    }
    case State::skip: {
      const std::size_t skipped = std::min(piece.size(), skip_left_);
      skip_left_ -= skipped;
      piece = piece.subspan(skipped);
      if (skip_left_ == 0) state_ = State::frame_header;
      return false;
    }
    case State::not_h2:
    case State::broken:
      break;
  }
  return false;
}

bool H2ClientStream::gather(std::span<const std::byte>& piece, std::size_t wanted) noexcept {
  const auto part = piece.first(std::min(piece.size(), wanted - gathered_count_));
  std::copy(part.begin(), part.end(), gathered_.begin() + static_cast<std::ptrdiff_t>(gathered_count_));
  gathered_count_ += part.size();
  piece = piece.subspan(part.size());
  if (gathered_count_ < wanted) return false;
  gathered_count_ = 0;
  return true;
}

// RFC 9113, 4.1.
bool H2ClientStream::begin_frame() noexcept {
  ByteReader reader(gathered_);
  payload_bytes_ = reader.u24();
  const std::uint8_t type = reader.u8();
  const unsigned flags = reader.u8();
  const std::uint32_t stream_id = reader.u32() & kStreamIdMask;
  if (first_frame_)
    begins_with_settings_ = type == kSettingsFrame && stream_id == 0 && payload_bytes_ % 6 == 0;
  first_frame_ = false;
  // No other frame may stand between those of a header block (RFC 9113, 4.3), and clients never send
  // PUSH_PROMISE, which has a block too: neither can be understood.
  const bool continues = type == kContinuationFrame;
  if (in_block_ != continues || type == kPushPromiseFrame) return fail();
  if (continues && stream_id != stream_id_) return fail();
  if (continues) {
    ends_block_ = (flags & kEndHeaders) != 0;
    return begin_fragment(payload_bytes_, 0);
  }
  if (type == kHeadersFrame) {
    stream_id_ = stream_id;
    return begin_headers(flags);
  }
  skip_left_ = payload_bytes_;
  state_ = skip_left_ == 0 ? State::frame_header : State::skip;
  return false;
}

// RFC 9113, 6.2.
bool H2ClientStream::begin_headers(unsigned flags) noexcept {
  in_block_ = true;
  ends_block_ = (flags & kEndHeaders) != 0;
  block_bytes_ = 0;
  padded_ = (flags & kPadded) != 0;
  prefix_bytes_ = (padded_ ? 1U : 0U) + ((flags & kPriority) != 0 ? 5U : 0U);
  if (prefix_bytes_ == 0) return begin_fragment(payload_bytes_, 0);
  state_ = State::prefix;
  return prefix_bytes_ > payload_bytes_ && fail();
}

bool H2ClientStream::begin_padded_fragment() noexcept {
  const std::size_t padding = padded_ ? std::to_integer<std::size_t>(gathered_[0]) : 0;
  const std::size_t rest = payload_bytes_ - prefix_bytes_;
  return padding > rest ? fail() : begin_fragment(rest - padding, padding);
}

bool H2ClientStream::begin_fragment(std::size_t fragment_bytes, std::size_t padding_bytes) noexcept {
  if (fragment_bytes > block_.size() - block_bytes_) return fail();
  fragment_left_ = fragment_bytes;
  skip_left_ = padding_bytes;
  state_ = State::fragment;
  return fragment_left_ == 0 && end_fragment();
}

// Servers act on a block before they have its padding.
bool H2ClientStream::end_fragment() noexcept {
  state_ = skip_left_ == 0 ? State::frame_header : State::skip;
  in_block_ = !ends_block_;
  return ends_block_;
}

bool H2ClientStream::fail() noexcept {
  state_ = State::broken;
  return false;
}

H2Parse H2ClientStream::decode_block(H2Text& text) noexcept {
  H2Parse parse = result(ParseStatus::found);
  parse.request.stream_id = stream_id_;
  HpackBlock block(table_, std::span(block_).first(block_bytes_), *text.decoded_);
  Collector collector(table_, *text.kept_, allowance_);
  HpackField field;
  HpackStatus status = HpackStatus::field;
  while ((status = block.next(field)) == HpackStatus::field) collector.take(field, parse.request);
  if (status == HpackStatus::malformed) return result(ParseStatus::malformed);
  if (!collector.is_request()) return result(ParseStatus::need_more);
  collector.finish(parse.request);
  return parse;
}

}  // namespace weir::proto
