#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weir::storage {

using Sha256 = std::array<unsigned char, 32>;

/// The SHA-256 of `bytes` (FIPS 180-4); none if OpenSSL cannot compute it.
std::optional<Sha256> sha256(std::string_view bytes);
/// The same as 64 lower-case hexadecimal digits; empty if OpenSSL cannot compute it.
std::string sha256_hex(std::string_view bytes);

/// XXH3-128 as 32 lower-case hexadecimal digits. Tells contents apart; does not protect against forgery.
std::string content_digest(std::string_view bytes);

/// Two lower-case hexadecimal digits per byte.
std::string to_hex(std::span<const unsigned char> bytes);
/// Reads exactly `bytes.size()` bytes from hexadecimal digits of either case. False if `text` is anything
/// else.
bool from_hex(std::string_view text, std::span<unsigned char> bytes);

}  // namespace weir::storage
