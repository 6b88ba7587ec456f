#pragma once

#include <cstddef>
#include <span>

#include "dataplane/proto/packet/packet_view.h"

namespace weir::proto {

/// Writes to `out` the frame of a datagram with `payload` that goes back to the sender of `seen`: all headers
/// as ReplyPath has them, every length and checksum right, the one of UDP always there. `out` must not
/// overlap `seen.frame` or the payload. Returns the frame's size, 0 when `out` is too small, `seen` is not of
/// class udp, the way back is not known, or a length field cannot tell of so much; then nothing is written.
std::size_t build_udp_reply(const PacketView& seen, std::span<const std::byte> payload,
                            std::span<std::byte> out) noexcept;

}  // namespace weir::proto
