#include "dataplane/match/fingerprint.h"

// Inlined, so that hashing a short name needs no call into another library.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace weir::match {

Fingerprinter::Fingerprinter(const FingerprintSeed& seed) noexcept {
  static_assert(kSecretBytes >= XXH3_SECRET_SIZE_MIN);
  for (std::size_t i = 0; i < secret_.size(); i += 2) {
    const std::array<std::uint64_t, 2> block{seed[1], i};
    const XXH128_hash_t words = XXH3_128bits_withSeed(block.data(), sizeof(block), seed[0]);
    secret_[i] = words.low64;
    secret_[i + 1] = words.high64;
  }
}

Fingerprint Fingerprinter::of(std::string_view text) const noexcept {
  const XXH128_hash_t hash = XXH3_128bits_withSecret(text.data(), text.size(), secret_.data(), kSecretBytes);
  return {.low = hash.low64, .high = hash.high64};
}

Fingerprint Fingerprinter::join(const Fingerprint& first, const Fingerprint& second,
                                KeyKind kind) const noexcept {
  const std::array<std::uint64_t, 5> parts{first.low, first.high, second.low, second.high,
                                           static_cast<std::uint64_t>(kind)};
  const XXH128_hash_t hash =
      XXH3_128bits_withSecret(parts.data(), sizeof(parts), secret_.data(), kSecretBytes);
  return {.low = hash.low64, .high = hash.high64};
}

}  // namespace weir::match
