#include "dataplane/proto/http/h2_client_stream.h"

#include <algorithm>

#include "dataplane/base/ascii.h"
#include "dataplane/base/byte_reader.h"
#include "dataplane/proto/http/h2_collector.h"

namespace weir::proto {
namespace {

using base::ByteReader;
using base::ParseStatus;

// RFC 9113, 6.
constexpr std::uint8_t kHeadersFrame = 1;
constexpr std::uint8_t kSettingsFrame = 4;
constexpr std::uint8_t kContinuationFrame = 9;
constexpr unsigned kEndHeaders = 0x04;
constexpr unsigned kPadded = 0x08;
constexpr unsigned kPriority = 0x20;
constexpr std::uint32_t kStreamIdMask = 0x7fffffff;  // the upper bit is reserved

H2Parse result(ParseStatus status) noexcept { return {.status = status, .request = {}}; }

}  // namespace

void H2ClientStream::reset() noexcept {
  state_ = State::preface;
  in_block_ = false;
  ends_block_ = false;
  passed_over_ = false;
  block_cut_ = false;
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
  discard_left_ = 0;
  allowance_ = kFirstAllowance;
  table_.reset();
}

H2Parse H2ClientStream::next(std::span<const std::byte>& piece, H2Text& text) noexcept {
  while (!piece.empty() && state_ != State::not_h2) {
    if (state_ == State::fragment && block_bytes_ == block_.size() && discard_left_ == 0) make_room(text);
    const std::size_t before = piece.size();
    const bool complete = step(piece);
    allowance_ = std::min(allowance_ + (before - piece.size()) * kAllowancePerByte, kMaxAllowance);
    if (passed_over_) {
      passed_over_ = false;
      return result(ParseStatus::malformed);
    }
    if (!complete) continue;
    const H2Parse parse = decode_block(text);
    if (parse.status != ParseStatus::need_more) return parse;
  }
  return result(state_ == State::not_h2 ? ParseStatus::absent : ParseStatus::need_more);
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
      auto part = piece.first(std::min(piece.size(), fragment_left_));
      if (discard_left_ > 0) {
        part = part.first(std::min(part.size(), discard_left_));
        discard_left_ -= part.size();
      } else {
        part = part.first(std::min(part.size(), block_.size() - block_bytes_));
        std::copy(part.begin(), part.end(), block_.begin() + static_cast<std::ptrdiff_t>(block_bytes_));
        block_bytes_ += part.size();
      }
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
  // No other frame may stand between those of a header block (RFC 9113, 4.3), but some servers pass over
  // those that they do not know. Nor do all of them look at the stream of a CONTINUATION.
  if (type == kContinuationFrame && in_block_) {
    ends_block_ = (flags & kEndHeaders) != 0;
    return begin_fragment(payload_bytes_, 0);
  }
  if (type == kHeadersFrame) {
    passed_over_ = in_block_;
    stream_id_ = stream_id;
    return begin_headers(flags);
  }
  passed_over_ = type == kContinuationFrame;
  skip(payload_bytes_);
  return false;
}

void H2ClientStream::skip(std::size_t bytes) noexcept {
  skip_left_ = bytes;
  state_ = bytes == 0 ? State::frame_header : State::skip;
}

// A server that resets the stream, and not the connection, reads on after the frame.
bool H2ClientStream::pass_over_headers(std::size_t bytes) noexcept {
  passed_over_ = true;
  in_block_ = !ends_block_;
  skip(bytes);
  return false;
}

// RFC 9113, 6.2.
bool H2ClientStream::begin_headers(unsigned flags) noexcept {
  in_block_ = true;
  ends_block_ = (flags & kEndHeaders) != 0;
  block_cut_ = false;
  block_bytes_ = 0;
  discard_left_ = 0;
  padded_ = (flags & kPadded) != 0;
  prefix_bytes_ = (padded_ ? 1U : 0U) + ((flags & kPriority) != 0 ? 5U : 0U);
  if (prefix_bytes_ == 0) return begin_fragment(payload_bytes_, 0);
  if (prefix_bytes_ > payload_bytes_) return pass_over_headers(payload_bytes_);
  state_ = State::prefix;
  return false;
}

bool H2ClientStream::begin_padded_fragment() noexcept {
  const std::size_t padding = padded_ ? std::to_integer<std::size_t>(gathered_[0]) : 0;
  const std::size_t rest = payload_bytes_ - prefix_bytes_;
  return padding > rest ? pass_over_headers(rest) : begin_fragment(rest - padding, padding);
}

bool H2ClientStream::begin_fragment(std::size_t fragment_bytes, std::size_t padding_bytes) noexcept {
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

H2Parse H2ClientStream::decode_block(H2Text& text) noexcept {
  H2Parse parse = result(ParseStatus::found);
  parse.request.stream_id = stream_id_;
  HpackBlock block(table_, std::span(block_).first(block_bytes_), *text.decoded_);
  Collector collector(table_, *text.kept_, allowance_);
  HpackField field;
  HpackStatus status = HpackStatus::field;
  while ((status = block.next(field)) == HpackStatus::field) collector.take(field, parse.request);
  if (!collector.is_request()) {
    return result(status == HpackStatus::malformed ? ParseStatus::malformed : ParseStatus::need_more);
  }
  parse.request.cut = block_cut_;
  collector.finish(parse.request);
  return parse;
}

}  // namespace weir::proto
