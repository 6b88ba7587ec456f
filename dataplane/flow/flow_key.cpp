#include "dataplane/flow/flow_key.h"

#include <array>
#include <cstddef>
#include <cstring>

#include <xxhash.h>

namespace weir::flow {
namespace {

/// Written field by field, because the padding of a struct must not be hashed. The 14 bytes of IPv4 take half
/// the time.
template <std::size_t kAddressBytes>
std::uint64_t hash_of_bytes(const FlowKey& key, std::uint64_t seed) noexcept {
  std::array<std::byte, 2 * kAddressBytes + 6> bytes{};
  auto* to = bytes.data();
  const auto put = [&to](const void* from, std::size_t count) {
    std::memcpy(to, from, count);
    to += count;
  };
  put(key.source.bytes.data(), kAddressBytes);
  put(key.destination.bytes.data(), kAddressBytes);
  put(&key.source_port, sizeof key.source_port);
  put(&key.destination_port, sizeof key.destination_port);
  put(&key.ip_protocol, sizeof key.ip_protocol);
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace

FlowKey flow_key_of(const proto::PacketView& packet) noexcept {
  return {.source = packet.source,
          .destination = packet.destination,
          .source_port = packet.source_port,
          .destination_port = packet.destination_port,
          .ip_protocol = packet.ip_protocol};
}

std::uint64_t hash_of_key(const FlowKey& key, std::uint64_t seed) noexcept {
  return key.source.is_v6 ? hash_of_bytes<16>(key, seed) : hash_of_bytes<4>(key, seed);
}

}  // namespace weir::flow
