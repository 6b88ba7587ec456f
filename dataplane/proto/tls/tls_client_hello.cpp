#include "dataplane/proto/tls/tls_client_hello.h"

#include <algorithm>

#include "dataplane/base/byte_reader.h"

namespace weir::proto {
namespace {

using base::ByteReader;
using base::ParseStatus;

constexpr std::uint8_t kChangeCipherSpecRecord = 20;
constexpr std::uint8_t kAlertRecord = 21;
constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kMajorVersion = 3;
constexpr std::uint8_t kClientHelloMessage = 1;
constexpr std::size_t kRecordHeaderBytes = 5;
constexpr std::size_t kHandshakeHeaderBytes = 4;
// The most that Java accepts; others accept 16384 (RFC 8446, 5.1).
constexpr std::size_t kMaxRecordBytes = 33088;
// The most that OpenSSL accepts; other servers accept less.
constexpr std::size_t kMaxClientHelloBytes = 131396;

constexpr std::uint16_t kServerNameExtension = 0;
constexpr std::uint16_t kAlpnExtension = 16;
constexpr std::uint16_t kEncryptedClientHelloExtension = 0xfe0d;
constexpr std::uint8_t kHostNameType = 0;

std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// RFC 6066, 3. Some servers stop at the first entry that does not fit and go on with the hello, so a broken
// list does not make it malformed, and the names before that entry count. The length of the list is not
// needed: whatever it says, an entry may stand anywhere up to the end of the extension.
void read_server_names(std::span<const std::byte> extension, ClientHello& hello) noexcept {
  ByteReader list(extension);
  list.skip(2);
  while (list.remaining() > 0) {
    const std::uint8_t type = list.u8();
    const auto name = list.bytes(list.u16());
    if (name.empty()) continue;
    if (type == kHostNameType) {
      if (hello.server_name_count < kMaxServerNames) {
        hello.server_names[hello.server_name_count++] = as_text(name);
      }
    } else if (hello.other_name_count < kMaxServerNames) {
      hello.other_names[hello.other_name_count++] = as_text(name);
    }
  }
}

// RFC 8701, 2: two equal bytes of the form 0x?a.
bool is_grease(std::span<const std::byte> protocol) noexcept {
  return protocol.size() == 2 && protocol[0] == protocol[1] &&
         (protocol[0] & std::byte{0x0f}) == std::byte{0x0a};
}

// RFC 7301, 3.1. Only for display: a broken list does not make the hello malformed.
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
    if (type == kServerNameExtension) read_server_names(body, hello);
    if (type == kAlpnExtension) read_alpn(body, hello);
    if (type == kEncryptedClientHelloExtension) hello.has_ech = true;
  }
  return reader.ok();
}

TlsParse result(ParseStatus status) noexcept { return {.status = status, .hello = {}}; }

TlsParse need_more(std::size_t stream_bytes) noexcept {
  TlsParse parse = result(ParseStatus::need_more);
  parse.needed_bytes = stream_bytes;
  return parse;
}

// Assembles the handshake message from its records.
class HelloRecords {
 public:
  HelloRecords(std::span<const std::byte> stream, std::span<std::byte> assembly) noexcept
      : reader_(stream), assembly_(assembly) {}

  TlsParse parse() noexcept {
    for (;;) {
      const ParseStatus status = read_record();
      if (status == ParseStatus::need_more) {
        TlsParse parse = need_more(needed_bytes_);
        parse.leading_bytes = leading_bytes_;
        return parse;
      }
      if (status != ParseStatus::found) return result(status);
      if (message_.empty()) leading_bytes_ = reader_.position();
      if (!complete()) continue;
      TlsParse parse = parse_client_hello_body(message_.subspan(kHandshakeHeaderBytes, body_bytes()));
      parse.stream_bytes = reader_.position();
      return parse;
    }
  }

 private:
  // Between the pieces of a hello. OpenSSL passes over 32 in a row, Go over 16; NSS and Java have no limit.
  static constexpr std::size_t kMaxSkippedRecords = 1024;

  // found: one complete record has been added to the message or skipped. The version is not looked at: Java
  // and NSS take any, Go takes any below 0x1000.
  ParseStatus read_record() noexcept {
    const auto rest = reader_.rest();
    needed_bytes_ = reader_.position() + kRecordHeaderBytes + (rest.empty() ? missing_bytes() : 0);
    if (rest.empty()) return ParseStatus::need_more;
    const std::uint8_t type = reader_.u8();
    if (type < kChangeCipherSpecRecord || type > kHandshakeRecord) return ParseStatus::absent;
    if (rest.size() < kRecordHeaderBytes) return ParseStatus::need_more;
    reader_.skip(2);
    const std::size_t record_bytes = reader_.u16();
    const auto there = reader_.rest().first(std::min(record_bytes, reader_.remaining()));
    if (type != kHandshakeRecord && !is_passed_over(type, record_bytes, there)) return ParseStatus::absent;
    if (type != kHandshakeRecord || record_bytes == 0) return skip_record(record_bytes);
    if (record_bytes > kMaxRecordBytes) return ParseStatus::malformed;

    // The part of a record that has been received may already decide.
    if (message_.empty() && !there.empty() && there.front() != std::byte{kClientHelloMessage}) {
      return ParseStatus::absent;
    }
    if (message_.empty() && there.size() >= kHandshakeHeaderBytes &&
        body_bytes_of(there) > kMaxClientHelloBytes) {
      return ParseStatus::malformed;
    }
    // A server acts on complete records.
    if (there.size() < record_bytes) {
      needed_bytes_ = reader_.position() + record_bytes;
      const std::size_t missing = message_.empty() && there.size() < kHandshakeHeaderBytes
                                      ? 0
                                      : total_bytes(message_.empty() ? there : message_) - message_.size();
      if (missing > record_bytes) needed_bytes_ += kRecordHeaderBytes + missing - record_bytes;
      return ParseStatus::need_more;
    }
    reader_.skip(record_bytes);
    return add(there);
  }

