#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "control/lists/store.h"
#include "dataplane/base/result.h"
#include "dataplane/match/snapshot_view.h"

namespace weir::control {

/// Id of the rule that the self-test asks for; ids of lists grow from 1 on.
inline constexpr base::RuleId kCanaryRule{0xffffffff};

/// Stands for what a base is made of: of two states with the same recipe, the feeds compile to the same
/// tables.
std::string base_recipe(const State& state);

class BuiltSnapshot;
using SnapshotPtr = std::shared_ptr<const BuiltSnapshot>;

/// The bytes of a snapshot, whole or an overlay with its base, and the view that reads them; moves nowhere.
class BuiltSnapshot {
 public:
  /// A whole snapshot, made as `recipe` says. Error codes: those of SnapshotView::open, snapshot_base (it is
  /// an overlay).
  static base::Result<SnapshotPtr> open(std::vector<std::byte> bytes, std::string recipe);
  /// An overlay on the whole snapshot `base`. Error codes: those of SnapshotView::open and join.
  static base::Result<SnapshotPtr> open_overlay(std::vector<std::byte> bytes, SnapshotPtr base);

  /// Of the generation's own file: of an overlay without its base.
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

/// Compiles every list of `state` into the snapshot of its generation, and reads it back as the dataplane
/// will. Where the feeds are those of `last` (may be null), only the manual lists are compiled, as an
/// overlay on the same base: one entry more takes as long as those lists need, whatever the feeds hold.
base::Result<SnapshotPtr> compile(const State& state, const std::vector<ContentPtr>& contents,
                                  const SnapshotPtr& last);

}  // namespace weir::control
