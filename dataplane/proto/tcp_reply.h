#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/outcome.h"
#include "proto/packet_view.h"

namespace weir::proto {

/// Internet checksum (RFC 1071) over `bytes`, to be continued through `sum`: only the last piece may have an
/// odd number of bytes. checksum_finish folds and complements: its result goes on the wire.
std::uint32_t checksum_add(std::span<const std::byte> bytes, std::uint32_t sum) noexcept;
std::uint16_t checksum_finish(std::uint32_t sum) noexcept;

/// Longest payload of one reply; with its headers it still fits the length field of IPv4.
inline constexpr std::size_t kMaxTcpReplyPayloadBytes = 65535 - 40;

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

/// Writes the frame to `out`: the link header of `seen` with its tags (Ethernet addresses swapped towards the
/// client; cooked and loopback headers as they are; the length in a PPPoE header set), an IP header without
/// options, TTL or hop limit 64, IPv4 with DF, IPv6 with the client's flow label towards the server; a TCP
/// header without options, window 65535 (0 in a reset); both checksums right. Not padded to Ethernet's 60
/// bytes: the port does that. `out` must not overlap `seen.frame` or the payload. Returns the frame's size, 0
/// when `out` is too small, `seen` is not of class tcp or came through a tunnel (labels, addresses and keys
/// of the way back are not in it), or the payload is longer than kMaxTcpReplyPayloadBytes; then nothing is
/// written.
std::size_t build_tcp_reply(const PacketView& seen, const TcpReply& reply, std::span<std::byte> out) noexcept;

}  // namespace weir::proto
