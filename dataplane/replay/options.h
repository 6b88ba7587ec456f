#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/result.h"

namespace weir::replay {

/// The command line of weir-replay.
struct Options {
  std::vector<std::filesystem::path> lists;
  std::optional<std::filesystem::path> snapshot;
  std::optional<std::filesystem::path> config;
  std::optional<std::filesystem::path> write;
  std::vector<std::filesystem::path> captures;
  unsigned repeat = 1;
  bool all = false;
  bool json = false;
  bool stats = false;
  bool check_config = false;
  bool help = false;
  bool version = false;
};

/// Error code: usage.
base::Result<Options> parse_options(int argc, const char* const* argv);
std::string help_text();

}  // namespace weir::replay
