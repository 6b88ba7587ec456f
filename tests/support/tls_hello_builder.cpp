#include "tests/support/tls_hello_builder.h"

#include <algorithm>
#include <stdexcept>

namespace weir::test {
namespace {

constexpr std::uint16_t kGrease = 0x5a5a;
constexpr std::uint16_t kPadding = 21;
constexpr std::size_t kRecordHeaderBytes = 5;

// A vector with a length of `width` bytes before it.
void append_vector(Bytes& to, std::span<const std::byte> bytes, std::size_t width) {
  append_integer(to, bytes.size(), width);
  append(to, bytes);
}

}  // namespace

TlsHelloBuilder& TlsHelloBuilder::legacy_version(std::uint16_t version) {
  legacy_version_ = version;
  return *this;
}

TlsHelloBuilder& TlsHelloBuilder::record_version(std::uint16_t version) {
  record_version_ = version;
  return *this;
}

TlsHelloBuilder& TlsHelloBuilder::session_id(std::size_t bytes) {
  session_id_bytes_ = bytes;
  return *this;
}

TlsHelloBuilder& TlsHelloBuilder::grease() {
  grease_ = true;
  return extension(kGrease, {});
}

TlsHelloBuilder& TlsHelloBuilder::typical() {
  extension(43, from_hex("04 0304 0303"));              // supported_versions
  extension(10, from_hex("0004 001d 0017"));            // supported_groups
  extension(13, from_hex("0008 0403 0804 0401 0806"));  // signature_algorithms
  Bytes share = from_hex("0024 001d 0020");             // key_share: x25519
  append(share, Bytes(32, std::byte{9}));
  return extension(51, share);
}

TlsHelloBuilder& TlsHelloBuilder::server_names(const std::vector<std::string_view>& names,
                                               std::uint8_t name_type) {
  Bytes list;
  for (const auto name : names) {
    append_integer(list, name_type, 1);
    append_vector(list, to_bytes(name), 2);
  }
  Bytes content;
  append_vector(content, list, 2);
  return extension(0, content);
}

TlsHelloBuilder& TlsHelloBuilder::alpn(const std::vector<std::string_view>& protocols) {
  Bytes list;
  for (const auto protocol : protocols) append_vector(list, to_bytes(protocol), 1);
  Bytes content;
  append_vector(content, list, 2);
  return extension(16, content);
}

TlsHelloBuilder& TlsHelloBuilder::ech(std::size_t payload_bytes) {
  Bytes content = from_hex("00 0001 0001 2a");  // outer, HKDF-SHA256, AES-128-GCM, configuration id
  append_vector(content, Bytes(32, std::byte{7}), 2);
  append_vector(content, Bytes(payload_bytes, std::byte{0xec}), 2);
  return extension(0xfe0d, content);
}

TlsHelloBuilder& TlsHelloBuilder::extension(std::uint16_t type, std::span<const std::byte> content) {
  extensions_.push_back({type, Bytes(content.begin(), content.end())});
  return *this;
}

TlsHelloBuilder& TlsHelloBuilder::pad_to(std::size_t record_bytes) {
  pad_to_ = record_bytes;
  padding_index_ = extensions_.size();
  return extension(kPadding, {});
}

TlsHelloBuilder& TlsHelloBuilder::without_extensions() {
  without_extensions_ = true;
  return *this;
}

Bytes TlsHelloBuilder::body() const {
  if (pad_to_ == 0) return body_with_padding(0);
  const std::size_t unpadded_bytes = body_with_padding(0).size() + 4 + kRecordHeaderBytes;
  if (unpadded_bytes > pad_to_) throw std::logic_error("the hello is already larger than pad_to()");
  return body_with_padding(pad_to_ - unpadded_bytes);
}

Bytes TlsHelloBuilder::body_with_padding(std::size_t padding_bytes) const {
  Bytes hello;
  append_integer(hello, legacy_version_, 2);
  append(hello, Bytes(32, std::byte{0xaa}));  // random
  append_vector(hello, Bytes(session_id_bytes_, std::byte{0xbb}), 1);
  Bytes suites;
  if (grease_) append_integer(suites, kGrease, 2);
  append(suites, from_hex("1301 1302 1303 c02b c02f"));
  append_vector(hello, suites, 2);
  append_vector(hello, Bytes(1), 1);  // no compression
  if (without_extensions_) return hello;
  Bytes block;
  for (std::size_t i = 0; i < extensions_.size(); ++i) {
    const bool padding = pad_to_ != 0 && i == padding_index_;
    append_integer(block, extensions_[i].type, 2);
    append_vector(block, padding ? Bytes(padding_bytes) : extensions_[i].body, 2);
  }
  append_vector(hello, block, 2);
  return hello;
}

Bytes TlsHelloBuilder::handshake() const {
  Bytes message = from_hex("01");
  append_vector(message, body(), 3);
  return message;
}

Bytes TlsHelloBuilder::record() const { return records(0xffff); }

Bytes TlsHelloBuilder::records(std::size_t fragment_bytes) const {
  if (fragment_bytes == 0) throw std::logic_error("records of 0 bytes never end");
  const Bytes message = handshake();
  Bytes stream;
  for (std::size_t offset = 0; offset < message.size(); offset += fragment_bytes) {
    append_integer(stream, 22, 1);
    append_integer(stream, record_version_, 2);
    const std::size_t size = std::min(fragment_bytes, message.size() - offset);
    append_vector(stream, std::span(message).subspan(offset, size), 2);
  }
  return stream;
}

}  // namespace weir::test
