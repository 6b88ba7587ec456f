#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/base/request.h"
#include "dataplane/proto/quic/quic_crypto.h"

namespace weir::proto {

/// Longest host of a request in bytes (RFC 1035, 2.3.4).
inline constexpr std::size_t kMaxSyntheticHostBytes = 253;
/// The room that build_synthetic_request() needs.
inline constexpr std::size_t kSyntheticRequestBytes = 1514;

/// The first request of a client for a host.
struct SyntheticRequest {
  base::Protocol protocol = base::Protocol::http;  // not h2c
  std::string_view host{};                         // canonical
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint64_t random = 0;  // seed of the sequence number, the connection id and the random of the hello
};

/// Writes to `out` an Ethernet frame in which a client asks for `request.host`: an HTTP/1.1 GET with a Host
/// header, a ClientHello of TLS 1.3 (RFC 8446, 4.1.2), or a QUIC version 1 Initial with such a hello (RFC
/// 9000, 17.2.2). Its addresses are 192.0.2.1 and 192.0.2.2 (RFC 5737), its MAC addresses are locally
/// administered: it must not leave the machine. Returns the bytes written; 0 when `out` is smaller than
/// kSyntheticRequestBytes, the host is empty or too long, or the protocol is another one.
std::size_t build_synthetic_request(QuicCrypto& crypto, const SyntheticRequest& request,
                                    std::span<std::byte> out) noexcept;

}  // namespace weir::proto
