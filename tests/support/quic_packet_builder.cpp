#include "tests/support/quic_packet_builder.h"

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace weir::test {
namespace {

constexpr std::size_t kTagBytes = 16;

const unsigned char* octets(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* octets(Bytes& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

void check(bool done) {
  if (!done) throw std::runtime_error("OpenSSL refuses a QUIC test packet");
}

Bytes hmac(std::span<const std::byte> key, std::span<const std::byte> message) {
  Bytes hash(32);
  unsigned size = 0;
  check(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), octets(message), message.size(),
             octets(hash), &size) != nullptr);
  return hash;
}

// RFC 8446, 7.1; outputs of one block.
Bytes expand_label(std::span<const std::byte> secret, std::string_view label, std::size_t bytes) {
  Bytes info;
  append_integer(info, bytes, 2);
  append_integer(info, label.size() + 6, 1);
  append(info, to_bytes("tls13 "));
  append(info, to_bytes(label));
  append(info, from_hex("00 01"));
  Bytes block = hmac(secret, info);
  block.resize(bytes);
  return block;
}

Bytes salt_of(std::uint32_t version) {
  if (version == kQuicV2) return from_hex("0dede3def700a6db819381be6e269dcbf9bd2ed9");
  if (version >= 0xff000017 && version <= 0xff00001c) {
    return from_hex("c3eef712c72ebb5a11a7d2432bb46365bef9f502");
  }
  if (version >= kQuicDraft29 && version <= 0xff000020) {
    return from_hex("afbfec289993d24c9e9786f19c6111e04390a899");
  }
  return from_hex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a");
}

struct Keys {
  Bytes key;
  Bytes iv;
  Bytes header_protection;
};

Keys keys_of(std::string_view side, std::uint32_t version, std::span<const std::byte> id) {
  const Bytes secret = expand_label(hmac(salt_of(version), id), side, 32);
  const std::string prefix = version == kQuicV2 ? "quicv2 " : "quic ";
  return {.key = expand_label(secret, prefix + "key", 16),
          .iv = expand_label(secret, prefix + "iv", 12),
          .header_protection = expand_label(secret, prefix + "hp", 16)};
}

using Context = std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)>;

Bytes seal(const Keys& keys, std::uint64_t number, std::span<const std::byte> header,
           std::span<const std::byte> payload) {
  Bytes nonce = keys.iv;
  for (std::size_t i = 0; i < 8; ++i) nonce[11 - i] ^= static_cast<std::byte>(number >> (8 * i));
  const Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  Bytes sealed(payload.size() + kTagBytes);
  int size = 0;
  check(EVP_EncryptInit_ex(context.get(), EVP_aes_128_gcm(), nullptr, octets(keys.key), octets(nonce)) == 1);
  check(EVP_EncryptUpdate(context.get(), nullptr, &size, octets(header), static_cast<int>(header.size())) ==
        1);
  check(EVP_EncryptUpdate(context.get(), octets(sealed), &size, octets(payload),
                          static_cast<int>(payload.size())) == 1);
  check(EVP_EncryptFinal_ex(context.get(), octets(sealed) + size, &size) == 1);
  check(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes,
                            octets(sealed) + payload.size()) == 1);
  return sealed;
}

Bytes header_mask(const Keys& keys, std::span<const std::byte> sample) {
  const Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  Bytes mask(32);
  int size = 0;
  check(EVP_EncryptInit_ex(context.get(), EVP_aes_128_ecb(), nullptr, octets(keys.header_protection),
                           nullptr) == 1);
  check(EVP_EncryptUpdate(context.get(), octets(mask), &size, octets(sample), 16) == 1);
  return mask;
}

Bytes long_header(std::byte first, std::uint32_t version, std::span<const std::byte> destination,
                  std::span<const std::byte> source) {
  Bytes header{first};
  append_integer(header, version, 4);
  append_integer(header, destination.size(), 1);
  append(header, destination);
  append_integer(header, source.size(), 1);
  append(header, source);
  return header;
}

}  // namespace

void append_quic_integer(Bytes& to, std::uint64_t value, std::size_t width) {
  if (width == 0) width = value < 64 ? 1 : value < 16384 ? 2 : value < (1U << 30) ? 4 : 8;
  const std::uint64_t prefix = width == 1 ? 0 : width == 2 ? 1 : width == 4 ? 2 : 3;
  append_integer(to, value | prefix << (8 * width - 2), width);
}

QuicPacketBuilder& QuicPacketBuilder::version(std::uint32_t number) {
  version_ = number;
  return *this;
}

QuicPacketBuilder& QuicPacketBuilder::type(Type type) {
  type_ = type;
  return *this;
}

QuicPacketBuilder& QuicPacketBuilder::id(std::string_view hex) {
  id_ = from_hex(hex);
  return *this;
}

QuicPacketBuilder& QuicPacketBuilder::source_id(std::string_view hex) {
  source_id_ = from_hex(hex);
  return *this;
}

QuicPacketBuilder& QuicPacketBuilder::keys_from(std::string_view hex) {
  keys_from_ = from_hex(hex);
  return *this;
}

