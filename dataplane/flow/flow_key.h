#pragma once

#include <cstdint>

#include "dataplane/proto/packet/packet_view.h"

namespace weir::flow {

/// One direction of a connection.
struct FlowKey {
  proto::IpAddress source;
  proto::IpAddress destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint8_t ip_protocol = 0;
  bool operator==(const FlowKey&) const = default;
};
FlowKey flow_key_of(const proto::PacketView& packet) noexcept;

/// The other direction of the connection.
constexpr FlowKey reversed(const FlowKey& key) noexcept {
  return {.source = key.destination,
          .destination = key.source,
          .source_port = key.destination_port,
          .destination_port = key.source_port,
          .ip_protocol = key.ip_protocol};
}

/// Nobody who does not know the seed can aim at the hash of another connection.
std::uint64_t hash_of_key(const FlowKey& key, std::uint64_t seed) noexcept;

}  // namespace weir::flow
