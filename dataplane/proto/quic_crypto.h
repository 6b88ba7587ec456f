#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "proto/quic_initial.h"
#include "proto/quic_initial_keys.h"

namespace weir::proto {

/// An Initial without its protection.
struct QuicOpened {
  std::span<const std::byte> frames;  // in the buffer that the caller gave
  std::uint64_t packet_number = 0;
};

/// Takes the protection off clients' Initial packets. Nothing is allocated after construction. One for each
/// worker: not thread safe.
class QuicCrypto {
 public:
  /// Throws std::runtime_error when the cryptographic library cannot be set up.
  QuicCrypto();
  ~QuicCrypto();
  QuicCrypto(const QuicCrypto&) = delete;
  QuicCrypto& operator=(const QuicCrypto&) = delete;

  /// The client's keys for the destination id of its first Initial, or of the first one after a Retry; keys
  /// used lately come from a small cache. `version` is a known one.
  const QuicInitialKeys& client_keys(QuicVersion version, const QuicConnectionId& id) noexcept;

  /// Takes header and packet protection off `packet` (RFC 9001, 5.3 and 5.4; of type initial, as
  /// parse_quic_packet() gives it). `next_number` is the packet number that the connection's next packet has
  /// (0: not known), by which a shortened one is made whole (RFC 9000, A.3); taken as it stands it is tried
  /// as well. `plaintext` is as large as packet.bytes. None when the packet is too short or not authentic
  /// under `keys`: then `plaintext` holds nothing of worth.
  std::optional<QuicOpened> open(const QuicInitialKeys& keys, const QuicPacket& packet,
                                 std::uint64_t next_number, std::span<std::byte> plaintext) noexcept;

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
