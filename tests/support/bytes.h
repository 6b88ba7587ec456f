#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::test {

using Bytes = std::vector<std::byte>;

Bytes to_bytes(std::string_view text);
/// Bytes written in hexadecimal; blanks are skipped. Throws std::invalid_argument for anything else.
Bytes from_hex(std::string_view hex);
std::string_view to_text(std::span<const std::byte> bytes);

/// Big-endian appends, each of the low `width` bytes of `value`.
void append_integer(Bytes& to, std::uint64_t value, std::size_t width);
void append(Bytes& to, std::span<const std::byte> bytes);
/// Overwrites two or four bytes; throws std::out_of_range after the end.
void put_u16(Bytes& in, std::size_t offset, std::uint16_t value);
void put_u32(Bytes& in, std::size_t offset, std::uint32_t value);

/// Empty if equal; else the position of the first difference, with the bytes around it in hexadecimal.
std::string difference(std::span<const std::byte> expected, std::span<const std::byte> actual);

}  // namespace weir::test
