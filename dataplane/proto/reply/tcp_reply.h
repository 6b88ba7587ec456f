#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/base/towards.h"
#include "dataplane/proto/packet/packet_view.h"
#include "dataplane/proto/packet/tcp_segment.h"

namespace weir::proto {

/// Longest payload of one reply. With its headers it still fits the length field of IPv4.
inline constexpr std::size_t kMaxTcpReplyPayloadBytes = 65535 - 40;

/// One TCP segment that answers a packet, or follows it towards the server.
struct TcpReply {
  base::Towards towards = base::Towards::client;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  std::uint8_t flags = 0;
  std::optional<TcpTimestamps> timestamps{};
  std::span<const std::byte> payload{};
};

/// Bytes that build_tcp_reply needs for `reply`; 0 when no reply to `seen` can be sent.
std::size_t tcp_reply_bytes(const PacketView& seen, const TcpReply& reply) noexcept;

/// Writes the frame to `out`: the headers around `seen` as ReplyPath writes them, and a TCP header with no
/// option but `timestamps` and with window 65535 (0 in a reset). Every length and checksum is right. The
/// frame is not padded to Ethernet's 60 bytes: the port does that. `out` must not overlap `seen.frame` or the
/// payload. Returns the size of the frame. Returns 0 and writes nothing when `out` is too small, `seen` is
/// not of class tcp, no reply can be sent, or the payload is longer than kMaxTcpReplyPayloadBytes.
std::size_t build_tcp_reply(const PacketView& seen, const TcpReply& reply, std::span<std::byte> out) noexcept;

}  // namespace weir::proto
