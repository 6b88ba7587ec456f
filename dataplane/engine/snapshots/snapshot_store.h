#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "dataplane/base/result.h"
#include "dataplane/engine/snapshots/published.h"
#include "dataplane/engine/snapshots/readers.h"
#include "dataplane/engine/snapshots/snapshot_memory.h"
#include "dataplane/match/snapshot_view.h"

namespace weir::engine {

/// The snapshot in force. One writer replaces it; the readers (the workers) pick it up without waiting.
class SnapshotStore {
 public:
  /// `readers` must outlive the object.
  explicit SnapshotStore(Readers& readers) noexcept : published_(readers) {}

  /// For readers. Null: no list yet. Valid until the reader's next quiescent() or offline().
  [[nodiscard]] const match::SnapshotView* current() const noexcept {
    const Snapshot* const snapshot = published_.current();
    return snapshot == nullptr ? nullptr : &snapshot->view;
  }

  // Writer's side: one thread.

  /// Puts `snapshot` into force, and returns once every online reader uses it and the old one is freed. Error
  /// codes: snapshot_stale (its generation is below that of the active one; nothing changes), busy (a reader
  /// did not move within `grace_limit`: the new snapshot is in force, the memory of the old one stays until a
  /// later publish finds it unused).
  base::Status publish(std::unique_ptr<const Snapshot> snapshot,
                       std::chrono::milliseconds grace_limit = Readers::kGraceLimit);

  /// The snapshot in force, null if there is none; valid until the next publish.
  [[nodiscard]] const Snapshot* active() const noexcept { return published_.current(); }
  /// When it was put into force; 0 if there is none.
  [[nodiscard]] std::uint64_t activated_unix_seconds() const noexcept { return activated_unix_seconds_; }

 private:
  Published<Snapshot> published_;
  std::uint64_t activated_unix_seconds_ = 0;
};

}  // namespace weir::engine
