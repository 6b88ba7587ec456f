// The only file that includes OpenSSL. The SHA256_* functions are deprecated in OpenSSL 3, but nothing else
// gives access to the state of the hash after the first block of an HMAC. Salts and labels are fixed, so
// their states and blocks are made once. A derivation then takes fourteen compressions, a fifteenth of the
// time of EVP_KDF.
#define OPENSSL_SUPPRESS_DEPRECATED  // NOLINT(cppcoreguidelines-macro-usage): OpenSSL's own switch

#include "dataplane/proto/quic/quic_initial_keys.h"

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include <openssl/sha.h>

namespace weir::proto {
namespace {

constexpr std::size_t kHashBytes = SHA256_DIGEST_LENGTH;
constexpr std::size_t kBlockBytes = SHA256_CBLOCK;

using Block = std::array<unsigned char, kBlockBytes>;
using Octets = std::span<const unsigned char>;

/// The state of a hash between two blocks.
class HashState {
 public:
  HashState() noexcept { SHA256_Init(&context_); }
  void add(const Block& block) noexcept { SHA256_Transform(&context_, block.data()); }
  void write_to(unsigned char* to) const noexcept {
    for (const std::uint32_t word : context_.h) {
      const auto big_endian = __builtin_bswap32(word);
      std::memcpy(to, &big_endian, sizeof big_endian);
      to += sizeof big_endian;
    }
  }

 private:
  static_assert(sizeof(SHA_LONG) == sizeof(std::uint32_t));
  SHA256_CTX context_{};
};

/// The last block of a hash (FIPS 180-4, 5.1.1) whose first block was the key of an HMAC: `message`, at most
/// 55 bytes, and its padding.
Block last_block(Octets message) noexcept {
  Block block{};
  std::memcpy(block.data(), message.data(), message.size());
  block[message.size()] = 0x80;
  const std::size_t bits = 8 * (kBlockBytes + message.size());
  block[kBlockBytes - 2] = static_cast<unsigned char>(bits >> 8);
  block[kBlockBytes - 1] = static_cast<unsigned char>(bits);
  return block;
}

/// HMAC-SHA-256 (RFC 2104) after its key: two states to continue from. The steps are separate, so that the
/// processor can work on independent hashes at the same time. One hash alone is a chain of dependent
/// instructions.
class KeyedHash {
 public:
  // Keys are a salt of 20 bytes or a secret of 32: shorter than a block.
  explicit KeyedHash(Octets key) noexcept {
    Block inner;
    Block outer;
    inner.fill(0x36);
    outer.fill(0x5c);
    for (std::size_t i = 0; i < key.size(); ++i) {
      inner[i] ^= key[i];
      outer[i] ^= key[i];
    }
    inner_.add(inner);
    outer_.add(outer);
  }

  /// `blocks` are messages made by last_block().
  template <std::size_t N>
  [[nodiscard]] std::array<HashState, N> of(const std::array<const Block*, N>& blocks) const noexcept {
    std::array<HashState, N> inner;
    inner.fill(inner_);
    for (std::size_t i = 0; i < N; ++i) inner[i].add(*blocks[i]);
    std::array<HashState, N> outer;
    outer.fill(outer_);
    for (std::size_t i = 0; i < N; ++i) {
      std::array<unsigned char, kHashBytes> hash;
      inner[i].write_to(hash.data());
      outer[i].add(last_block(hash));
    }
    return outer;
  }

  [[nodiscard]] KeyedHash keyed_by(const Block& message) const noexcept {
    std::array<unsigned char, kHashBytes> secret;
    of<1>({&message})[0].write_to(secret.data());
    return KeyedHash(secret);
  }

 private:
  HashState inner_;
  HashState outer_;
};

/// The input of HKDF-Expand-Label with an empty context (RFC 8446, 7.1) for one block of output.
Block label_block(std::string_view label, std::size_t output_bytes) noexcept {
  constexpr std::string_view kPrefix = "tls13 ";
  std::array<unsigned char, 32> info{};
  std::size_t size = 0;
  const auto put = [&](std::size_t byte) { info[size++] = static_cast<unsigned char>(byte); };
  put(output_bytes >> 8);
  put(output_bytes & 0xff);
  put(kPrefix.size() + label.size());
  for (const char c : kPrefix) put(static_cast<unsigned char>(c));
  for (const char c : label) put(static_cast<unsigned char>(c));
  put(0);  // no context
  put(1);  // the first block (RFC 5869, 2.3)
  return last_block(Octets(info).first(size));
}

/// How a version derives its keys.
struct Schedule {
  Schedule(Octets salt_bytes, bool version_2) noexcept
      : salt(salt_bytes),
        key(label_block(version_2 ? "quicv2 key" : "quic key", 16)),
        iv(label_block(version_2 ? "quicv2 iv" : "quic iv", 12)),
        header_protection(label_block(version_2 ? "quicv2 hp" : "quic hp", 16)) {}
  KeyedHash salt;
  Block key;
  Block iv;
  Block header_protection;
};

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

template <std::size_t N>
void put_into(std::array<std::byte, N>& to, const HashState& hash) noexcept {
  std::array<unsigned char, kHashBytes> bytes;
  hash.write_to(bytes.data());
  std::memcpy(to.data(), bytes.data(), N);
}

}  // namespace

struct QuicKeyDerivation::Schedules {
  Block client_in = label_block("client in", kHashBytes);
  Block server_in = label_block("server in", kHashBytes);
  std::array<Schedule, kSalts.size()> of_version{Schedule(kSalts[0], false), Schedule(kSalts[1], true),
                                                 Schedule(kSalts[2], false), Schedule(kSalts[3], false)};
};

QuicKeyDerivation::QuicKeyDerivation() : schedules_(std::make_unique<Schedules>()) {}
QuicKeyDerivation::~QuicKeyDerivation() = default;

QuicInitialKeys QuicKeyDerivation::derive(QuicVersion version, const QuicConnectionId& id,
                                          QuicSide side) const noexcept {
  const Schedule& schedule = schedules_->of_version[static_cast<std::size_t>(version)];
  const auto bytes = id.span();
  const Block id_block = last_block({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
  const KeyedHash initial = schedule.salt.keyed_by(id_block);
  const KeyedHash secret =
      initial.keyed_by(side == QuicSide::client ? schedules_->client_in : schedules_->server_in);
  const auto hashes = secret.of<3>({&schedule.key, &schedule.iv, &schedule.header_protection});
  QuicInitialKeys keys;
  put_into(keys.key, hashes[0]);
  put_into(keys.iv, hashes[1]);
  put_into(keys.header_protection, hashes[2]);
  return keys;
}

}  // namespace weir::proto