QuicPacketBuilder& QuicPacketBuilder::token(std::span<const std::byte> bytes) {
  token_.assign(bytes.begin(), bytes.end());
  return *this;
}

QuicPacketBuilder& QuicPacketBuilder::number(std::uint64_t value, std::size_t sent_bytes) {
  if (sent_bytes < 1 || sent_bytes > 4) throw std::logic_error("a packet number goes in 1 to 4 bytes");
  number_ = value;
  number_bytes_ = sent_bytes;
  return *this;
}

QuicPacketBuilder& QuicPacketBuilder::clear_quic_bit() {
  quic_bit_ = false;
  return *this;
}

QuicPacketBuilder& QuicPacketBuilder::from_server() {
  from_server_ = true;
  return *this;
}

QuicPacketBuilder& QuicPacketBuilder::crypto(std::uint64_t offset, std::span<const std::byte> data) {
  append_integer(payload_, 6, 1);
  append_quic_integer(payload_, offset);
  append_quic_integer(payload_, data.size());
  append(payload_, data);
  return *this;
}

QuicPacketBuilder& QuicPacketBuilder::ping() { return frames(from_hex("01")); }
QuicPacketBuilder& QuicPacketBuilder::padding(std::size_t bytes) { return frames(Bytes(bytes)); }
// Acknowledges packets 3 and 1.
QuicPacketBuilder& QuicPacketBuilder::ack() { return frames(from_hex("02 03 00 01 00 00 00")); }
QuicPacketBuilder& QuicPacketBuilder::connection_close() { return frames(from_hex("1c 0a 00 03 616263")); }

QuicPacketBuilder& QuicPacketBuilder::frames(std::span<const std::byte> bytes) {
  append(payload_, bytes);
  return *this;
}

QuicPacketBuilder& QuicPacketBuilder::pad_to(std::size_t bytes) {
  pad_to_ = bytes;
  return *this;
}

Bytes QuicPacketBuilder::header(std::size_t payload_bytes) const {
  const bool v2 = version_ == kQuicV2;
  const unsigned type = (static_cast<unsigned>(type_) + (v2 ? 1U : 0U)) % 4;
  const unsigned first =
      0x80U | (quic_bit_ ? 0x40U : 0U) | type << 4 | static_cast<unsigned>(number_bytes_ - 1);
  Bytes header = long_header(static_cast<std::byte>(first), version_, id_, source_id_);
  if (type_ == Type::initial) {
    append_quic_integer(header, token_.size());
    append(header, token_);
  }
  append_quic_integer(header, number_bytes_ + payload_bytes + kTagBytes, 2);
  append_integer(header, number_, number_bytes_);
  return header;
}

Bytes QuicPacketBuilder::protect(Bytes header, std::span<const std::byte> payload) const {
  const Keys keys = keys_of(from_server_ ? "server in" : "client in", version_, keys_from_.value_or(id_));
  const Bytes sealed = seal(keys, number_, header, payload);
  const std::size_t number_offset = header.size() - number_bytes_;
  append(header, sealed);
  const Bytes mask = header_mask(keys, std::span(header).subspan(number_offset + 4, 16));
  header[0] ^= mask[0] & std::byte{0x0f};
  for (std::size_t i = 0; i < number_bytes_; ++i) header[number_offset + i] ^= mask[1 + i];
  return header;
}

Bytes QuicPacketBuilder::build() const {
  Bytes payload = payload_;
  // The sample of header protection needs four bytes of number and payload (RFC 9001, 5.4.2).
  if (payload.size() + number_bytes_ < 4) payload.resize(4 - number_bytes_);
  if (pad_to_ != 0) {
    const std::size_t rest = header(0).size() + kTagBytes;
    if (rest + payload.size() > pad_to_) throw std::logic_error("the packet is already larger than pad_to()");
    payload.resize(pad_to_ - rest);
  }
  return protect(header(payload.size()), payload);
}

Bytes quic_retry(std::uint32_t version, std::string_view destination_id, std::string_view source_id) {
  const auto first = version == kQuicV2 ? std::byte{0xc0} : std::byte{0xf0};
  Bytes packet = long_header(first, version, from_hex(destination_id), from_hex(source_id));
  append(packet, to_bytes("token"));
  append(packet, Bytes(16, std::byte{0x5a}));
  return packet;
}

Bytes quic_version_negotiation(std::string_view destination_id, std::string_view source_id,
                               const std::vector<std::uint32_t>& versions) {
  Bytes packet = long_header(std::byte{0xea}, 0, from_hex(destination_id), from_hex(source_id));
  for (const std::uint32_t version : versions) append_integer(packet, version, 4);
  return packet;
}

std::vector<QuicPiece> quic_pieces(std::span<const std::byte> stream, std::size_t count) {
  std::vector<QuicPiece> pieces;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t begin = stream.size() * i / count;
    const std::size_t end = stream.size() * (i + 1) / count;
    const auto data = stream.subspan(begin, end - begin);
    pieces.push_back({.offset = begin, .data = Bytes(data.begin(), data.end())});
  }
  return pieces;
}

std::vector<QuicPiece> shuffled(std::vector<QuicPiece> pieces, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::shuffle(pieces.begin(), pieces.end(), random);
  return pieces;
}

}  // namespace weir::test
