#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/base/parse_status.h"

namespace weir::proto {

/// Longest connection id of the known versions (RFC 9000, 17.2).
inline constexpr std::size_t kMaxConnectionIdBytes = 20;

/// Versions that differ in the type bits, salt or labels of an Initial.
/// - v1: RFC 9000, and drafts 33 and 34, which have the same salt.
/// - v2: RFC 9369.
/// - draft29: drafts 29 to 32. draft23: drafts 23 to 28.
enum class QuicVersion : std::uint8_t { v1, v2, draft29, draft23, unknown };
QuicVersion quic_version_of(std::uint32_t number) noexcept;

enum class QuicPacketType : std::uint8_t {
  initial,
  zero_rtt,
  handshake,
  retry,
  version_negotiation,
  unknown_version
};

/// A copy of a connection id.
class QuicConnectionId {
 public:
  constexpr QuicConnectionId() noexcept = default;
  /// Bytes beyond kMaxConnectionIdBytes are left out.
  explicit QuicConnectionId(std::span<const std::byte> bytes) noexcept;
  [[nodiscard]] std::span<const std::byte> span() const noexcept { return std::span(bytes_).first(size_); }
  /// Unused bytes are zero, so a plain comparison is right.
  bool operator==(const QuicConnectionId&) const = default;

 private:
  std::array<std::byte, kMaxConnectionIdBytes> bytes_{};
  std::uint8_t size_ = 0;
};

/// One packet with a long header. Spans lie in the datagram.
struct QuicPacket {
  QuicPacketType type = QuicPacketType::unknown_version;
  QuicVersion version = QuicVersion::unknown;
  std::uint32_t version_number = 0;
  std::span<const std::byte> destination_id;  // up to 255 bytes for an unknown version (RFC 8999)
  std::span<const std::byte> source_id;
  std::span<const std::byte> token;  // of an Initial
  /// From the first byte of the header to the end by its Length field; to the end of the datagram for types
  /// without that field.
  std::span<const std::byte> bytes;
  /// Offset of the protected packet number in `bytes`; initial, zero_rtt and handshake only.
  std::size_t packet_number_offset = 0;
};

struct QuicParse {
  base::ParseStatus status = base::ParseStatus::absent;
  QuicPacket packet;
};

/// Reads the first packet of `datagram` (RFC 9000, 17.2; RFC 9369, 3.2). After `packet.bytes` coalesced
/// packets may follow (RFC 9000, 12.2). O(1), any bytes are allowed.
///
/// - found: a packet with a long header. One of an unknown version is found only when the invariants hold
/// (RFC
///   8999) and a client may begin with the datagram: QUIC bit set, at least 1200 bytes, a destination id of
///   at least 8.
/// - malformed: a known version with lengths that do not fit. Receivers drop the rest of the datagram.
/// - absent: no long header. A packet with a short header is the last of its datagram.
///
/// For a known version the QUIC bit is not checked: RFC 9287 lets clients clear it.
QuicParse parse_quic_packet(std::span<const std::byte> datagram) noexcept;

}  // namespace weir::proto
