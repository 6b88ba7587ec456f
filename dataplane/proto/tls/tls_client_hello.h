#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/base/outcome.h"

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
  std::size_t stream_bytes = 0;  // found: from the stream's start to behind the record that the hello ends in
  std::size_t needed_bytes = 0;  // need_more: with less of the stream than this, the hello cannot be complete
};

/// Longest hello that is put together from several records; its room is the caller's.
inline constexpr std::size_t kMaxAssembledHelloBytes = 65536;

/// Reads TLS records (RFC 8446, 5.1) of any version 0x0300-0x03ff and size, empty ones too, from the start of
/// a client's stream up to the end of a ClientHello. One that lies in several records is put together in
/// `assembly`, to which the views point then; without that room it is need_more for ever. A ClientHello in
/// the format of SSL 2 for a later version (RFC 5246, E.2) is read as well: it has no names. O(bytes of the
/// hello).
///
/// - found: whole records with a whole ClientHello.
/// - need_more: the beginning of them; an empty handshake record counts as such a beginning.
/// - absent: not a handshake record, or another handshake message.
/// - malformed: lengths that contradict each other, or beyond what any server takes.
TlsParse parse_tls_client_hello(std::span<const std::byte> stream,
                                std::span<std::byte> assembly = {}) noexcept;

/// Reads the body of a ClientHello handshake message (without its 4-byte header); shared with QUIC. found or
/// malformed, nothing else. Lengths that decide where the names stand must fit; bytes behind the extensions
/// and a broken ALPN list do not hide the names. Server names and protocols beyond the arrays are left out.
TlsParse parse_client_hello_body(std::span<const std::byte> body) noexcept;

}  // namespace weir::proto
