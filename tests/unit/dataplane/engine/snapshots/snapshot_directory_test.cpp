#include "dataplane/engine/snapshots/snapshot_directory.h"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/dataplane/engine/snapshots/test_snapshot.h"

namespace weir::engine {
namespace {

class SnapshotDirectory : public testing::Test {
 protected:
  SnapshotDirectory() { std::filesystem::create_directories(directory_); }
  ~SnapshotDirectory() override { std::filesystem::remove_all(directory_); }

  void put(const std::string& name, const std::vector<std::byte>& bytes) const {
    std::ofstream(directory_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  static std::string name(std::uint64_t generation) { return fmt::format("{:020}.snapshot", generation); }

  const std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / fmt::format("weir-snapshots-{}", getpid());
};

TEST_F(SnapshotDirectory, NewestValidOneIsTaken) {
  put(name(9), snapshot_bytes(9, {"a"}));
  put(name(10), snapshot_bytes(10, {"a"}));
  const DirectoryLoad load = load_newest_snapshot(directory_);
  ASSERT_NE(load.snapshot, nullptr);
  EXPECT_EQ(load.snapshot->view.generation().value, 10U);
  EXPECT_EQ(load.file.filename(), name(10));
  EXPECT_TRUE(load.skipped.empty());
  EXPECT_TRUE(load.problem.empty());
}

TEST_F(SnapshotDirectory, AnOverlayIsJoinedWithItsBase) {
  const auto base = base_bytes(4, "a");
  put(name(4), base);
  put(name(6), overlay_bytes(6, base, "one.example"));
  const DirectoryLoad load = load_newest_snapshot(directory_);
  ASSERT_NE(load.snapshot, nullptr);
  EXPECT_EQ(load.file.filename(), name(6));
  EXPECT_FALSE(load.snapshot->view.is_overlay());
  EXPECT_EQ(load.snapshot->view.generation().value, 6U);
  EXPECT_EQ(load.snapshot->view.id().generation.value, 4U);
  EXPECT_EQ(load.snapshot->view.whole_host_rules({0}), 1U);
}

TEST_F(SnapshotDirectory, AnOverlayWithoutItsBaseIsSkipped) {
  put(name(4), base_bytes(4, "a"));
  put(name(6), overlay_bytes(6, base_bytes(5, "a"), "one.example"));
  put(name(7), overlay_bytes(7, base_bytes(4, "b"), "one.example"));
  const DirectoryLoad load = load_newest_snapshot(directory_);
  ASSERT_NE(load.snapshot, nullptr);
  EXPECT_EQ(load.snapshot->view.generation().value, 4U);
  ASSERT_EQ(load.skipped.size(), 2U);
  EXPECT_EQ(load.skipped[0].code, "snapshot_base");
  EXPECT_EQ(load.skipped[1].code, "snapshot_unreadable");
}

TEST_F(SnapshotDirectory, DamagedOnesAreSkippedAndNamed) {
  put(name(1), snapshot_bytes(1, {"a"}));
  put(name(2), snapshot_bytes(1, {"a"}));
  auto flipped = snapshot_bytes(3, {"a"});
  flipped.back() ^= std::byte{1};
  put(name(3), flipped);
  auto cut = snapshot_bytes(4, {"a"});
  cut.resize(cut.size() / 2);
  put(name(4), cut);
  put(name(5), {});
  std::filesystem::create_directory(directory_ / name(6));
  ASSERT_EQ(mkfifo((directory_ / name(7)).c_str(), 0600), 0);
  std::filesystem::create_symlink("nowhere", directory_ / name(8));

  const DirectoryLoad load = load_newest_snapshot(directory_);
  ASSERT_NE(load.snapshot, nullptr);
  EXPECT_EQ(load.snapshot->view.generation().value, 1U);
  const std::pair<std::uint64_t, const char*> expected[] = {
      {8, "snapshot_unreadable"}, {7, "snapshot_unreadable"}, {6, "snapshot_unreadable"},
      {5, "snapshot_truncated"},  {4, "snapshot_truncated"},  {3, "snapshot_checksum"},
      {2, "snapshot_mismatch"},
  };
  ASSERT_EQ(load.skipped.size(), std::size(expected));
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_EQ(load.skipped[i].file.filename(), name(expected[i].first));
    EXPECT_EQ(load.skipped[i].code, expected[i].second) << load.skipped[i].message;
  }
}

TEST_F(SnapshotDirectory, OtherNamesAreLeftAlone) {
  put(name(1), snapshot_bytes(1, {"a"}));
  for (const char* other :
       {"00000000000000000002.snapshot.tmp", "2.snapshot", "0000000000000000000x.snapshot",
        "99999999999999999999.snapshot", "-0000000000000000002.snapshot", "README"}) {
    put(other, snapshot_bytes(2, {"a"}));
  }
  const DirectoryLoad load = load_newest_snapshot(directory_);
  ASSERT_NE(load.snapshot, nullptr);
  EXPECT_EQ(load.snapshot->view.generation().value, 1U);
  EXPECT_TRUE(load.skipped.empty());
}

TEST_F(SnapshotDirectory, WithoutAnyThereIsNoSnapshot) {
  const DirectoryLoad empty = load_newest_snapshot(directory_);
  EXPECT_EQ(empty.snapshot, nullptr);
  EXPECT_TRUE(empty.problem.empty());
  const DirectoryLoad missing = load_newest_snapshot(directory_ / "missing");
  EXPECT_EQ(missing.snapshot, nullptr);
  EXPECT_FALSE(missing.problem.empty());
}

}  // namespace
}  // namespace weir::engine
