#include "dataplane/engine/ports/mbuf_pool.h"

#include <fmt/format.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>

#include "dataplane/inspect/answer/answer.h"

namespace weir::engine {

void FreePool::operator()(rte_mempool* pool) const noexcept { rte_mempool_free(pool); }

base::Result<MbufPool> make_mbuf_pool(const config::MbufSettings& settings, LogCapture& log) {
  constexpr std::uint32_t kMostBytes = UINT16_MAX - RTE_PKTMBUF_HEADROOM;
  if (settings.frame_bytes < inspect::kAnswerFrameBytes || settings.frame_bytes > kMostBytes) {
    return base::Error{.code = "memory",
                       .message = fmt::format("dataplane.mbufs.frame_bytes is {}, expected {} to {}",
                                              settings.frame_bytes, inspect::kAnswerFrameBytes, kMostBytes)};
  }
  const auto room = static_cast<std::uint16_t>(RTE_PKTMBUF_HEADROOM + settings.frame_bytes);
  // DPDK refuses a cache that is large for its pool.
  const std::uint32_t cache = settings.count >= 4 * kPoolCache ? kPoolCache : 0;
  const std::size_t mark = log.mark();
  MbufPool pool(rte_pktmbuf_pool_create("weir", settings.count, cache, 0, room, SOCKET_ID_ANY));
  if (pool) return pool;
  const int error = rte_errno;
  const std::string cause = log.cause_since(mark);
  return base::Error{
      .code = "memory",
      .message = fmt::format(
          "not enough memory for {} packet buffers of {} bytes, {} MB in all ({}{}{}): give DPDK more "
          "memory (-m in dataplane.eal, or more huge pages), or lower dataplane.mbufs",
          settings.count, settings.frame_bytes, (std::uint64_t{settings.count} * (room + 256U) >> 20) + 1,
          rte_strerror(error), cause.empty() ? "" : "; DPDK says: ", cause)};
}

MbufUse mbuf_use(const rte_mempool& pool) noexcept {
  return {.capacity = pool.size, .in_use = rte_mempool_in_use_count(&pool)};
}

std::uint16_t descriptors_for(std::uint32_t mbufs, std::uint32_t queues, std::uint32_t workers) noexcept {
  constexpr std::uint16_t kMost = 1024;
  constexpr std::uint16_t kFewest = 64;
  // Buffers outside the queues: each worker's cache, which may grow by half, and the bursts that it
  // processes.
  const std::uint64_t in_hands = std::uint64_t{workers} * (kPoolCache * 3 / 2 + 4U * kBurst);
  for (std::uint16_t count = kMost; count >= kFewest; count = static_cast<std::uint16_t>(count / 2)) {
    if (std::uint64_t{2} * queues * count + in_hands <= mbufs) return count;
  }
  return 0;
}

}  // namespace weir::engine
