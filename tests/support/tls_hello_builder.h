#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/bytes.h"

namespace weir::test {

/// Builds ClientHellos; extensions are in the order in which they are added:
///
///     TlsHelloBuilder().sni("www.example.com").alpn({"h2", "http/1.1"}).ech().record();
///
/// `typical()` adds what every client sends (versions, groups, key share), so that real servers answer.
class TlsHelloBuilder {
 public:
  TlsHelloBuilder& legacy_version(std::uint16_t version);
  TlsHelloBuilder& record_version(std::uint16_t version);
  TlsHelloBuilder& session_id(std::size_t bytes);
  TlsHelloBuilder& grease();  // adds a GREASE cipher suite and an empty GREASE extension
  TlsHelloBuilder& typical();
  TlsHelloBuilder& sni(std::string_view name) { return server_names({name}); }
  TlsHelloBuilder& server_names(const std::vector<std::string_view>& names, std::uint8_t name_type = 0);
  TlsHelloBuilder& alpn(const std::vector<std::string_view>& protocols);
  TlsHelloBuilder& ech(std::size_t payload_bytes = 208);  // encrypted_client_hello, outer
  TlsHelloBuilder& extension(std::uint16_t type, std::span<const std::byte> body);
  /// Adds a padding extension (RFC 7685), so that the whole record has `record_bytes`.
  TlsHelloBuilder& pad_to(std::size_t record_bytes);
  TlsHelloBuilder& without_extensions();  // no extensions block at all (TLS 1.0 clients)

  [[nodiscard]] Bytes body() const;       // the ClientHello without the handshake header
  [[nodiscard]] Bytes handshake() const;  // with the 4-byte handshake header
  [[nodiscard]] Bytes record() const;     // in one record
  /// In several records with at most `fragment_bytes` each.
  [[nodiscard]] Bytes records(std::size_t fragment_bytes) const;

 private:
  struct Extension {
    std::uint16_t type = 0;
    Bytes body;
  };
  [[nodiscard]] Bytes body_with_padding(std::size_t padding_bytes) const;

  std::uint16_t legacy_version_ = 0x0303;
  std::uint16_t record_version_ = 0x0301;
  std::size_t session_id_bytes_ = 32;
  bool grease_ = false;
  bool without_extensions_ = false;
  std::size_t pad_to_ = 0;
  std::size_t padding_index_ = 0;
  std::vector<Extension> extensions_;
};

}  // namespace weir::test
