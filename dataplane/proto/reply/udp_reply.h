#pragma once

#include <cstddef>
#include <span>

#include "dataplane/proto/packet/packet_view.h"

namespace weir::proto {

/// Writes to `out` the frame of a datagram with `payload` to the sender of `seen`, with the headers as
/// ReplyPath writes them. Every length and checksum is right, and the UDP checksum is always set. `out` must
/// not overlap `seen.frame` or the payload. Returns the size of the frame. Returns 0 and writes nothing when
/// `out` is too small, `seen` is not of class udp, no reply can be sent, or a length field is too small.
std::size_t build_udp_reply(const PacketView& seen, std::span<const std::byte> payload,
                            std::span<std::byte> out) noexcept;

}  // namespace weir::proto
