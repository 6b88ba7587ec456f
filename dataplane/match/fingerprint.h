#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string_view>

namespace weir::match {

using FingerprintSeed = std::array<std::uint64_t, 2>;

/// 128 bits of keyed XXH3: what a snapshot holds in place of a host or URL.
struct Fingerprint {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  auto operator<=>(const Fingerprint&) const = default;
};

/// What the text stands for, so that equal texts of different kinds get different fingerprints.
enum class KeyKind : std::uint8_t { host = 1, prefix = 2, url = 3, url_query = 4 };

Fingerprint fingerprint(std::string_view text, KeyKind kind, const FingerprintSeed& seed) noexcept;

}  // namespace weir::match
