#include "tests/support/bytes.h"

#include <algorithm>
#include <stdexcept>

namespace weir::test {
namespace {

unsigned nibble(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  throw std::invalid_argument("not hexadecimal: " + std::string(1, c));
}

std::string hex_around(std::span<const std::byte> bytes, std::size_t offset) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::size_t first = offset < 8 ? 0 : offset - 8;
  std::string text;
  for (std::size_t i = first; i < std::min(bytes.size(), offset + 16); ++i) {
    const auto value = std::to_integer<unsigned>(bytes[i]);
    text += i == offset ? " [" : " ";
    text += kDigits[value >> 4];
    text += kDigits[value & 15];
    if (i == offset) text += ']';
  }
  return text;
}

}  // namespace

Bytes to_bytes(std::string_view text) {
  Bytes bytes;
  bytes.reserve(text.size());
  for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
  return bytes;
}

Bytes from_hex(std::string_view hex) {
  std::string digits;
  for (const char c : hex) {
    if (c != ' ' && c != '\n') digits += c;
  }
  if (digits.size() % 2 != 0) throw std::invalid_argument("odd number of hexadecimal digits");
  Bytes bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(nibble(digits[i]) << 4 | nibble(digits[i + 1])));
  }
  return bytes;
}

std::string_view to_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void append_integer(Bytes& to, std::uint64_t value, std::size_t width) {
  for (std::size_t i = width; i-- > 0;) to.push_back(static_cast<std::byte>(value >> (8 * i)));
}

void append(Bytes& to, std::span<const std::byte> bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

void put_u16(Bytes& in, std::size_t offset, std::uint16_t value) {
  in.at(offset + 1) = static_cast<std::byte>(value);
  in.at(offset) = static_cast<std::byte>(value >> 8);
}

void put_u32(Bytes& in, std::size_t offset, std::uint32_t value) {
  put_u16(in, offset + 2, static_cast<std::uint16_t>(value));
  put_u16(in, offset, static_cast<std::uint16_t>(value >> 16));
}

std::string difference(std::span<const std::byte> expected, std::span<const std::byte> actual) {
  const auto [e, a] = std::mismatch(expected.begin(), expected.end(), actual.begin(), actual.end());
  if (e == expected.end() && a == actual.end()) return {};
  const auto offset = static_cast<std::size_t>(e - expected.begin());
  return "sizes " + std::to_string(expected.size()) + " and " + std::to_string(actual.size()) +
         ", first difference at byte " + std::to_string(offset) +
         "\n  expected:" + hex_around(expected, offset) + "\n  actual:  " + hex_around(actual, offset);
}

}  // namespace weir::test
