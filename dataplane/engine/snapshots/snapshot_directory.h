#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/base/ids.h"
#include "dataplane/engine/snapshots/snapshot_memory.h"

namespace weir::engine {

/// A snapshot file that was not used, and why.
struct SkippedSnapshot {
  std::filesystem::path file;
  std::string code;  // as of Snapshot::load, or snapshot_mismatch: its generation is not its name's
  std::string message;
};

struct DirectoryLoad {
  std::unique_ptr<const Snapshot> snapshot;  // null: none was valid
  std::filesystem::path file;                // where it came from
  std::vector<SkippedSnapshot> skipped;      // newer ones
  std::string problem;                       // why the directory could not be read; empty: it could
};

/// Loads the `<generation, 20 digits>.snapshot` of the highest generation that validates; other names are
/// none of our business. An overlay is joined with the file of its base generation. Generations that do not
/// validate are skipped and reported.
DirectoryLoad load_newest_snapshot(const std::filesystem::path& directory);

}  // namespace weir::engine
