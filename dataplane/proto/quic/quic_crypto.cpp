// The only file that includes intel-ipsec-mb. For a single key, mask and packet it takes a third of the time
// of OpenSSL's EVP, which allocates memory when a context gets another key.
#include "dataplane/proto/quic/quic_crypto.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include <intel-ipsec-mb.h>

namespace weir::proto {
namespace {

constexpr std::size_t kSampleBytes = 16;
constexpr std::size_t kMaxPacketNumberBytes = 4;

/// RFC 9000, A.3: the number nearest to the expected one that ends in the bytes sent.
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

struct ManagerDeleter {
  void operator()(IMB_MGR* manager) const noexcept { free_mb_mgr(manager); }
};
using Manager = std::unique_ptr<IMB_MGR, ManagerDeleter>;

Manager make_manager() {
  Manager manager(alloc_mb_mgr(0));
  if (!manager) throw std::runtime_error("QUIC cannot be inspected: no memory for intel-ipsec-mb");
  init_mb_mgr_auto(manager.get(), nullptr);
  if (const int error = imb_get_errno(manager.get()); error != 0) {
    throw std::runtime_error(
        std::string("QUIC cannot be inspected: intel-ipsec-mb does not run on this processor: ") +
        imb_get_strerror(error));
  }
  return manager;
}

}  // namespace

class QuicCrypto::Engine {
 public:
  Engine() : manager_(make_manager()) {}

  [[nodiscard]] std::array<unsigned char, kSampleBytes> mask(const QuicInitialKeys& keys,
                                                             std::span<const std::byte> sample) noexcept {
    IMB_AES_KEYEXP_128(manager_.get(), keys.header_protection.data(), header_encryption_.data(),
                       header_decryption_.data());
    // In cipher feedback mode one block of zeros becomes the encrypted initial vector.
    const std::array<unsigned char, kSampleBytes> zeros{};
    std::array<unsigned char, kSampleBytes> mask;
    IMB_AES128_CFB_ONE(manager_.get(), mask.data(), zeros.data(), sample.data(), header_encryption_.data(),
                       mask.size());
    return mask;
  }

  bool decrypt(const QuicInitialKeys& keys, std::uint64_t packet_number,
               std::span<const unsigned char> header, std::span<const std::byte> sealed,
               std::span<std::byte> plaintext) noexcept {
    work_in(keys);
    const std::size_t size = sealed.size() - kTagBytes;
    const Nonce nonce = nonce_of(keys, packet_number);
    std::array<unsigned char, kTagBytes> tag;
    IMB_AES128_GCM_DEC(manager_.get(), &payload_key_, &payload_context_,
                       reinterpret_cast<unsigned char*>(plaintext.data()),
                       reinterpret_cast<const unsigned char*>(sealed.data()), size, nonce.data(),
                       header.data(), header.size(), tag.data(), tag.size());
    return std::memcmp(tag.data(), sealed.data() + size, tag.size()) == 0;
  }

  /// `packet` as in QuicCrypto::seal(). Header protection is applied later.
  void encrypt(const QuicInitialKeys& keys, std::uint64_t packet_number, std::size_t header_bytes,
               std::span<std::byte> packet) noexcept {
    work_in(keys);
    const Nonce nonce = nonce_of(keys, packet_number);
    auto* header = reinterpret_cast<unsigned char*>(packet.data());
    unsigned char* frames = header + header_bytes;
    const std::size_t size = packet.size() - header_bytes - kTagBytes;
    IMB_AES128_GCM_ENC(manager_.get(), &payload_key_, &payload_context_, frames, frames, size, nonce.data(),
                       header, header_bytes, frames + size, kTagBytes);
  }

  /// The tag covers the header without its protection. It is a copy, because the packet must not be changed.
  std::array<unsigned char, 65535> header_copy{};

 private:
  // The packets of a connection often follow each other, and its key need not be expanded again.
  void work_in(const QuicInitialKeys& keys) noexcept {
    if (payload_ready_ && keys.key == payload_of_) return;
    IMB_AES128_GCM_PRE(manager_.get(), keys.key.data(), &payload_key_);
    payload_of_ = keys.key;
    payload_ready_ = true;
  }

  // Eleven round keys of 16 bytes (FIPS 197, 5.2); the library wants them aligned.
  using RoundKeys = std::array<std::uint32_t, 44>;

  Manager manager_;
  alignas(64) gcm_key_data payload_key_{};
  alignas(64) gcm_context_data payload_context_{};
  alignas(64) RoundKeys header_encryption_{};
  alignas(64) RoundKeys header_decryption_{};
  std::array<std::byte, 16> payload_of_{};
  bool payload_ready_ = false;
};

QuicCrypto::QuicCrypto() : engine_(std::make_unique<Engine>()) {}
QuicCrypto::~QuicCrypto() = default;

const QuicInitialKeys& QuicCrypto::client_keys(QuicVersion version, const QuicConnectionId& id) noexcept {
  // Ids of clients are random, so any two bytes spread them. Ids chosen to collide cost one derivation each.
  const auto bytes = id.span();
  const std::size_t place = bytes.size() < 2 ? 0
                                             : std::to_integer<std::size_t>(bytes.front()) ^
                                                   std::to_integer<std::size_t>(bytes.back());
  CachedKeys& cached = cache_[place % kCachedKeys];
  if (cached.version != version || cached.id != id) {
    cached = {.version = version, .id = id, .keys = derivation_.derive(version, id, QuicSide::client)};
  }
  return cached.keys;
}

QuicInitialKeys QuicCrypto::server_keys(QuicVersion version, const QuicConnectionId& id) const noexcept {
  return derivation_.derive(version, id, QuicSide::server);
}

void QuicCrypto::seal(const QuicInitialKeys& keys, std::uint64_t packet_number, std::size_t header_bytes,
                      std::size_t number_bytes, std::span<std::byte> packet) noexcept {
  engine_->encrypt(keys, packet_number, header_bytes, packet);
  const std::size_t number = header_bytes - number_bytes;
  const auto mask = engine_->mask(keys, packet.subspan(number + kMaxPacketNumberBytes, kSampleBytes));
  packet[0] ^= static_cast<std::byte>(mask[0] & 0x0fU);
  for (std::size_t i = 0; i < number_bytes; ++i) packet[number + i] ^= static_cast<std::byte>(mask[1 + i]);
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
  // RFC 9001, 5.4.2: the sample begins as if the packet number had four bytes.
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
