#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/base/outcome.h"
#include "dataplane/proto/packet/packet_view.h"
#include "dataplane/proto/packet/tcp_segment.h"

namespace weir::proto {

/// Longest payload of one reply; with its headers it still fits the length field of IPv4.
inline constexpr std::size_t kMaxTcpReplyPayloadBytes = 65535 - 40;

/// One TCP segment that answers, or goes on behind, a packet seen.
struct TcpReply {
  base::Towards towards = base::Towards::client;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  std::uint8_t flags = 0;
  std::optional<TcpTimestamps> timestamps{};
  std::span<const std::byte> payload{};
};

/// Bytes that build_tcp_reply needs for `reply`; 0: the way of an answer to `seen` is not known.
std::size_t tcp_reply_bytes(const PacketView& seen, const TcpReply& reply) noexcept;

/// Writes the frame to `out`: all headers around `seen` as ReplyPath has them, a TCP header without options
/// other than `timestamps`, window 65535 (0 in a reset); every length and checksum right. Not padded to
/// Ethernet's 60 bytes: the port does that. `out` must not overlap `seen.frame` or the payload. Returns the
/// frame's size, 0 when `out` is too small, `seen` is not of class tcp, the way back is not known, or the
/// payload is longer than kMaxTcpReplyPayloadBytes; then nothing is written.
std::size_t build_tcp_reply(const PacketView& seen, const TcpReply& reply, std::span<std::byte> out) noexcept;

}  // namespace weir::proto
