#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/scenario/lab.h"

namespace weir::scenario {
namespace {

/// Whatever a capture contains, the program ends normally and every packet has one outcome.
TEST(RealCaptures, EveryFileEndsWellAndEveryPacketHasAnOutcome) {
  const char* folder = std::getenv("WEIR_CAPTURES");
  if (folder == nullptr || !std::filesystem::is_directory(folder)) {
    GTEST_SKIP() << "WEIR_CAPTURES names no directory with captures";
  }
  const TemporaryDirectory directory;
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string extension = entry.path().extension();
    if (!entry.is_regular_file() || (extension != ".pcap" && extension != ".pcapng")) continue;
    ++files;
    const Finished finished = run_replay(
        {"--all", "--json", "--stats", "--write", directory / "out.pcap", entry.path()}, directory);
    EXPECT_TRUE(finished.status == 0 || finished.status == 1) << entry.path() << ": " << finished.err;
    const auto lines = lines_of(finished.err);
    ASSERT_FALSE(lines.empty()) << entry.path();
    const auto stats = nlohmann::json::parse(lines.back());
    std::uint64_t outcomes = 0;
    for (const auto& outcome : stats["outcomes"].items()) outcomes += outcome.value().get<std::uint64_t>();
    EXPECT_EQ(stats["packets"], outcomes) << entry.path();
    for (const std::string& line : lines_of(finished.out)) {
      EXPECT_TRUE(nlohmann::json::accept(line)) << entry.path() << ": " << line;
    }
  }
  EXPECT_GT(files, 0U) << folder << " holds no .pcap or .pcapng file";
}

}  // namespace
}  // namespace weir::scenario
