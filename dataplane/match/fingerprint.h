#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::match {

/// Secret of one snapshot; fingerprints mean nothing without it.
using FingerprintSeed = std::array<std::uint64_t, 2>;

/// 128 bits of keyed XXH3. A snapshot holds these instead of hosts and URLs.
struct Fingerprint {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool operator==(const Fingerprint&) const = default;
  // Written out: clang-tidy 14 mistakes the rewritten `<=>` for a null pointer.
  bool operator<(const Fingerprint& other) const noexcept {
    return low != other.low ? low < other.low : high < other.high;
  }
};

/// The role of a joined fingerprint. Equal parts in different roles get different fingerprints.
enum class KeyKind : std::uint8_t { directory = 1, prefix = 2, url = 3, url_query = 4, port = 5 };

/// Computes fingerprints under one seed. Those of paths are chained, one step per segment: all directories of
/// a path together cost no more than hashing the path once.
class Fingerprinter {
 public:
  explicit Fingerprinter(const FingerprintSeed& seed) noexcept;

  /// Of a host, segment or query.
  [[nodiscard]] Fingerprint of(std::string_view text) const noexcept;

  /// Of an ordered pair.
  [[nodiscard]] Fingerprint join(const Fingerprint& first, const Fingerprint& second,
                                 KeyKind kind) const noexcept;

  /// Of `key` on one port only.
  [[nodiscard]] Fingerprint with_port(const Fingerprint& key, std::uint16_t port) const noexcept {
    return join(key, Fingerprint{.low = port, .high = 0}, KeyKind::port);
  }

  /// Of a canonical path without its host. Calls `on_directory(depth, fingerprint)` for each directory from
  /// the root (depth 0) down: `/`, `/a/`, `/a/b/` for `/a/b/c`.
  template <class OnDirectory>
  Fingerprint walk_path(std::string_view path, OnDirectory&& on_directory) const noexcept {
    Fingerprint directory;
    std::size_t depth = 0;
    std::string_view rest = path.empty() ? path : path.substr(1);
    on_directory(depth, directory);
    for (std::size_t slash = rest.find('/'); slash != std::string_view::npos; slash = rest.find('/')) {
      directory = join(directory, of(rest.substr(0, slash)), KeyKind::directory);
      on_directory(++depth, directory);
      rest.remove_prefix(slash + 1);
    }
    return join(directory, of(rest), KeyKind::url);
  }

  /// Of a path with its query; `path` is the result of walk_path.
  [[nodiscard]] Fingerprint with_query(const Fingerprint& path, std::string_view query) const noexcept {
    return join(path, of(query), KeyKind::url_query);
  }

 private:
  // The seed of XXH3 has only 64 bits. Through a secret all 128 bits count for every length of input.
  static constexpr std::size_t kSecretBytes = 192;
  alignas(64) std::array<std::uint64_t, kSecretBytes / sizeof(std::uint64_t)> secret_;
};

}  // namespace weir::match
