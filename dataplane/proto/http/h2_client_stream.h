#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "dataplane/base/parse_status.h"
#include "dataplane/proto/http/hpack.h"
#include "dataplane/proto/http/hpack_huffman.h"
#include "dataplane/proto/http/http_request.h"

namespace weir::proto {

/// The first bytes of every HTTP/2 client (RFC 9113, 3.4).
inline constexpr std::string_view kH2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A request of HTTP/2. When a pseudo-header field is sent twice, the first is kept; a second :authority is
/// kept as a host. Missing fields are empty.
struct H2Request {
  std::string_view method;
  std::string_view scheme;
  std::string_view path;
  std::array<std::string_view, kMaxHostHeaders>
      hosts;  // :authority and every host field, none empty, as sent
  std::size_t host_count = 0;
  std::uint32_t stream_id = 0;
  /// The connection has used up its allowance, or its block is too long (H2ClientStream): names are cut and
  /// the path is left out.
  bool cut = false;
};

struct H2Parse {
  base::ParseStatus status = base::ParseStatus::absent;
  H2Request request;  // complete only when status is found
};

/// Room for the decoded strings of one header block. One per worker.
class H2Text {
 public:
  H2Text()
      : decoded_(std::make_unique_for_overwrite<Decoded>()),
        kept_(std::make_unique_for_overwrite<Kept>()),
        literals_(std::make_unique_for_overwrite<Literals>()) {}

 private:
  friend class H2ClientStream;
  using Decoded = std::array<char, max_huffman_decoded_bytes(kMaxHeaderBlockBytes)>;
  // Copies of the strings from the dynamic table: hosts, method, scheme and path.
  using Kept = std::array<char, (kMaxHostHeaders + 3) * kHpackMaxTableBytes>;
  // The fields of a request, written as literals.
  static constexpr std::size_t kLiteralsBytes = 20480;
  using Literals = std::array<std::byte, kLiteralsBytes>;

  std::unique_ptr<Decoded> decoded_;
  std::unique_ptr<Kept> kept_;
  std::unique_ptr<Literals> literals_;
};

/// Reads the client's direction of a cleartext HTTP/2 connection (RFC 9113) from the preface on. It is fed
/// contiguous pieces of any size; the result does not depend on how the stream is cut. Frames other than
/// HEADERS and CONTINUATION are skipped. A stream that a server must refuse is read on: some servers refuse
/// only a request of it, or nothing.
///
/// Of a header block beyond kMaxHeaderBlockBytes, the fields of the request are kept, names up to 1 KiB. If
/// the path is longer than kKeptPathBytes, the request is cut. A field that is longer than
/// kMaxHeaderBlockBytes is passed over.
///
/// The object holds all its memory (about 220 KiB, of which only the used part is ever touched) and never
/// allocates. Time is O(bytes fed). A few bytes can refer to a lot of text in the dynamic table, so the size
/// of the requests is limited, counting the path once for each host: every byte fed adds kAllowancePerByte to
/// an allowance of at most kMaxAllowance. A request beyond it is cut. A block of literal strings only is
/// never cut.
class H2ClientStream {
 public:
  static constexpr std::size_t kFirstAllowance = 65536;
  static constexpr std::size_t kMaxAllowance = 1048576;
  static constexpr std::size_t kAllowancePerByte = 32;
  static constexpr std::size_t kCutNameBytes = 255;
  static constexpr std::size_t kCutNames = 2;
  static constexpr std::size_t kKeptPathBytes = 8192;

  H2ClientStream() noexcept { reset(); }
  H2ClientStream(const H2ClientStream&) = delete;
  H2ClientStream& operator=(const H2ClientStream&) = delete;

  /// Starts a new connection.
  void reset() noexcept;

  /// Reads on in `piece`, and removes the bytes read from its front.
  ///
  /// - found: a request; the last byte of its header block has been read. `piece` may hold more. The views of
  ///   the request are valid until the next call with this stream or this `text`.
  /// - need_more: all of the piece has been read.
  /// - absent: the stream does not begin with the preface. The status stays from now on.
  /// - malformed: a frame or a header block that cannot be understood was passed over. `piece` may hold more.
  H2Parse next(std::span<const std::byte>& piece, H2Text& text) noexcept;

  /// Whether the first frame is SETTINGS, as it must be (RFC 9113, 3.4); true until one has been received.
  [[nodiscard]] bool begins_with_settings() const noexcept { return begins_with_settings_; }
  /// Whether the bytes so far end inside the preface, a frame header or a header block.
  [[nodiscard]] bool is_incomplete() const noexcept {
    return state_ == State::preface || in_block_ || gathered_count_ > 0;
  }

 private:
  static constexpr std::size_t kFrameHeaderBytes = 9;
  static constexpr std::size_t kMaxPrefixBytes = 6;  // pad length, stream dependency, weight
  enum class State : std::uint8_t { preface, frame_header, prefix, fragment, skip, not_h2 };
  class Collector;

  /// The next step through `piece`; true when a header block is complete.
  bool step(std::span<const std::byte>& piece) noexcept;
  bool begin_frame() noexcept;
  bool begin_headers(unsigned flags) noexcept;
  bool begin_padded_fragment() noexcept;
  bool begin_fragment(std::size_t fragment_bytes, std::size_t padding_bytes) noexcept;
  bool end_fragment() noexcept;
  void skip(std::size_t bytes) noexcept;
  bool pass_over_headers(std::size_t bytes) noexcept;
  /// Moves bytes to gathered_ until it holds `wanted`; false when the piece is too short.
  bool gather(std::span<const std::byte>& piece, std::size_t wanted) noexcept;
  H2Parse decode_block(H2Text& text) noexcept;

  // h2_long_block.cpp
  /// Decodes the complete fields of a full block_, and leaves in it those of the request and what is
  /// incomplete.
  void make_room(H2Text& text) noexcept;

  State state_;
  bool in_block_;     // between HEADERS and the fragment that ends the block
  bool ends_block_;   // the current frame has END_HEADERS
  bool passed_over_;  // a frame could not be understood
  bool block_cut_;    // of the current block not all fields were kept whole
  bool padded_;
  bool first_frame_;
  bool begins_with_settings_;
  std::uint32_t stream_id_;
  std::size_t matched_;  // bytes of the preface
  std::size_t gathered_count_;
  std::size_t prefix_bytes_;
  std::size_t payload_bytes_;  // of the current frame
  std::size_t fragment_left_;
  std::size_t skip_left_;
  std::size_t block_bytes_;
  std::size_t discard_left_;  // of a field of the block that is passed over
  std::size_t allowance_;
  std::array<std::byte, kFrameHeaderBytes> gathered_;
  std::array<std::byte, kMaxHeaderBlockBytes> block_;
  HpackDynamicTable table_;
};

}  // namespace weir::proto
