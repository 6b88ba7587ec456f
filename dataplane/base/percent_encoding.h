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

/// The bytes to percent-encode: control bytes, space, DEL, non-ASCII bytes, `#`, `%`, and the `extra` bytes
/// that would be delimiters in this part of a URL.
constexpr ByteSet encoded_bytes(std::string_view extra) noexcept {
  ByteSet set{};
  for (std::size_t byte = 0; byte < set.size(); ++byte) set[byte] = byte <= 0x20 || byte >= 0x7F;
  set['#'] = true;
  set['%'] = true;
  for (const char c : extra) set[static_cast<std::uint8_t>(c)] = true;
  return set;
}

/// Percent-decodes (RFC 3986, section 2.1) until no escape is left. `out` may be `in.data()`. Returns the
/// number of bytes written, at most in.size().
///
/// One pass, whatever the depth of nesting: `out` is used as a stack, and whenever the top three bytes form
/// an escape they are replaced by the byte that it stands for. Escapes cannot overlap (`%` is not a hex
/// digit), so the order does not matter and the result is the same as that of repeated decoding. O(in).
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

/// Percent-decodes once: an escape that results from decoding is kept, and so is an invalid escape.
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

/// Writes `in` to `out`, with the bytes of `set` as %XX in upper case. Returns the new end. `out` must have
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
