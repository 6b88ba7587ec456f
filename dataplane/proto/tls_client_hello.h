#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/outcome.h"

namespace weir::proto {

inline constexpr std::size_t kMaxServerNames = 4;
inline constexpr std::size_t kMaxAlpn = 8;

/// What a ClientHello shows in the clear. Views point into the parsed bytes.
struct ClientHello {
  std::array<std::string_view, kMaxServerNames> server_names;  // RFC 6066, 3; as sent
  std::size_t server_name_count = 0;
  std::array<std::string_view, kMaxAlpn> alpn;  // RFC 7301; GREASE values are left out
  std::size_t alpn_count = 0;
  bool has_ech = false;  // RFC 9849 extension 0xfe0d, GREASE or not
};

struct TlsParse {
  base::ParseStatus status = base::ParseStatus::absent;
  ClientHello hello;
};

/// Reads TLS records (RFC 8446, 5.1) from the start of a client's stream up to the end of a ClientHello that
/// lies in one record. A hello that is spread over several records is need_more here: see
/// dataplane/README.md. O(bytes of the record).
///
/// - found: a whole record (any version 0x0300-0x03ff) that begins with a whole ClientHello.
/// - need_more: the beginning of one; an empty handshake record counts as such a beginning.
/// - absent: not a handshake record, or another handshake message.
/// - malformed: lengths that contradict each other, or beyond what any server takes.
TlsParse parse_tls_client_hello(std::span<const std::byte> stream) noexcept;

/// Reads the body of a ClientHello handshake message (without its 4-byte header); shared with QUIC. found or
/// malformed, nothing else. Lengths that decide where the names stand must fit; bytes behind the extensions
/// and a broken ALPN list do not hide the names. Server names and protocols beyond the arrays are left out.
TlsParse parse_client_hello_body(std::span<const std::byte> body) noexcept;

}  // namespace weir::proto
