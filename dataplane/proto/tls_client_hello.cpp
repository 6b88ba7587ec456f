#include "proto/tls_client_hello.h"

#include "base/byte_reader.h"

namespace weir::proto {
namespace {

using base::ByteReader;
using base::ParseStatus;

constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kMajorVersion = 3;
constexpr std::uint8_t kClientHelloMessage = 1;
constexpr std::size_t kRecordHeaderBytes = 5;
constexpr std::size_t kHandshakeHeaderBytes = 4;
constexpr std::size_t kMaxRecordBytes = 16384;  // RFC 8446, 5.1
// What OpenSSL takes at most; other servers take less.
constexpr std::size_t kMaxClientHelloBytes = 131396;

constexpr std::uint16_t kServerNameExtension = 0;
constexpr std::uint16_t kAlpnExtension = 16;
constexpr std::uint16_t kEncryptedClientHelloExtension = 0xfe0d;
constexpr std::uint8_t kHostNameType = 0;

std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// RFC 6066, 3. An empty extension is what servers send; from a client it names nothing.
bool read_server_names(std::span<const std::byte> extension, ClientHello& hello) noexcept {
  if (extension.empty()) return true;
  ByteReader reader(extension);
  ByteReader list(reader.bytes(reader.u16()));
  while (list.remaining() > 0) {
    const std::uint8_t type = list.u8();
    const auto name = list.bytes(list.u16());
    if (type != kHostNameType || name.empty() || hello.server_name_count == kMaxServerNames) continue;
    hello.server_names[hello.server_name_count++] = as_text(name);
  }
  return reader.ok() && list.ok();
}

// RFC 8701, 2: two equal bytes of the form 0x?a.
bool is_grease(std::span<const std::byte> protocol) noexcept {
  return protocol.size() == 2 && protocol[0] == protocol[1] &&
         (protocol[0] & std::byte{0x0f}) == std::byte{0x0a};
}

// RFC 7301, 3.1. Only for display: a broken list ends what is shown, it does not make the hello malformed.
void read_alpn(std::span<const std::byte> extension, ClientHello& hello) noexcept {
  ByteReader reader(extension);
  ByteReader list(reader.bytes(reader.u16()));
  while (list.remaining() > 0) {
    const auto protocol = list.bytes(list.u8());
    if (protocol.empty() || is_grease(protocol) || hello.alpn_count == kMaxAlpn) continue;
    hello.alpn[hello.alpn_count++] = as_text(protocol);
  }
}

bool read_extensions(std::span<const std::byte> block, ClientHello& hello) noexcept {
  ByteReader reader(block);
  while (reader.remaining() > 0) {
    const std::uint16_t type = reader.u16();
    const auto body = reader.bytes(reader.u16());
    if (!reader.ok()) return false;
    if (type == kServerNameExtension && !read_server_names(body, hello)) return false;
    if (type == kAlpnExtension) read_alpn(body, hello);
    if (type == kEncryptedClientHelloExtension) hello.has_ech = true;
  }
  return reader.ok();
}

}  // namespace

TlsParse parse_tls_client_hello(std::span<const std::byte> stream) noexcept {
  const auto result = [](ParseStatus status) { return TlsParse{.status = status, .hello = {}}; };
  ByteReader reader(stream);
  if (stream.empty()) return result(ParseStatus::need_more);
  if (reader.u8() != kHandshakeRecord) return result(ParseStatus::absent);
  if (stream.size() > 1 && reader.u8() != kMajorVersion) return result(ParseStatus::absent);
  if (stream.size() < kRecordHeaderBytes) return result(ParseStatus::need_more);
  reader.skip(1);
  const std::size_t record_bytes = reader.u16();
  if (record_bytes > kMaxRecordBytes) return result(ParseStatus::malformed);

  const auto rest = reader.rest();
  const auto record = rest.first(record_bytes < rest.size() ? record_bytes : rest.size());
  if (record.empty()) return result(ParseStatus::need_more);
  ByteReader message(record);
  if (message.u8() != kClientHelloMessage) return result(ParseStatus::absent);
  if (record.size() < kHandshakeHeaderBytes) return result(ParseStatus::need_more);
  const std::size_t body_bytes = message.u24();
  if (body_bytes > kMaxClientHelloBytes) return result(ParseStatus::malformed);
  // A server acts on whole records, so a hello that ends inside an unfinished record is not complete either.
  if (record.size() < record_bytes || body_bytes > message.remaining()) {
    return result(ParseStatus::need_more);
  }
  return parse_client_hello_body(message.bytes(body_bytes));
}

TlsParse parse_client_hello_body(std::span<const std::byte> body) noexcept {
  TlsParse parse;
  parse.status = ParseStatus::malformed;
  ByteReader reader(body);
  reader.skip(2 + 32);        // legacy_version, random
  reader.skip(reader.u8());   // legacy_session_id
  reader.skip(reader.u16());  // cipher_suites
  reader.skip(reader.u8());   // legacy_compression_methods
  if (!reader.ok()) return parse;
  // Hellos of TLS 1.2 and before may end here (RFC 5246, 7.4.1.2).
  if (reader.remaining() > 0) {
    const auto extensions = reader.bytes(reader.u16());
    if (!reader.ok() || !read_extensions(extensions, parse.hello)) return parse;
  }
  parse.status = ParseStatus::found;
  return parse;
}

}  // namespace weir::proto
