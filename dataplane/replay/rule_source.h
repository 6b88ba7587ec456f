#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "match/snapshot_view.h"

namespace weir::replay {

/// The rules of a run: a snapshot read from a file or compiled from list files, in memory of its own.
class RuleSource {
 public:
  /// Compiles lists of the plain profile; the first has the highest precedence, its name is its file's name,
  /// a rule's id is its line number. Lines that cannot be used are told to `complaints`, as `FILE:LINE:
  /// reason`.
  static base::Result<RuleSource> from_lists(const std::vector<std::filesystem::path>& files,
                                             std::vector<std::string>& complaints);
  static base::Result<RuleSource> from_snapshot(const std::filesystem::path& file);

  [[nodiscard]] const match::SnapshotView& view() const noexcept { return *view_; }

 private:
  RuleSource() = default;
  std::vector<std::byte> bytes_;  // moved, never copied: the view points into it
  std::optional<match::SnapshotView> view_;
};

/// The whole file. Error code: file_unreadable.
base::Result<std::vector<std::byte>> read_file(const std::filesystem::path& file);

}  // namespace weir::replay
