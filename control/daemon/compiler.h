#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/result.h"
#include "control/store.h"
#include "match/snapshot_view.h"

namespace weir::control {

/// The bytes of a snapshot and the view that reads them; moves nowhere.
class BuiltSnapshot {
 public:
  /// Error codes: those of SnapshotView::open.
  static base::Result<std::shared_ptr<const BuiltSnapshot>> open(std::vector<std::byte> bytes);

  [[nodiscard]] const std::vector<std::byte>& bytes() const noexcept { return bytes_; }
  [[nodiscard]] const match::SnapshotView& view() const noexcept { return view_; }

 private:
  BuiltSnapshot(std::vector<std::byte> bytes, const match::SnapshotView& view)
      : bytes_(std::move(bytes)), view_(view) {}

  std::vector<std::byte> bytes_;
  match::SnapshotView view_;
};

/// Compiles every list of `state` into the snapshot of its generation, and reads it back as the dataplane
/// will.
base::Result<std::shared_ptr<const BuiltSnapshot>> compile(const State& state,
                                                           const std::vector<ContentPtr>& contents);

}  // namespace weir::control