  // Whether some server goes on after such a record before it has the whole hello: change_cipher_spec, empty
  // (OpenSSL) or of one byte (GnuTLS, wolfSSL), or a warning (Go, Java, NSS).
  static bool is_passed_over(std::uint8_t type, std::size_t record_bytes,
                             std::span<const std::byte> there) noexcept {
    constexpr std::byte kWarning{1};
    constexpr std::size_t kAlertBytes = 2;
    constexpr std::size_t kMostAlertBytes = 64;
    if (type == kChangeCipherSpecRecord) return record_bytes <= 1;
    return type == kAlertRecord && record_bytes >= kAlertBytes && record_bytes <= kMostAlertBytes &&
           (there.empty() || there.front() == kWarning);
  }

  ParseStatus skip_record(std::size_t record_bytes) noexcept {
    if (!message_.empty() && ++skipped_records_ > kMaxSkippedRecords) return ParseStatus::malformed;
    if (record_bytes > reader_.remaining()) {
      needed_bytes_ = reader_.position() + record_bytes + kRecordHeaderBytes + missing_bytes();
      return ParseStatus::need_more;
    }
    reader_.skip(record_bytes);
    return ParseStatus::found;
  }

  ParseStatus add(std::span<const std::byte> fragment) noexcept {
    if (message_.empty()) {
      message_ = fragment;
      return ParseStatus::found;
    }
    if (message_.size() + fragment.size() > assembly_.size()) {
      // Without room no further bytes can complete the hello.
      return assembly_.empty() ? ParseStatus::need_more : ParseStatus::malformed;
    }
    if (message_.data() != assembly_.data()) std::copy(message_.begin(), message_.end(), assembly_.begin());
    std::copy(fragment.begin(), fragment.end(),
              assembly_.begin() + static_cast<std::ptrdiff_t>(message_.size()));
    message_ = assembly_.first(message_.size() + fragment.size());
    const bool too_long = message_.size() >= kHandshakeHeaderBytes && body_bytes() > kMaxClientHelloBytes;
    return too_long ? ParseStatus::malformed : ParseStatus::found;
  }

  static std::size_t body_bytes_of(std::span<const std::byte> message) noexcept {
    ByteReader reader(message);
    reader.skip(1);
    return reader.u24();
  }
  // Header and body; the size of the header until the header is complete.
  static std::size_t total_bytes(std::span<const std::byte> message) noexcept {
    const bool known = message.size() >= kHandshakeHeaderBytes;
    return kHandshakeHeaderBytes + (known ? body_bytes_of(message) : 0);
  }
  [[nodiscard]] std::size_t body_bytes() const noexcept { return body_bytes_of(message_); }
  [[nodiscard]] std::size_t missing_bytes() const noexcept {
    const std::size_t total = total_bytes(message_);
    return total > message_.size() ? total - message_.size() : 0;
  }
  [[nodiscard]] bool complete() const noexcept {
    return message_.size() >= kHandshakeHeaderBytes && missing_bytes() == 0;
  }

  ByteReader reader_;
  std::span<std::byte> assembly_;
  std::span<const std::byte> message_;
  std::size_t needed_bytes_ = 0;
  std::size_t leading_bytes_ = 0;
  std::size_t skipped_records_ = 0;
};

// RFC 5246, E.2: a length with the top bit set, message type, version, three lengths and the three parts that
// they count. Read strictly, because many other protocols begin with such a byte.
TlsParse parse_ssl2_hello(std::span<const std::byte> stream) noexcept {
  constexpr std::size_t kLengthBytes = 2;
  constexpr std::size_t kFixedBytes = 9;
  constexpr std::size_t kMaxSessionIdBytes = 32;
  constexpr std::size_t kMaxChallengeBytes = 32;
  if (stream.size() > 2 && stream[2] != std::byte{kClientHelloMessage}) return result(ParseStatus::absent);
  if (stream.size() > 3 && stream[3] != std::byte{kMajorVersion}) return result(ParseStatus::absent);
  if (stream.size() < kLengthBytes + kFixedBytes) return need_more(kLengthBytes + kFixedBytes);
  ByteReader reader(stream);
  const std::size_t message_bytes = reader.u16() & 0x7fffU;
  reader.skip(3);
  const std::size_t cipher_bytes = reader.u16();
  const std::size_t session_id_bytes = reader.u16();
  const std::size_t challenge_bytes = reader.u16();
  const bool fits = message_bytes == kFixedBytes + cipher_bytes + session_id_bytes + challenge_bytes;
  if (!fits || cipher_bytes == 0 || cipher_bytes % 3 != 0 || session_id_bytes > kMaxSessionIdBytes ||
      challenge_bytes < 16 || challenge_bytes > kMaxChallengeBytes) {
    return result(ParseStatus::absent);
  }
  if (stream.size() < kLengthBytes + message_bytes) return need_more(kLengthBytes + message_bytes);
  TlsParse parse = result(ParseStatus::found);
  parse.stream_bytes = kLengthBytes + message_bytes;
  return parse;
}

}  // namespace

TlsParse parse_tls_client_hello(std::span<const std::byte> stream, std::span<std::byte> assembly) noexcept {
  if (stream.empty()) return need_more(kRecordHeaderBytes);
  if ((stream.front() & std::byte{0x80}) != std::byte{0}) return parse_ssl2_hello(stream);
  return HelloRecords(stream, assembly).parse();
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
