#pragma once

#include <cstdint>

#include "dataplane/proto/packet/packet_view.h"

namespace weir::flow {

/// Keyed hash of the sender that memory and time are charged to: an IPv4 address, or an IPv6 /64, in which
/// one subscriber has every address (RFC 6177). Nobody who does not know the seed can aim at another's hash.
std::uint64_t hash_of_source(const proto::IpAddress& address, std::uint64_t seed) noexcept;

/// The same for the network around the sender: an IPv4 /24 or an IPv6 /48.
std::uint64_t hash_of_network(const proto::IpAddress& address, std::uint64_t seed) noexcept;

/// A seed from the system's source of randomness.
std::uint64_t random_seed();

}  // namespace weir::flow
