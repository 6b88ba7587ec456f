#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "control/lists/state.h"
#include "dataplane/base/result.h"
#include "dataplane/match/snapshot_view.h"

namespace weir::control {

/// Id of the rule that the self-test asks for. Ids of lists count up from 1.
inline constexpr base::RuleId kCanaryRule{0xffffffff};

/// Identifies what a base is compiled from: with the same recipe, the feeds of two states compile to the same
/// tables.
std::string base_recipe(const State& state);

class BuiltSnapshot;
using SnapshotPtr = std::shared_ptr<const BuiltSnapshot>;

/// A snapshot in memory, whole or an overlay with its base, and the view that reads it. Immovable.
class BuiltSnapshot {
 public:
  /// A whole snapshot, compiled from `recipe`. Error codes: those of SnapshotView::open(), snapshot_base (it
  /// is an overlay).
  static base::Result<SnapshotPtr> open(std::vector<std::byte> bytes, std::string recipe);
  /// An overlay on the whole snapshot `base`. Error codes: those of SnapshotView::open() and join().
  static base::Result<SnapshotPtr> open_overlay(std::vector<std::byte> bytes, SnapshotPtr base);

  /// The content of the generation's own file; for an overlay, without its base.
  [[nodiscard]] const std::vector<std::byte>& bytes() const noexcept { return bytes_; }
  /// The whole snapshot that an overlay belongs to; null for a whole one.
  [[nodiscard]] const SnapshotPtr& base() const noexcept { return base_; }
  [[nodiscard]] const std::string& recipe() const noexcept { return base_ ? base_->recipe_ : recipe_; }
  [[nodiscard]] const match::SnapshotView& view() const noexcept { return view_; }

 private:
  BuiltSnapshot(std::vector<std::byte> bytes, const match::SnapshotView& view, std::string recipe,
                SnapshotPtr base)
      : bytes_(std::move(bytes)), view_(view), recipe_(std::move(recipe)), base_(std::move(base)) {}

  std::vector<std::byte> bytes_;
  match::SnapshotView view_;
  std::string recipe_;
  SnapshotPtr base_;
};

/// Whether compile() has all the entries that it needs: contents with fingerprints only can be used only as
/// part of a base that `last` has already. Error code: lists_incomplete.
base::Status check_complete(const State& state, const std::vector<ContentPtr>& contents,
                            const SnapshotPtr& last);

/// Compiles every list of `state` into the snapshot of its generation, and opens it as the dataplane will. If
/// the feeds are those of `last` (may be null), compiles only the manual lists, as an overlay on the same
/// base: the time for adding an entry depends on the manual lists only, however large the feeds are. Error
/// codes: those of check_complete(), BuiltSnapshot::open() and open_overlay().
base::Result<SnapshotPtr> compile(const State& state, const std::vector<ContentPtr>& contents,
                                  const SnapshotPtr& last);

}  // namespace weir::control
