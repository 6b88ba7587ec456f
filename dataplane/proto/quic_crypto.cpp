// The only file that includes OpenSSL. The SHA256_* functions are deprecated in OpenSSL 3, but nothing else
// gives access to the hash's state after the first block of an HMAC: salts and labels are fixed, and with
// their states at hand a derivation takes a tenth of the time of EVP_KDF.
#define OPENSSL_SUPPRESS_DEPRECATED  // NOLINT(cppcoreguidelines-macro-usage): OpenSSL's own switch

#include "proto/quic_crypto.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#include <openssl/evp.h>
#include <openssl/sha.h>

namespace weir::proto {
namespace {

constexpr std::size_t kHashBytes = SHA256_DIGEST_LENGTH;
constexpr std::size_t kBlockBytes = SHA256_CBLOCK;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kSampleBytes = 16;
constexpr std::size_t kMaxPacketNumberBytes = 4;

using Hash = std::array<unsigned char, kHashBytes>;

const unsigned char* octets(std::span<const std::byte> bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

/// HMAC-SHA-256 (RFC 2104) with its key already worked in: two hash states to go on from.
class KeyedHash {
 public:
  explicit KeyedHash(std::span<const unsigned char> key) noexcept {
    begin(inner_, key, 0x36);
    begin(outer_, key, 0x5c);
  }

  [[nodiscard]] Hash of(std::span<const unsigned char> message) const noexcept {
    Hash hash;
    SHA256_CTX state = inner_;
    SHA256_Update(&state, message.data(), message.size());
    SHA256_Final(hash.data(), &state);
    state = outer_;
    SHA256_Update(&state, hash.data(), hash.size());
    SHA256_Final(hash.data(), &state);
    return hash;
  }

 private:
  // Keys are a salt of 20 bytes or a secret of 32: shorter than a block.
  static void begin(SHA256_CTX& state, std::span<const unsigned char> key, unsigned char pad) noexcept {
    std::array<unsigned char, kBlockBytes> block;
    block.fill(pad);
    for (std::size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
    SHA256_Init(&state);
    SHA256_Update(&state, block.data(), block.size());
  }

  SHA256_CTX inner_{};
  SHA256_CTX outer_{};
};

/// The input of HKDF-Expand-Label with an empty context (RFC 8446, 7.1) for one block of output.
class LabelInfo {
 public:
  LabelInfo(std::string_view label, std::size_t output_bytes) noexcept {
    put(static_cast<unsigned char>(output_bytes >> 8));
    put(static_cast<unsigned char>(output_bytes));
    put(static_cast<unsigned char>(kPrefix.size() + label.size()));
    for (const char c : kPrefix) put(static_cast<unsigned char>(c));
    for (const char c : label) put(static_cast<unsigned char>(c));
    put(0);  // no context
    put(1);  // the first block (RFC 5869, 2.3)
  }
  [[nodiscard]] std::span<const unsigned char> bytes() const noexcept {
    return std::span(bytes_).first(size_);
  }

 private:
  static constexpr std::string_view kPrefix = "tls13 ";
  void put(unsigned char byte) noexcept { bytes_[size_++] = byte; }

  std::array<unsigned char, 32> bytes_{};
  std::size_t size_ = 0;
};

/// How a version derives its keys.
struct Schedule {
  KeyedHash salt;
  LabelInfo key;
  LabelInfo iv;
  LabelInfo header_protection;
};

Schedule schedule_of(std::span<const unsigned char> salt, bool version_2) noexcept {
  return {.salt = KeyedHash(salt),
          .key = LabelInfo(version_2 ? "quicv2 key" : "quic key", 16),
          .iv = LabelInfo(version_2 ? "quicv2 iv" : "quic iv", 12),
          .header_protection = LabelInfo(version_2 ? "quicv2 hp" : "quic hp", 16)};
}

using Salt = std::array<unsigned char, 20>;
// RFC 9001, 5.2; RFC 9369, 3.3.1; draft-ietf-quic-tls-29 and -23, 5.2. In the order of QuicVersion.
constexpr std::array<Salt, 4> kSalts{{
    {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
     0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
    {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
     0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
    {0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
     0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99},
    {0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
     0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02},
}};
static_assert(kSalts.size() == static_cast<std::size_t>(QuicVersion::unknown));

struct CipherDeleter {
  void operator()(EVP_CIPHER* cipher) const noexcept { EVP_CIPHER_free(cipher); }
};
struct ContextDeleter {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER, CipherDeleter>;
using Context = std::unique_ptr<EVP_CIPHER_CTX, ContextDeleter>;

/// RFC 9000, A.3: the number nearest to the expected one that ends in the bytes that were sent.
std::uint64_t whole_number(std::uint64_t next_number, std::uint64_t sent, std::size_t bytes) noexcept {
  const std::uint64_t window = std::uint64_t{1} << (8 * bytes);
  const std::uint64_t candidate = (next_number & ~(window - 1)) | sent;
  if (candidate + window / 2 <= next_number) return candidate + window;
  if (candidate > next_number + window / 2 && candidate >= window) return candidate - window;
  return candidate;
}

using Nonce = std::array<unsigned char, 12>;

/// RFC 9001, 5.3.
Nonce nonce_of(const QuicInitialKeys& keys, std::uint64_t packet_number) noexcept {
  Nonce nonce;
  std::memcpy(nonce.data(), keys.iv.data(), nonce.size());
  for (std::size_t i = 0; i < sizeof packet_number; ++i) {
    nonce[nonce.size() - 1 - i] ^= static_cast<unsigned char>(packet_number >> (8 * i));
  }
  return nonce;
}

Context make_context(const char* name, bool encrypt) {
  const Cipher cipher(EVP_CIPHER_fetch(nullptr, name, nullptr));
  Context context(EVP_CIPHER_CTX_new());
  // Any key will do: each packet sets its own.
  const std::array<unsigned char, 16> key{};
  if (!cipher || !context ||
      EVP_CipherInit_ex2(context.get(), cipher.get(), key.data(), key.data(), encrypt ? 1 : 0, nullptr) !=
          1) {
    throw std::runtime_error(std::string("QUIC cannot be inspected: OpenSSL has no ") + name);
  }
  EVP_CIPHER_CTX_set_padding(context.get(), 0);
  return context;
}

}  // namespace

class QuicCrypto::Engine {
 public:
  Engine() : header_(make_context("AES-128-ECB", true)), payload_(make_context("AES-128-GCM", false)) {}

  [[nodiscard]] QuicInitialKeys derive(QuicVersion version, const QuicConnectionId& id) const noexcept {
    const Schedule& schedule = schedules_[static_cast<std::size_t>(version)];
    const Hash initial = schedule.salt.of({octets(id.span()), id.span().size()});
    const KeyedHash client(KeyedHash(initial).of(client_in_.bytes()));
    QuicInitialKeys keys;
    const auto expand = [&client](const LabelInfo& label, auto& to) {
      const Hash block = client.of(label.bytes());
      std::memcpy(to.data(), block.data(), to.size());
    };
    expand(schedule.key, keys.key);
    expand(schedule.iv, keys.iv);
    expand(schedule.header_protection, keys.header_protection);
    return keys;
  }

  [[nodiscard]] std::array<unsigned char, 16> mask(const QuicInitialKeys& keys,
                                                   std::span<const std::byte> sample) noexcept {
    std::array<unsigned char, 16> mask{};
    int size = 0;
    EVP_EncryptInit_ex2(header_.get(), nullptr, octets(keys.header_protection), nullptr, nullptr);
    EVP_EncryptUpdate(header_.get(), mask.data(), &size, octets(sample), static_cast<int>(sample.size()));
    return mask;
  }

  bool decrypt(const QuicInitialKeys& keys, std::uint64_t packet_number,
               std::span<const unsigned char> header, std::span<const std::byte> sealed,
               std::span<std::byte> plaintext) noexcept {
    EVP_CIPHER_CTX* context = payload_.get();
    const std::size_t size = sealed.size() - kTagBytes;
    std::array<unsigned char, kTagBytes> tag;
    std::memcpy(tag.data(), sealed.data() + size, tag.size());
    auto* out = reinterpret_cast<unsigned char*>(plaintext.data());
    const Nonce nonce = nonce_of(keys, packet_number);
    int written = 0;
    return EVP_DecryptInit_ex2(context, nullptr, octets(keys.key), nonce.data(), nullptr) == 1 &&
           EVP_DecryptUpdate(context, nullptr, &written, header.data(), static_cast<int>(header.size())) ==
               1 &&
           EVP_DecryptUpdate(context, out, &written, octets(sealed), static_cast<int>(size)) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1 &&
           EVP_DecryptFinal_ex(context, out + size, &written) == 1;
  }

  /// The header with its protection off is what the tag covers: a copy, since packets are not ours to change.
  std::array<unsigned char, 65535> header_copy{};

 private:
  Context header_;
  Context payload_;
  LabelInfo client_in_{"client in", kHashBytes};
  std::array<Schedule, kSalts.size()> schedules_{schedule_of(kSalts[0], false), schedule_of(kSalts[1], true),
                                                 schedule_of(kSalts[2], false),
                                                 schedule_of(kSalts[3], false)};
};

QuicCrypto::QuicCrypto() : engine_(std::make_unique<Engine>()) {}
QuicCrypto::~QuicCrypto() = default;

const QuicInitialKeys& QuicCrypto::client_keys(QuicVersion version, const QuicConnectionId& id) noexcept {
  // Ids of clients are random, so any two bytes spread them; ids that are chosen to meet cost a derivation.
  const auto bytes = id.span();
  const std::size_t place = bytes.size() < 2 ? 0
                                             : std::to_integer<std::size_t>(bytes.front()) ^
                                                   std::to_integer<std::size_t>(bytes.back());
  CachedKeys& cached = cache_[place % kCachedKeys];
  if (cached.version != version || cached.id != id) {
    cached = {.version = version, .id = id, .keys = engine_->derive(version, id)};
  }
  return cached.keys;
}

std::optional<QuicOpened> QuicCrypto::open(const QuicInitialKeys& keys, const QuicPacket& packet,
                                           std::uint64_t next_number,
                                           std::span<std::byte> plaintext) noexcept {
  const std::size_t offset = packet.packet_number_offset;
  auto& header = engine_->header_copy;
  if (packet.bytes.size() < offset + kMaxPacketNumberBytes + kSampleBytes ||
      offset + kMaxPacketNumberBytes > header.size() || plaintext.size() < packet.bytes.size()) {
    return std::nullopt;
  }
  // RFC 9001, 5.4.2: the sample stands where it would if the packet number had four bytes.
  const auto mask = engine_->mask(keys, packet.bytes.subspan(offset + kMaxPacketNumberBytes, kSampleBytes));
  std::memcpy(header.data(), packet.bytes.data(), offset + kMaxPacketNumberBytes);
  header[0] = static_cast<unsigned char>(header[0] ^ (mask[0] & 0x0fU));
  const std::size_t number_bytes = (header[0] & 3U) + std::size_t{1};
  std::uint64_t sent = 0;
  for (std::size_t i = 0; i < number_bytes; ++i) {
    header[offset + i] ^= mask[1 + i];
    sent = sent << 8 | header[offset + i];
  }
  const auto covered = std::span(header).first(offset + number_bytes);
  const auto sealed = packet.bytes.subspan(offset + number_bytes);
  std::uint64_t number = whole_number(next_number, sent, number_bytes);
  bool authentic = engine_->decrypt(keys, number, covered, sealed, plaintext);
  if (!authentic && number != sent) {
    number = sent;
    authentic = engine_->decrypt(keys, number, covered, sealed, plaintext);
  }
  if (!authentic) return std::nullopt;
  return QuicOpened{.frames = plaintext.first(sealed.size() - kTagBytes), .packet_number = number};
}

}  // namespace weir::proto
