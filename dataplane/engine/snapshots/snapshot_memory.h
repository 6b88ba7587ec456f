#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "dataplane/base/result.h"
#include "dataplane/match/snapshot_view.h"

namespace weir::engine {

/// The largest snapshot that is accepted: room for 80 million entries, and a bound on what a wrong file
/// costs.
inline constexpr std::size_t kSnapshotBytesLimit = std::size_t{4} << 30;

/// Private memory for one snapshot: on huge pages if there are any, excluded from core dumps because the list
/// is secret, read-only once filled. Unmapped with the object.
class SnapshotMemory {
 public:
  SnapshotMemory(SnapshotMemory&& other) noexcept;
  SnapshotMemory& operator=(SnapshotMemory&& other) noexcept;
  ~SnapshotMemory();

  /// Copies the whole file by pread, so later changes to the file have no effect. The position of
  /// `descriptor` does not matter. Error codes: snapshot_too_large (above `limit_bytes`, or out of memory),
  /// snapshot_truncated (empty, or cut while it was read), snapshot_unreadable (not a regular file, or a read
  /// error).
  static base::Result<SnapshotMemory> copy_from(int descriptor,
                                                std::size_t limit_bytes = kSnapshotBytesLimit);

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {start_, size_}; }

 private:
  SnapshotMemory() = default;
  static base::Result<SnapshotMemory> allocate(std::size_t bytes);
  base::Status fill(int descriptor);

  std::byte* start_ = nullptr;
  std::size_t size_ = 0;          // of the snapshot
  std::size_t mapped_bytes_ = 0;  // of the mapping: whole pages
};

/// A validated snapshot and its memory: `whole` alone for a whole snapshot, both for an overlay that was
/// joined with its base. Generations with the same base share the memory of the base.
struct Snapshot {
  std::shared_ptr<const SnapshotMemory> whole;
  std::shared_ptr<const SnapshotMemory> overlay;
  match::SnapshotView view;

  /// Copies the file and validates the copy. It may be an overlay, which is to be joined with its base. Error
  /// codes: those of copy_from and of SnapshotView::open.
  static base::Result<std::unique_ptr<const Snapshot>> load(int descriptor,
                                                            std::size_t limit_bytes = kSnapshotBytesLimit);

  /// Joins an overlay from load() with its base. Error code: snapshot_base (it needs another base).
  static base::Result<std::unique_ptr<const Snapshot>> join(const Snapshot& base, const Snapshot& overlay);

  [[nodiscard]] std::size_t bytes() const noexcept {
    return (whole ? whole->bytes().size() : 0) + (overlay ? overlay->bytes().size() : 0);
  }
};

}  // namespace weir::engine
