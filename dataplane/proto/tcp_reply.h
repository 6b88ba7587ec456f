#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/outcome.h"
#include "proto/packet_view.h"

namespace weir::proto {

/// Internet checksum (RFC 1071) over `bytes`, to be continued through `sum`; the folded complement of the
/// result goes on the wire.
std::uint32_t checksum_add(std::span<const std::byte> bytes, std::uint32_t sum) noexcept;
std::uint16_t checksum_finish(std::uint32_t sum) noexcept;

/// One TCP segment that answers, or goes on behind, a packet seen.
struct TcpReply {
  base::Towards towards = base::Towards::client;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  std::uint8_t flags = 0;
  std::span<const std::byte> payload;
};

/// Bytes that build_tcp_reply needs for `reply`.
std::size_t tcp_reply_bytes(const PacketView& seen, const TcpReply& reply) noexcept;

/// Writes the frame to `out`: the link header of `seen` with its tags (addresses swapped towards the client),
/// an IP header without options, TTL or hop limit 64, a TCP header without options, both checksums right.
/// `seen` must be of class tcp. Returns the frame's size, 0 when `out` is too small.
std::size_t build_tcp_reply(const PacketView& seen, const TcpReply& reply, std::span<std::byte> out) noexcept;

}  // namespace weir::proto
