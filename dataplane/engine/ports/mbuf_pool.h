#pragma once

#include <cstdint>
#include <memory>

#include "config/settings.h"
#include "dataplane/base/result.h"
#include "dataplane/engine/process/log_capture.h"

struct rte_mempool;

namespace weir::engine {

/// Most packets that one receive call returns, and the unit of all work on the fast path.
inline constexpr std::uint16_t kBurst = 32;
/// Buffers that each lcore keeps for itself.
inline constexpr std::uint32_t kPoolCache = 256;

struct FreePool {
  void operator()(rte_mempool* pool) const noexcept;
};
using MbufPool = std::unique_ptr<rte_mempool, FreePool>;

/// Packet buffers for all ports. Error code: memory (with what to raise).
base::Result<MbufPool> make_mbuf_pool(const config::MbufSettings& settings, LogCapture& log);

/// Buffers of a pool, and how many of them hold a frame or wait in a queue. For people: O(lcores), from any
/// thread, and exact only while nothing moves.
struct MbufUse {
  std::uint32_t capacity = 0;
  std::uint32_t in_use = 0;
};
MbufUse mbuf_use(const rte_mempool& pool) noexcept;

/// Descriptors for each of `queues` receive and as many transmit queues, so that all of them together cannot
/// take every buffer: 1024, or a lower power of two down to 64. 0: even these are too many.
std::uint16_t descriptors_for(std::uint32_t mbufs, std::uint32_t queues, std::uint32_t workers) noexcept;

}  // namespace weir::engine
