#include "dataplane/proto/packet/internet_checksum.h"

#include <bit>
#include <cstring>

namespace weir::proto {
namespace {

std::uint64_t word_at(const std::byte* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Modulo 2^16 - 1 both 2^64 and 2^16 are 1, so a carry out of the top is added at the bottom.
std::uint64_t add_with_carry(std::uint64_t a, std::uint64_t b) noexcept {
  const std::uint64_t sum = a + b;
  return sum + (sum < a ? 1U : 0U);
}

}  // namespace

std::uint32_t checksum_add(std::span<const std::byte> bytes, std::uint32_t sum) noexcept {
  // Words are added in the byte order of the machine, and the sum is swapped once (RFC 1071, 2.B).
  std::uint64_t native = 0;
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  constexpr std::size_t kBlock = 4 * kWord;
  for (; bytes.size() >= kBlock; bytes = bytes.subspan(kBlock)) {
    native = add_with_carry(native, word_at(&bytes[0]));
    native = add_with_carry(native, word_at(&bytes[kWord]));
    native = add_with_carry(native, word_at(&bytes[2 * kWord]));
    native = add_with_carry(native, word_at(&bytes[3 * kWord]));
  }
  for (; bytes.size() >= kWord; bytes = bytes.subspan(kWord)) {
    native = add_with_carry(native, word_at(bytes.data()));
  }
  while (native > 0xffff) native = (native & 0xffff) + (native >> 16);
  if constexpr (std::endian::native == std::endian::little) native = (native & 0xff) << 8 | native >> 8;
  std::uint64_t total = sum + native;
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) {
    total += std::to_integer<std::uint32_t>(bytes[i]) << 8 | std::to_integer<std::uint32_t>(bytes[i + 1]);
  }
  if (i < bytes.size()) total += std::to_integer<std::uint32_t>(bytes[i]) << 8;
  // Folding down to 2^17 leaves the caller room to add small terms.
  while (total > 0x1ffff) total = (total & 0xffff) + (total >> 16);
  return static_cast<std::uint32_t>(total);
}

std::uint16_t checksum_finish(std::uint32_t sum) noexcept {
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum & 0xffff);
}

}  // namespace weir::proto
