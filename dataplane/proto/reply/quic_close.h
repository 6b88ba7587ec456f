#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/proto/quic/quic_crypto.h"
#include "dataplane/proto/quic/quic_initial.h"

namespace weir::proto {

/// What of a client's Initial its answer depends on.
struct QuicInitialSeen {
  QuicVersion version = QuicVersion::unknown;
  std::uint32_t version_number = 0;
  QuicConnectionId keys_id{};  // that the keys come from: destination of the first Initial
  QuicConnectionId destination_id{};
  QuicConnectionId source_id{};
  std::uint64_t packet_number = 0;
};

/// Room that build_quic_close() needs at most.
inline constexpr std::size_t kMaxQuicCloseBytes = 96;

/// Writes to `out` the datagram with which a server refuses the connection of `seen`: an Initial with nothing
/// but CONNECTION_CLOSE (RFC 9000, 19.19), error code that of the TLS alert unrecognized_name (RFC
/// 9001, 4.8). Not padded: it elicits no acknowledgement (RFC 9000, 14.1), and an answer must not be larger
/// than what brought it about. The client's destination id is its source id, as the client has it: fresh, or
/// taken over from a server that has answered already; with another one it would not be accepted (RFC
/// 9000, 7.2). Returns its bytes, 0 when `out` is smaller than kMaxQuicCloseBytes.
std::size_t build_quic_close(QuicCrypto& crypto, const QuicInitialSeen& seen,
                             std::span<std::byte> out) noexcept;

}  // namespace weir::proto
