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

/// An Initial without its protection.
struct QuicOpened {
  std::span<const std::byte> frames;  // in the buffer that the caller gave
  std::uint64_t packet_number = 0;
};

/// Takes the protection off clients' Initial packets, and protects a server's. Nothing is allocated after
/// construction. One for each worker: not thread safe.
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

  /// The server's keys for the same id. Derived anew each time.
  [[nodiscard]] QuicInitialKeys server_keys(QuicVersion version, const QuicConnectionId& id) const noexcept;

  /// Takes header and packet protection off `packet` (RFC 9001, 5.3 and 5.4; of type initial, as
  /// parse_quic_packet() gives it). `next_number` is the packet number that the connection's next packet has
  /// (0: not known), by which a shortened one is made whole (RFC 9000, A.3); taken as it stands it is tried
  /// as well. `plaintext` is as large as packet.bytes. None when the packet is too short or not authentic
  /// under `keys`: then `plaintext` holds nothing of worth.
  std::optional<QuicOpened> open(const QuicInitialKeys& keys, const QuicPacket& packet,
                                 std::uint64_t next_number, std::span<std::byte> plaintext) noexcept;

  /// Bytes of the tag that seal() adds.
  static constexpr std::size_t kTagBytes = 16;

  /// Protects the packet in `packet`, in place: a header that ends with the packet number, of which
  /// `number_bytes` (1 to 4) are there, the frames behind it, and kTagBytes of room at the end. The header is
  /// ready but for its protection. Number and frames have four bytes at least (RFC 9001, 5.4.2).
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
