#pragma once

#include <cstdint>
#include <memory>

#include "config/settings.h"
#include "dataplane/base/result.h"
#include "dataplane/engine/process/log_capture.h"

struct rte_mempool;

namespace weir::engine {

/// The most packets that one receive call returns, and the unit of work on the fast path.
inline constexpr std::uint16_t kBurst = 32;
/// Free buffers that each lcore caches.
inline constexpr std::uint32_t kPoolCache = 256;

struct FreePool {
  void operator()(rte_mempool* pool) const noexcept;
};
using MbufPool = std::unique_ptr<rte_mempool, FreePool>;

/// Makes the packet buffers of all ports. Error code: memory; the message says which setting to change.
base::Result<MbufPool> make_mbuf_pool(const config::MbufSettings& settings, LogCapture& log);

/// The buffers of a pool, and how many are in use: they hold a frame or wait in a receive queue. O(lcores),
/// from any thread; exact only while no packet moves.
struct MbufUse {
  std::uint32_t capacity = 0;
  std::uint32_t in_use = 0;
};
MbufUse mbuf_use(const rte_mempool& pool) noexcept;

/// The number of descriptors for each of `queues` receive queues and as many transmit queues, so that all of
/// them together leave free buffers: 1024, or a lower power of two down to 64. 0: even 64 are too many.
std::uint16_t descriptors_for(std::uint32_t mbufs, std::uint32_t queues, std::uint32_t workers) noexcept;

}  // namespace weir::engine
