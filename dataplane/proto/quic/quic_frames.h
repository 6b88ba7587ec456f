#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/base/byte_reader.h"

namespace weir::proto {

/// A variable-length integer (RFC 9000, 16); zero and a latched failure when it is cut short.
std::uint64_t read_quic_integer(base::ByteReader& reader) noexcept;

/// Bytes of the handshake stream (RFC 9000, 19.6); `data` lies in the packet's payload.
struct QuicCryptoFrame {
  std::uint64_t offset = 0;
  std::span<const std::byte> data;
};

/// Reads the frames of the decrypted payload of an Initial packet. PADDING, PING, ACK and CONNECTION_CLOSE
/// are skipped (RFC 9000, 12.4 allows only these and CRYPTO). A frame type may be encoded in any length.
/// O(payload).
class QuicFrameReader {
 public:
  explicit QuicFrameReader(std::span<const std::byte> payload) noexcept : reader_(payload) {}

  /// The next CRYPTO frame. False at the end, or at the first frame that is broken or forbidden; the frames
  /// before it count, because receivers may have accepted them already.
  bool next(QuicCryptoFrame& frame) noexcept;
  /// Whether a frame was broken or forbidden.
  [[nodiscard]] bool malformed() const noexcept { return malformed_; }

 private:
  bool skip_ack(bool with_ecn) noexcept;
  void skip_connection_close() noexcept;

  base::ByteReader reader_;
  bool malformed_ = false;
};

}  // namespace weir::proto
