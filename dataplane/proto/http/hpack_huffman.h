#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace weir::proto {

/// What `coded_bytes` bytes decode to at most: the shortest code has five bits.
constexpr std::size_t max_huffman_decoded_bytes(std::size_t coded_bytes) noexcept {
  return coded_bytes * 8 / 5;
}

/// Decodes a Huffman coded string of HPACK (RFC 7541, 5.2) into `out`, which needs
/// max_huffman_decoded_bytes(coded.size()) bytes. Gives the bytes written; none for what a decoder must
/// refuse: EOS in the string, padding of more than seven bits or with a zero in it, or where `out` is too
/// short. O(bytes).
std::optional<std::size_t> decode_huffman(std::span<const std::byte> coded, std::span<char> out) noexcept;

}  // namespace weir::proto
