#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/proto/quic/quic_crypto.h"
#include "dataplane/proto/quic/quic_initial.h"

namespace weir::proto {

/// The fields of a client's Initial that its answer depends on.
struct QuicInitialSeen {
  QuicVersion version = QuicVersion::unknown;
  std::uint32_t version_number = 0;
  QuicConnectionId keys_id{};  // the keys are derived from it: destination of the first Initial
  QuicConnectionId destination_id{};
  QuicConnectionId source_id{};
  std::uint64_t packet_number = 0;
};

/// The room that build_quic_close() needs.
inline constexpr std::size_t kMaxQuicCloseBytes = 96;

/// Writes to `out` the datagram with which a server refuses the connection of `seen`: an Initial that holds
/// only CONNECTION_CLOSE (RFC 9000, 19.19) with the error code of the TLS alert unrecognized_name (RFC
/// 9001, 4.8). It is not padded, because it elicits no acknowledgement (RFC 9000, 14.1) and an answer must
/// not be larger than its cause. Its source id is the destination id that the client uses, be it random or
/// chosen by a server that has answered already: the client accepts no other (RFC 9000, 7.2). Returns the
/// bytes written, 0 when `out` is smaller than kMaxQuicCloseBytes.
std::size_t build_quic_close(QuicCrypto& crypto, const QuicInitialSeen& seen,
                             std::span<std::byte> out) noexcept;

}  // namespace weir::proto
