#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/base/parse_status.h"
#include "dataplane/proto/packet/mac_address.h"
#include "dataplane/proto/packet/numbers.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::proto {

/// A message of ARP (RFC 826) or neighbour discovery (RFC 4861: a solicitation or an advertisement). It asks
/// for the link address of `wanted`, or says that `known` has the address `mac`, or both.
struct NeighbourMessage {
  std::optional<IpAddress> wanted;
  /// Who asks, and gets the answer. Unspecified in a probe, which asks whether an address is in use (RFC
  /// 5227, 2.1; RFC 4862, 5.4).
  IpAddress asker;
  MacAddress asker_mac{};
  std::optional<IpAddress> known;
  MacAddress mac{};
  bool overrides = true;  // false: it does not replace a known link address (RFC 4861, 4.4)
};

struct NeighbourParse {
  base::ParseStatus status = base::ParseStatus::absent;
  NeighbourMessage message;
};

/// Reads an untagged Ethernet frame. found: a message that asks or says something. absent: neither ARP nor a
/// solicitation or advertisement right after the IPv6 header. malformed: a message that no receiver may
/// believe, because of an unknown hardware type or operation, a hop limit other than 255 (it came from beyond
/// the link), a wrong checksum, a multicast address, or options that do not fit (RFC 4861, 7.1). O(bytes of
/// the message).
NeighbourParse parse_neighbour(std::span<const std::byte> frame) noexcept;

/// Longest frame that the functions below write.
inline constexpr std::size_t kMaxNeighbourFrameBytes = kEthernetHeaderBytes + kIpv6HeaderBytes + 32;

/// The sender of a message of Weir's own.
struct Station {
  MacAddress mac{};
  IpAddress address;
};

/// Writes a request for the link address of `wanted`: to all stations, or to `last_known` alone (RFC 1122,
/// 2.3.2.1; RFC 4861, 7.3.3). Both addresses are of one family. Returns the bytes written, 0 when `out` is
/// smaller than kMaxNeighbourFrameBytes.
std::size_t build_neighbour_request(const Station& from, const IpAddress& wanted,
                                    const std::optional<MacAddress>& last_known,
                                    std::span<std::byte> out) noexcept;
/// Writes the answer to `question`: a router at `mac` has the wanted address. Returns the bytes written, 0
/// when `out` is smaller than kMaxNeighbourFrameBytes or the message asks for nothing.
std::size_t build_neighbour_answer(const NeighbourMessage& question, const MacAddress& mac,
                                   std::span<std::byte> out) noexcept;

}  // namespace weir::proto
