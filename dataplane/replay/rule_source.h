#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/result.h"
#include "dataplane/match/snapshot_view.h"

namespace weir::replay {

/// The rules of a run: a snapshot read from a file or compiled from list files, in memory of its own.
class RuleSource {
 public:
  /// Compiles lists of the plain profile; the first has the highest precedence, its name is its file's name,
  /// a rule's id is its line number. Lines that cannot be used are told to `complaints`, as `FILE:LINE:
  /// reason`.
  static base::Result<RuleSource> from_lists(const std::vector<std::filesystem::path>& files,
                                             std::vector<std::string>& complaints);
  /// An overlay is joined with its base, which is looked for beside it as the control daemon names it.
  static base::Result<RuleSource> from_snapshot(const std::filesystem::path& file);

  [[nodiscard]] const match::SnapshotView& view() const noexcept { return *view_; }

 private:
  RuleSource() = default;
  base::Status join_with(const std::filesystem::path& base_file);

  // Moved, never copied: the view points into them.
  std::vector<std::byte> bytes_;
  std::vector<std::byte> base_bytes_;  // of an overlay's base
  std::optional<match::SnapshotView> view_;
};

/// The whole file. Error code: file_unreadable.
base::Result<std::vector<std::byte>> read_file(const std::filesystem::path& file);

}  // namespace weir::replay
