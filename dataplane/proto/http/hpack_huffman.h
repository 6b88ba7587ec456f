#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace weir::proto {

/// Longest text that `coded_bytes` bytes can decode to: the shortest code has five bits.
constexpr std::size_t max_huffman_decoded_bytes(std::size_t coded_bytes) noexcept {
  return coded_bytes * 8 / 5;
}

/// Decodes a Huffman coded string of HPACK (RFC 7541, 5.2) into `out`, which needs
/// max_huffman_decoded_bytes(coded.size()) bytes. Returns the bytes written; none when `out` is too short or
/// the string holds EOS. The padding is not looked at: some servers accept more than seven bits of it.
/// O(bytes).
std::optional<std::size_t> decode_huffman(std::span<const std::byte> coded, std::span<char> out) noexcept;

}  // namespace weir::proto
