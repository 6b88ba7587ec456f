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
  std::string code;  // those of Snapshot::load, or snapshot_mismatch: its generation differs from its name
  std::string message;
};

struct DirectoryLoad {
  std::unique_ptr<const Snapshot> snapshot;  // null: none was valid
  std::filesystem::path file;                // where it came from
  std::vector<SkippedSnapshot> skipped;      // the newer ones
  std::string problem;                       // why the directory could not be read; empty: it was read
};

/// Loads the valid snapshot with the highest generation among the files named `GENERATION.snapshot` (20
/// digits); other files are ignored. An overlay is joined with the file of its base generation. Invalid files
/// are skipped and reported.
DirectoryLoad load_newest_snapshot(const std::filesystem::path& directory);

}  // namespace weir::engine
