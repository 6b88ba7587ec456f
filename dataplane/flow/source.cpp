#include "dataplane/flow/source.h"

#include <array>
#include <cstddef>
#include <cstring>
#include <random>

#include <xxhash.h>

namespace weir::flow {
namespace {

std::uint64_t hash_of_first(const proto::IpAddress& address, std::size_t bytes, std::uint64_t seed) noexcept {
  std::array<std::byte, 8> first{};
  std::memcpy(first.data(), address.bytes.data(), bytes);
  return XXH3_64bits_withSeed(first.data(), first.size(), seed + (address.is_v6 ? 1 : 0));
}

}  // namespace

std::uint64_t hash_of_source(const proto::IpAddress& address, std::uint64_t seed) noexcept {
  return hash_of_first(address, address.is_v6 ? 8 : 4, seed);
}

std::uint64_t hash_of_network(const proto::IpAddress& address, std::uint64_t seed) noexcept {
  return hash_of_first(address, address.is_v6 ? 6 : 3, seed);
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace weir::flow
