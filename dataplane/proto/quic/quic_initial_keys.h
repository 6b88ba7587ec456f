#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dataplane/proto/quic/quic_initial.h"

namespace weir::proto {

/// Who protects a packet by the keys.
enum class QuicSide : std::uint8_t { client, server };

/// What protects the Initial packets of one side (RFC 9001, 5.2): known to whoever sees the connection id.
struct QuicInitialKeys {
  std::array<std::byte, 16> key{};                // AES-128-GCM
  std::array<std::byte, 12> iv{};                 // nonce before the packet number goes in
  std::array<std::byte, 16> header_protection{};  // AES-128
};

/// Derives those keys. What does not depend on the connection is hashed once, by the constructor; nothing is
/// allocated afterwards. Any number of threads may share one.
class QuicKeyDerivation {
 public:
  QuicKeyDerivation();
  ~QuicKeyDerivation();
  QuicKeyDerivation(const QuicKeyDerivation&) = delete;
  QuicKeyDerivation& operator=(const QuicKeyDerivation&) = delete;

  /// The keys of one side for the destination id of the client's first Initial, or of the first one after a
  /// Retry. `version` is a known one.
  [[nodiscard]] QuicInitialKeys derive(QuicVersion version, const QuicConnectionId& id,
                                       QuicSide side) const noexcept;

 private:
  struct Schedules;
  std::unique_ptr<const Schedules> schedules_;
};

}  // namespace weir::proto
