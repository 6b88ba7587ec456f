#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include <rte_rcu_qsbr.h>

#include "dataplane/base/result.h"
#include "dataplane/engine/snapshots/snapshot_memory.h"
#include "dataplane/match/snapshot_view.h"

namespace weir::engine {

/// The snapshot in force: one writer publishes, the readers (workers) pick it up without waiting.
///
/// A reader is online from before its first current() to after its last use; in between it says quiescent()
/// whenever it holds no pointer. The writer swaps the pointer (release), lets every online reader pass a
/// quiescent state (rte_rcu_qsbr) and only then gives the old snapshot's memory back, on its own thread.
class SnapshotStore {
 public:
  /// For `readers` readers, numbered from 0. Throws std::bad_alloc.
  explicit SnapshotStore(unsigned readers);
  ~SnapshotStore();
  SnapshotStore(const SnapshotStore&) = delete;
  SnapshotStore& operator=(const SnapshotStore&) = delete;

  // Readers' side: wait-free, each by the thread that is reader `reader`.
  void online(unsigned reader) noexcept { rte_rcu_qsbr_thread_online(readers_.get(), reader); }
  void offline(unsigned reader) noexcept { rte_rcu_qsbr_thread_offline(readers_.get(), reader); }
  void quiescent(unsigned reader) noexcept { rte_rcu_qsbr_quiescent(readers_.get(), reader); }
  /// Null: no list yet. Valid until the reader's next quiescent() or offline().
  [[nodiscard]] const match::SnapshotView* current() const noexcept {
    return current_.load(std::memory_order_acquire);
  }

  // Writer's side: one thread.

  /// Puts `snapshot` into force and returns once every online reader uses it and the old one's memory is
  /// given back. Error codes: snapshot_stale (generation below the active one; nothing changes), busy (a
  /// reader did not move within `grace_limit`: the new snapshot is in force all the same, the old memory is
  /// kept until a later publish finds it unused).
  base::Status publish(std::unique_ptr<const Snapshot> snapshot,
                       std::chrono::milliseconds grace_limit = std::chrono::seconds(5));

  /// Returns once every online reader has passed a quiescent state; false: not within `grace_limit`.
  bool wait_for_readers(std::chrono::milliseconds grace_limit = std::chrono::seconds(5));

  /// The snapshot in force, null where there is none; valid until the next publish.
  [[nodiscard]] const Snapshot* active() const noexcept { return active_.get(); }
  /// When it was put into force; 0 where there is none.
  [[nodiscard]] std::uint64_t activated_unix_seconds() const noexcept { return activated_unix_seconds_; }

 private:
  struct FreeAligned {
    void operator()(void* memory) const noexcept;
  };
  /// A snapshot that no reader may pick up any more, kept until its grace period is over.
  struct Retired {
    std::unique_ptr<const Snapshot> snapshot;
    std::uint64_t token = 0;
  };

  /// Gives back what no reader can hold any more; true when nothing is left.
  bool reclaim();

  std::atomic<const match::SnapshotView*> current_{nullptr};  // written by the writer, read by all
  std::unique_ptr<rte_rcu_qsbr, FreeAligned> readers_;
  std::unique_ptr<const Snapshot> active_;
  std::uint64_t activated_unix_seconds_ = 0;
  std::vector<Retired> retired_;
};

}  // namespace weir::engine
