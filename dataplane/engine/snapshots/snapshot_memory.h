#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "dataplane/base/result.h"
#include "dataplane/match/snapshot_view.h"

namespace weir::engine {

/// Largest snapshot taken: room for 80 million entries, and a bound on what a wrong file can cost.
inline constexpr std::size_t kSnapshotBytesLimit = std::size_t{4} << 30;

/// Memory of our own for one snapshot: on huge pages where there are any, kept out of core dumps (the list is
/// secret), read-only once filled. Its pages go back to the system with the object.
class SnapshotMemory {
 public:
  SnapshotMemory(SnapshotMemory&& other) noexcept;
  SnapshotMemory& operator=(SnapshotMemory&& other) noexcept;
  ~SnapshotMemory();

  /// Copies the whole file behind `descriptor` by pread, from offset 0 whatever its position; what happens to
  /// the file later reaches nobody. Error codes: snapshot_too_large (above `limit_bytes`, or no memory),
  /// snapshot_truncated (shorter than it says), snapshot_unreadable (no regular file, or a read error).
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

/// A validated snapshot and the memory it stands in: of a whole one `whole` alone, of an overlay that was
/// joined with its base both. Generations with the same base share its memory.
struct Snapshot {
  std::shared_ptr<const SnapshotMemory> whole;
  std::shared_ptr<const SnapshotMemory> overlay;
  match::SnapshotView view;

  /// Copies, then validates the copy, which may be an overlay alone. Error codes of copy_from and of
  /// SnapshotView::open.
  static base::Result<std::unique_ptr<const Snapshot>> load(int descriptor,
                                                            std::size_t limit_bytes = kSnapshotBytesLimit);

  /// An overlay that load() gave on `base`. Error code: snapshot_base.
  static base::Result<std::unique_ptr<const Snapshot>> join(const Snapshot& base, const Snapshot& overlay);

  [[nodiscard]] std::size_t bytes() const noexcept {
    return (whole ? whole->bytes().size() : 0) + (overlay ? overlay->bytes().size() : 0);
  }
};

}  // namespace weir::engine
