#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/result.h"
#include "dataplane/match/snapshot_view.h"

namespace weir::replay {

/// The rules of a run: a snapshot, read from a file or compiled from list files. Owns its memory.
class RuleSource {
 public:
  /// Compiles lists in the plain format. The first list has the highest precedence. A list's name is its
  /// file's name; a rule's id is its line number. Lines that cannot be used are skipped and added to
  /// `skipped_lines` as `FILE:LINE: reason`.
  static base::Result<RuleSource> from_lists(const std::vector<std::filesystem::path>& files,
                                             std::vector<std::string>& skipped_lines);
  /// If the snapshot is an overlay, its base is read from the same directory, under the name that the control
  /// daemon gives it.
  static base::Result<RuleSource> from_snapshot(const std::filesystem::path& file);

  [[nodiscard]] const match::SnapshotView& view() const noexcept { return *view_; }

 private:
  RuleSource() = default;
  base::Status join_with(const std::filesystem::path& base_file);

  // Moved, never copied: the view points into them.
  std::vector<std::byte> bytes_;
  std::vector<std::byte> base_bytes_;  // the base of an overlay
  std::optional<match::SnapshotView> view_;
};

/// Reads a whole file. Error code: file_unreadable.
base::Result<std::vector<std::byte>> read_file(const std::filesystem::path& file);

}  // namespace weir::replay
