#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dataplane/proto/quic/quic_initial.h"

namespace weir::proto {

/// The side that protects its packets with the keys.
enum class QuicSide : std::uint8_t { client, server };

/// The keys of one side's Initial packets (RFC 9001, 5.2). Whoever sees the connection id can derive them.
struct QuicInitialKeys {
  std::array<std::byte, 16> key{};                // AES-128-GCM
  std::array<std::byte, 12> iv{};                 // nonce, before the packet number is added
  std::array<std::byte, 16> header_protection{};  // AES-128
};

/// Derives those keys. The constructor hashes the parts that do not depend on the connection; nothing is
/// allocated after that. Any number of threads may share one.
class QuicKeyDerivation {
 public:
  QuicKeyDerivation();
  ~QuicKeyDerivation();
  QuicKeyDerivation(const QuicKeyDerivation&) = delete;
  QuicKeyDerivation& operator=(const QuicKeyDerivation&) = delete;

  /// The keys of one side. `id` is the destination id of the client's first Initial, or of the first one
  /// after a Retry. `version` is a known one.
  [[nodiscard]] QuicInitialKeys derive(QuicVersion version, const QuicConnectionId& id,
                                       QuicSide side) const noexcept;

 private:
  struct Schedules;
  std::unique_ptr<const Schedules> schedules_;
};

}  // namespace weir::proto
