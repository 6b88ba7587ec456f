#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::base {

/// A set of bytes as a table: one load tells whether a byte is in it. The searches of std::string_view for
/// any of several bytes call a function for each byte instead.
using ByteSet = std::array<bool, 256>;

constexpr ByteSet bytes_of(std::string_view bytes) noexcept {
  ByteSet set{};
  for (const char c : bytes) set[static_cast<std::uint8_t>(c)] = true;
  return set;
}

/// Blanks, control bytes and everything that is not ASCII: what some server takes off the ends of a name.
constexpr ByteSet bytes_around_names() noexcept {
  ByteSet set{};
  for (std::size_t byte = 0; byte < set.size(); ++byte) set[byte] = byte <= ' ' || byte >= 0x7f;
  return set;
}

constexpr bool contains(const ByteSet& set, char c) noexcept { return set[static_cast<std::uint8_t>(c)]; }

/// The number of bytes at the beginning of `text` that are in the set.
constexpr std::size_t span_of(std::string_view text, const ByteSet& set) noexcept {
  std::size_t bytes = 0;
  while (bytes < text.size() && contains(set, text[bytes])) ++bytes;
  return bytes;
}

/// `text` without leading and trailing bytes of the set.
constexpr std::string_view trim(std::string_view text, const ByteSet& set) noexcept {
  text.remove_prefix(span_of(text, set));
  while (!text.empty() && contains(set, text.back())) text.remove_suffix(1);
  return text;
}

/// The part of `text` before the first byte of the set; all of it if there is none.
constexpr std::string_view cut_at(std::string_view text, const ByteSet& delimiters) noexcept {
  std::size_t bytes = 0;
  while (bytes < text.size() && !contains(delimiters, text[bytes])) ++bytes;
  return text.substr(0, bytes);
}
constexpr std::string_view cut_at(std::string_view text, char delimiter) noexcept {
  return text.substr(0, text.find(delimiter));
}

}  // namespace weir::base
