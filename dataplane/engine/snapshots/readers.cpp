#include "dataplane/engine/snapshots/readers.h"

#include <cstdlib>
#include <new>
#include <thread>

namespace weir::engine {

void Readers::FreeAligned::operator()(void* memory) const noexcept { std::free(memory); }

Readers::Readers(unsigned count) {
  // rte_rcu_qsbr_get_memsize returns a multiple of the cache line, which aligned_alloc requires.
  const std::size_t bytes = rte_rcu_qsbr_get_memsize(count);
  state_.reset(static_cast<rte_rcu_qsbr*>(std::aligned_alloc(RTE_CACHE_LINE_SIZE, bytes)));
  if (!state_ || rte_rcu_qsbr_init(state_.get(), count) != 0) throw std::bad_alloc();
  // All are registered here, offline, so a grace period needs no list of the readers that have started.
  for (unsigned reader = 0; reader < count; ++reader) rte_rcu_qsbr_thread_register(state_.get(), reader);
}

bool Readers::wait(std::uint64_t grace_period, std::chrono::milliseconds limit) const {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!is_over(grace_period)) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(10));
  }
  return true;
}

}  // namespace weir::engine
