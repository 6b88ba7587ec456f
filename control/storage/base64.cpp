#include "control/storage/base64.h"

#include <cstdint>

namespace weir::storage {
namespace {

constexpr std::string_view kBase64Signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  std::string bytes;
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char sign : text) {
    const std::size_t value = kBase64Signs.find(sign);
    if (value == std::string_view::npos) return std::nullopt;
    held = held << 6U | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<char>(held >> bits & 0xffU));
  }
  if (bits != 2 * padding || (held & ((1U << bits) - 1U)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace weir::storage
