#include "dataplane/proto/quic/quic_frames.h"

#include <cstring>

namespace weir::proto {
namespace {

constexpr std::uint64_t kPadding = 0x00;
constexpr std::uint64_t kPing = 0x01;
constexpr std::uint64_t kAck = 0x02;
constexpr std::uint64_t kAckEcn = 0x03;
constexpr std::uint64_t kCrypto = 0x06;
constexpr std::uint64_t kConnectionClose = 0x1c;

void skip(base::ByteReader& reader, std::uint64_t count) noexcept {
  // A clamped length is still beyond the payload, and fails.
  reader.skip(count > reader.remaining() ? reader.remaining() + 1 : static_cast<std::size_t>(count));
}

// Most of an Initial is padding, so it is skipped eight bytes at a time.
std::size_t padding_bytes(std::span<const std::byte> payload) noexcept {
  std::size_t count = 0;
  std::uint64_t word = 0;
  for (; payload.size() - count >= sizeof word; count += sizeof word) {
    std::memcpy(&word, payload.data() + count, sizeof word);
    if (word != 0) break;
  }
  while (count < payload.size() && payload[count] == std::byte{0}) ++count;
  return count;
}

}  // namespace

std::uint64_t read_quic_integer(base::ByteReader& reader) noexcept {
  const std::uint8_t first = reader.u8();
  std::uint64_t value = first & 0x3fU;
  for (unsigned more = (1U << (first >> 6)) - 1; more > 0; --more) value = value << 8 | reader.u8();
  return reader.ok() ? value : 0;
}

bool QuicFrameReader::next(QuicCryptoFrame& frame) noexcept {
  while (!malformed_) {
    reader_.skip(padding_bytes(reader_.rest()));
    if (reader_.remaining() == 0) break;
    const std::uint64_t type = read_quic_integer(reader_);
    if (type == kPadding || type == kPing) continue;
    bool known = true;
    if (type == kCrypto) {
      frame.offset = read_quic_integer(reader_);
      const std::uint64_t length = read_quic_integer(reader_);
      if (length <= reader_.remaining()) {
        frame.data = reader_.bytes(static_cast<std::size_t>(length));
        if (reader_.ok()) return true;
      }
      known = false;
    } else if (type == kAck || type == kAckEcn) {
      known = skip_ack(type == kAckEcn);
    } else if (type == kConnectionClose) {
      skip_connection_close();
    } else {
      known = false;
    }
    malformed_ = !known || !reader_.ok();
  }
  return false;
}

// RFC 9000, 19.3. Each range takes at least two bytes, so the payload bounds the loop.
bool QuicFrameReader::skip_ack(bool with_ecn) noexcept {
  read_quic_integer(reader_);  // largest acknowledged
  read_quic_integer(reader_);  // delay
  const std::uint64_t ranges = read_quic_integer(reader_);
  read_quic_integer(reader_);  // first range
  if (ranges > reader_.remaining()) return false;
  for (std::uint64_t i = 0; i < 2 * ranges + (with_ecn ? 3 : 0); ++i) read_quic_integer(reader_);
  return reader_.ok();
}

// RFC 9000, 19.19.
void QuicFrameReader::skip_connection_close() noexcept {
  read_quic_integer(reader_);  // error code
  read_quic_integer(reader_);  // frame type
  skip(reader_, read_quic_integer(reader_));
}

}  // namespace weir::proto
