#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/base/outcome.h"
#include "dataplane/proto/packet/mac_address.h"
#include "dataplane/proto/packet/numbers.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::proto {

/// What one message of ARP (RFC 826) or neighbour discovery (RFC 4861: a solicitation or an advertisement)
/// says: it asks for the link address of `wanted`, or tells that `known` has the address `mac`, or both.
struct NeighbourMessage {
  std::optional<IpAddress> wanted;
  /// Who asks, and is answered; unspecified: it only wants to know whether anybody has the address (RFC 5227,
  /// 2.1; RFC 4862, 5.4).
  IpAddress asker;
  MacAddress asker_mac{};
  std::optional<IpAddress> known;
  MacAddress mac{};
  bool overrides = true;  // false: it does not replace another address that is known (RFC 4861, 4.4)
};

struct NeighbourParse {
  base::ParseStatus status = base::ParseStatus::absent;
  NeighbourMessage message;
};

/// Reads an untagged Ethernet frame. found: a message that says something. absent: neither ARP nor a
/// solicitation or advertisement right behind its IPv6 header. malformed: one that no receiver may believe:
/// another hardware or operation, a hop limit other than 255 (it came from beyond the link), a wrong
/// checksum, a group's address, options that do not fit (RFC 4861, 7.1). O(bytes of the message).
NeighbourParse parse_neighbour(std::span<const std::byte> frame) noexcept;

/// Longest frame that the functions below write.
inline constexpr std::size_t kMaxNeighbourFrameBytes = kEthernetHeaderBytes + kIpv6HeaderBytes + 32;

/// Who sends a message of our own.
struct Station {
  MacAddress mac{};
  IpAddress address;
};

/// Writes a request for the link address of `wanted`, to the group that hears it, or to `last_known` alone
/// (RFC 1122, 2.3.2.1; RFC 4861, 7.3.3), both addresses of one family. Returns its bytes, 0 when `out` is
/// smaller than kMaxNeighbourFrameBytes.
std::size_t build_neighbour_request(const Station& from, const IpAddress& wanted,
                                    const std::optional<MacAddress>& last_known,
                                    std::span<std::byte> out) noexcept;
/// Writes the answer to `question`, whose wanted address is that of a router at `mac`. Returns its bytes, 0
/// when `out` is smaller than kMaxNeighbourFrameBytes or the message asks nothing.
std::size_t build_neighbour_answer(const NeighbourMessage& question, const MacAddress& mac,
                                   std::span<std::byte> out) noexcept;

}  // namespace weir::proto
