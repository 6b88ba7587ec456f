#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/base/parse_status.h"

namespace weir::proto {

inline constexpr std::size_t kMaxServerNames = 4;
inline constexpr std::size_t kMaxAlpn = 8;

/// The cleartext of a ClientHello. Views point into the parsed bytes.
struct ClientHello {
  std::array<std::string_view, kMaxServerNames> server_names;  // RFC 6066, 3; as sent
  std::size_t server_name_count = 0;
  std::array<std::string_view, kMaxServerNames> other_names;  // entries of the list that are no host_name
  std::size_t other_name_count = 0;
  std::array<std::string_view, kMaxAlpn> alpn;  // RFC 7301; GREASE values are left out
  std::size_t alpn_count = 0;
  bool has_ech = false;  // RFC 9849 extension 0xfe0d, GREASE or not
};

struct TlsParse {
  base::ParseStatus status = base::ParseStatus::absent;
  ClientHello hello;
  std::size_t stream_bytes = 0;  // found: up to the end of the record that the hello ends in
  std::size_t needed_bytes = 0;  // need_more: the hello cannot be complete with less of the stream
  /// need_more: complete records before the hello's first byte. Reading may go on after them.
  std::size_t leading_bytes = 0;
};

/// Longest hello that is assembled from several records, in memory of the caller.
inline constexpr std::size_t kMaxAssembledHelloBytes = 65536;

/// Reads TLS records (RFC 8446, 5.1) of any version and any size, from the start of a client's stream to the
/// end of a ClientHello. A hello in several records is assembled in `assembly`, and the views point there;
/// without that room the result stays need_more. Records that some server passes over are skipped before the
/// hello and between its pieces: empty handshake records, change_cipher_spec of no or one byte, warnings. A
/// ClientHello in the format of SSL 2 for a later version (RFC 5246, E.2) is read too: it has no names.
/// O(bytes of the hello).
///
/// - found: complete records with a complete ClientHello.
/// - need_more: the beginning of such records.
/// - absent: another record, or another handshake message.
/// - malformed: lengths that contradict each other, or are larger than any server accepts; more than 1024
///   skipped records between the pieces of a hello.
TlsParse parse_tls_client_hello(std::span<const std::byte> stream,
                                std::span<std::byte> assembly = {}) noexcept;

/// Reads the body of a ClientHello handshake message, without its 4-byte header; used for QUIC too. The
/// status is found or malformed. The lengths of the extensions must fit. Bytes after the extensions, a broken
/// list of names or of protocols do not hide the names before. Names and protocols beyond the arrays are left
/// out.
TlsParse parse_client_hello_body(std::span<const std::byte> body) noexcept;

}  // namespace weir::proto
