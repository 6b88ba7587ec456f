#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/base/outcome.h"

namespace weir::proto {

/// Longest connection id of the versions that are read here (RFC 9000, 17.2).
inline constexpr std::size_t kMaxConnectionIdBytes = 20;

/// What a version number means for reading an Initial: its type bits, salt and labels.
/// - v1: RFC 9000, and the drafts 33 and 34, which have its salt.
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

/// A connection id, copied: it outlives its packet.
class QuicConnectionId {
 public:
  constexpr QuicConnectionId() noexcept = default;
  /// `bytes` has at most kMaxConnectionIdBytes; more are left out.
  explicit QuicConnectionId(std::span<const std::byte> bytes) noexcept;
  [[nodiscard]] std::span<const std::byte> span() const noexcept { return std::span(bytes_).first(size_); }
  /// Bytes behind the id are zero in both, so a plain comparison does.
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
  std::span<const std::byte> destination_id;  // up to 255 bytes where the version is unknown (RFC 8999)
  std::span<const std::byte> source_id;
  std::span<const std::byte> token;  // of an Initial
  /// From the first byte of the header to the end that its Length field gives; to the end of the datagram for
  /// the types without Length.
  std::span<const std::byte> bytes;
  /// Offset of the protected packet number in `bytes`; initial, zero_rtt and handshake only.
  std::size_t packet_number_offset = 0;
};

struct QuicParse {
  base::ParseStatus status = base::ParseStatus::absent;
  QuicPacket packet;
};

/// Reads the packet that `datagram` begins with (RFC 9000, 17.2; RFC 9369, 3.2); what is behind
/// `packet.bytes` is coalesced with it (RFC 9000, 12.2). O(1), any bytes are allowed.
///
/// - found: a long header packet. Of an unknown version only where the invariants hold (RFC 8999) and the
///   datagram is one that a client may begin with: QUIC bit set, 1200 bytes, a destination id of 8 at least.
/// - malformed: a known version with lengths that do not fit; receivers drop the rest of the datagram.
/// - absent: no long header; a short header packet reaches to the end of its datagram.
///
/// The QUIC bit of a known version is not asked for: RFC 9287 lets clients clear it.
QuicParse parse_quic_packet(std::span<const std::byte> datagram) noexcept;

}  // namespace weir::proto
