#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "proto/quic_initial.h"

namespace weir::proto {

/// What protects a client's Initial packets (RFC 9001, 5.2): known to whoever sees the connection id.
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

  /// The client's keys for the destination id of its first Initial, or of the first one after a Retry.
  /// `version` is a known one.
  [[nodiscard]] QuicInitialKeys derive(QuicVersion version, const QuicConnectionId& id) const noexcept;

 private:
  struct Schedules;
  std::unique_ptr<const Schedules> schedules_;
};

}  // namespace weir::proto
