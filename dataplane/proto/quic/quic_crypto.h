#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "dataplane/proto/quic/quic_initial.h"
#include "dataplane/proto/quic/quic_initial_keys.h"

namespace weir::proto {

/// An Initial packet after its protection was removed.
struct QuicOpened {
  std::span<const std::byte> frames;  // in the buffer of the caller
  std::uint64_t packet_number = 0;
};

/// Removes the protection of clients' Initial packets, and protects packets of a server. Nothing is allocated
/// after construction. One per worker: not thread safe.
class QuicCrypto {
 public:
  /// Throws std::runtime_error when the cryptographic library cannot be set up.
  QuicCrypto();
  ~QuicCrypto();
  QuicCrypto(const QuicCrypto&) = delete;
  QuicCrypto& operator=(const QuicCrypto&) = delete;

  /// The client's keys. `id` is the destination id of its first Initial, or of the first one after a Retry.
  /// Recently used keys come from a small cache. `version` is a known one.
  const QuicInitialKeys& client_keys(QuicVersion version, const QuicConnectionId& id) noexcept;

  /// The server's keys for the same id. Derived on each call.
  [[nodiscard]] QuicInitialKeys server_keys(QuicVersion version, const QuicConnectionId& id) const noexcept;

  /// Removes header and packet protection of `packet` (RFC 9001, 5.3 and 5.4), which is of type initial, as
  /// parse_quic_packet() returns it. A truncated packet number is completed from `next_number`, the number
  /// expected next on the connection (RFC 9000, A.3; 0: not known), and also tried as it is. `plaintext` is
  /// as large as packet.bytes. None when the packet is too short or not authentic under `keys`; the content
  /// of `plaintext` is undefined then.
  std::optional<QuicOpened> open(const QuicInitialKeys& keys, const QuicPacket& packet,
                                 std::uint64_t next_number, std::span<std::byte> plaintext) noexcept;

  /// Bytes of the tag that seal() adds.
  static constexpr std::size_t kTagBytes = 16;

  /// Protects `packet` in place. It consists of a header that ends with `number_bytes` (1 to 4) of the packet
  /// number, the frames, and kTagBytes of room for the tag. The header is complete except for its protection.
  /// Number and frames together have at least four bytes (RFC 9001, 5.4.2).
  void seal(const QuicInitialKeys& keys, std::uint64_t packet_number, std::size_t header_bytes,
            std::size_t number_bytes, std::span<std::byte> packet) noexcept;

 private:
  class Engine;
  struct CachedKeys {
    QuicVersion version = QuicVersion::unknown;
    QuicConnectionId id;
    QuicInitialKeys keys;
  };
  static constexpr std::size_t kCachedKeys = 256;

  std::unique_ptr<Engine> engine_;
  QuicKeyDerivation derivation_;
  std::array<CachedKeys, kCachedKeys> cache_{};
};

}  // namespace weir::proto
