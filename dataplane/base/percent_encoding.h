#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/base/byte_set.h"

namespace weir::base {

/// The value of a hexadecimal digit; -1 for any other byte.
constexpr int hex_digit_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// What is percent-encoded in each part: control bytes, space, DEL, everything beyond ASCII, `#` and `%`, and
/// the `extra` bytes that would be read as a delimiter when the result is parsed again.
constexpr ByteSet encoded_bytes(std::string_view extra) noexcept {
  ByteSet set{};
  for (std::size_t byte = 0; byte < set.size(); ++byte) set[byte] = byte <= 0x20 || byte >= 0x7F;
  set['#'] = true;
  set['%'] = true;
  for (const char c : extra) set[static_cast<std::uint8_t>(c)] = true;
  return set;
}

/// Percent-decodes (RFC 3986, 2.1) until nothing is left to decode; `out` may be `in.data()`. Returns the
/// number of bytes written, at most in.size().
///
/// One pass for any depth of nesting: each byte goes onto `out` as onto a stack, and three bytes on its top
/// that make an escape become one. Escapes cannot overlap (`%` is no digit), so the order of decoding does
/// not matter and the result is the one of decoding again and again. O(in).
constexpr std::size_t percent_decode_fully(std::string_view in, char* out) noexcept {
  std::size_t size = 0;
  for (const char c : in) {
    out[size++] = c;
    while (size >= 3 && out[size - 3] == '%') {
      const int high = hex_digit_value(out[size - 2]);
      const int low = hex_digit_value(out[size - 1]);
      if (high < 0 || low < 0) break;
      size -= 2;
      out[size - 1] = static_cast<char>(high * 16 + low);
    }
  }
  return size;
}

/// Percent-decodes once: an escape that decoding makes stays as it is. What is no escape is kept.
inline std::string percent_decode_once(std::string_view in) {
  std::string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const bool is_escape = in[i] == '%' && i + 2 < in.size() && hex_digit_value(in[i + 1]) >= 0 &&
                           hex_digit_value(in[i + 2]) >= 0;
    if (!is_escape) {
      out.push_back(in[i]);
      continue;
    }
    out.push_back(static_cast<char>(hex_digit_value(in[i + 1]) * 16 + hex_digit_value(in[i + 2])));
    i += 2;
  }
  return out;
}

inline constexpr std::string_view kUpperHexDigits = "0123456789ABCDEF";

/// Appends `in` to `out`, the bytes of `set` as %XX with upper-case digits; returns the new end. `out` has
/// room for 3 * in.size() bytes.
constexpr char* append_percent_encoded(std::string_view in, const ByteSet& set, char* out) noexcept {
  for (const char c : in) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (set[byte]) {
      *out++ = '%';
      *out++ = kUpperHexDigits[byte >> 4];
      *out++ = kUpperHexDigits[byte & 0x0F];
    } else {
      *out++ = c;
    }
  }
  return out;
}

}  // namespace weir::base
