#include "dataplane/engine/snapshots/snapshot_store.h"

#include <cstdlib>
#include <ctime>
#include <new>
#include <thread>
#include <utility>

#include <fmt/format.h>

namespace weir::engine {

void SnapshotStore::FreeAligned::operator()(void* memory) const noexcept { std::free(memory); }

SnapshotStore::SnapshotStore(unsigned readers) {
  // rte_rcu_qsbr_get_memsize is a multiple of the cache line, as aligned_alloc wants it.
  const std::size_t bytes = rte_rcu_qsbr_get_memsize(readers);
  readers_.reset(static_cast<rte_rcu_qsbr*>(std::aligned_alloc(RTE_CACHE_LINE_SIZE, bytes)));
  if (!readers_ || rte_rcu_qsbr_init(readers_.get(), readers) != 0) throw std::bad_alloc();
  // Registered from the start and offline: a grace period needs no list of who has started already.
  for (unsigned reader = 0; reader < readers; ++reader) rte_rcu_qsbr_thread_register(readers_.get(), reader);
}

SnapshotStore::~SnapshotStore() = default;

bool SnapshotStore::reclaim() {
  std::erase_if(retired_, [this](const Retired& retired) {
    return rte_rcu_qsbr_check(readers_.get(), retired.token, false) == 1;
  });
  return retired_.empty();
}

base::Status SnapshotStore::publish(std::unique_ptr<const Snapshot> snapshot,
                                    std::chrono::milliseconds grace_limit) {
  const base::Generation generation = snapshot->view.generation();
  if (active_ && generation < active_->view.generation()) {
    return base::Error{.code = "snapshot_stale",
                       .message = fmt::format("generation {} is older than the active one, {}",
                                              generation.value, active_->view.generation().value)};
  }
  current_.store(&snapshot->view, std::memory_order_release);
  // After the swap: whoever passes a quiescent state from here on can only pick up the new one. The token is
  // asked for without an old snapshot, too: the answer means that every reader has the new one.
  const std::uint64_t token = rte_rcu_qsbr_start(readers_.get());
  retired_.push_back({.snapshot = std::exchange(active_, std::move(snapshot)), .token = token});
  activated_unix_seconds_ = static_cast<std::uint64_t>(std::time(nullptr));

  const auto deadline = std::chrono::steady_clock::now() + grace_limit;
  while (!reclaim()) {
    if (std::chrono::steady_clock::now() >= deadline) {
      return base::Error{
          .code = "busy",
          .message = fmt::format("generation {} is in force, but a worker has not moved for {} ms: "
                                 "see the workers' heartbeat in the status",
                                 generation.value, grace_limit.count())};
    }
    std::this_thread::sleep_for(std::chrono::microseconds(10));
  }
  return base::ok_status();
}

bool SnapshotStore::wait_for_readers(std::chrono::milliseconds grace_limit) {
  const std::uint64_t token = rte_rcu_qsbr_start(readers_.get());
  const auto deadline = std::chrono::steady_clock::now() + grace_limit;
  while (rte_rcu_qsbr_check(readers_.get(), token, false) != 1) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(10));
  }
  return true;
}

}  // namespace weir::engine
