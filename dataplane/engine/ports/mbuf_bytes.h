#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <rte_mbuf.h>

namespace weir::engine {

/// The bytes that fit into an mbuf that was just allocated.
inline std::span<std::byte> room_of(rte_mbuf* mbuf) noexcept {
  return {rte_pktmbuf_mtod(mbuf, std::byte*), rte_pktmbuf_tailroom(mbuf)};
}

/// Makes the first `bytes` of room_of() the frame.
inline void set_length(rte_mbuf* mbuf, std::size_t bytes) noexcept {
  mbuf->data_len = static_cast<std::uint16_t>(bytes);
  mbuf->pkt_len = static_cast<std::uint32_t>(bytes);
}

}  // namespace weir::engine
