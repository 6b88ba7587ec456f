#include "dataplane/proto/http/hpack_huffman.h"

#include <array>
#include <cstdint>

namespace weir::proto {
namespace {

constexpr std::size_t kSymbols = 257;
constexpr std::uint16_t kEndOfString = 256;
constexpr unsigned kShortest = 5;
constexpr unsigned kLongest = 30;

/// Length in bits of the code of each symbol (RFC 7541, appendix B). The code is canonical: codes of one
/// length are consecutive in the order of their symbols, so the lengths define the whole table.
constexpr std::array<std::uint8_t, kSymbols> kCodeBits{
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,  // 0x00
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,  // 0x10
    6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,   // 0x20
    5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10,  // 0x30
    13, 6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,   // 0x40
    7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,   // 0x50
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,   // 0x60
    6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7,  15, 11, 14, 13, 28,  // 0x70
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,  // 0x80
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,  // 0x90
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,  // 0xa0
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,  // 0xb0
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,  // 0xc0
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,  // 0xd0
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,  // 0xe0
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,  // 0xf0
    30,                                                              // EOS
};

/// Codes of one length. A 32-bit window of the input, with the first bit on top, begins with a code of this
/// length or a shorter one when it is below `end`.
struct CodeLength {
  std::uint64_t first = 0;  // the first code, in the top bits of 32
  std::uint64_t end = 0;    // after the last one
  std::uint16_t symbol_index = 0;
};

struct Decoding {
  std::array<CodeLength, kLongest + 1> lengths{};
  std::array<std::uint16_t, kSymbols> symbols{};  // in the order of their codes
};

constexpr Decoding make_decoding() noexcept {
  Decoding decoding;
  std::uint64_t code = 0;
  std::uint16_t index = 0;
  for (unsigned bits = kShortest; bits <= kLongest; ++bits) {
    CodeLength& length = decoding.lengths[bits];
    length.first = code;
    length.symbol_index = index;
    for (std::uint16_t symbol = 0; symbol < kSymbols; ++symbol) {
      if (kCodeBits[symbol] != bits) continue;
      decoding.symbols[index++] = symbol;
      code += std::uint64_t{1} << (32 - bits);
    }
    length.end = code;
  }
  return decoding;
}

constexpr Decoding kDecoding = make_decoding();
// The code is complete: every sequence of bits decodes, and the last code is EOS.
static_assert(kDecoding.lengths[kLongest].end == std::uint64_t{1} << 32);
static_assert(kDecoding.symbols.back() == kEndOfString);

}  // namespace

std::optional<std::size_t> decode_huffman(std::span<const std::byte> coded, std::span<char> out) noexcept {
  std::uint64_t bits = 0;  // undecoded bits at the top, zeros after them
  unsigned bit_count = 0;
  std::size_t read = 0;
  std::size_t written = 0;
  for (;;) {
    for (; bit_count <= 56 && read < coded.size(); ++read, bit_count += 8) {
      bits |= std::to_integer<std::uint64_t>(coded[read]) << (56 - bit_count);
    }
    const std::uint64_t window = bits >> 32;
    unsigned length = kShortest;
    while (window >= kDecoding.lengths[length].end) ++length;
    if (length > bit_count) break;
    const CodeLength& codes = kDecoding.lengths[length];
    const std::uint16_t symbol =
        kDecoding.symbols[codes.symbol_index + ((window - codes.first) >> (32 - length))];
    if (symbol == kEndOfString || written == out.size()) return std::nullopt;
    out[written++] = static_cast<char>(symbol);
    bits <<= length;
    bit_count -= length;
  }
  return written;
}

}  // namespace weir::proto
