#include "dataplane/engine/snapshots/snapshot_memory.h"

#include <algorithm>

#include <fcntl.h>
#include <gtest/gtest.h>

#include "tests/unit/dataplane/engine/snapshots/test_snapshot.h"

namespace weir::engine {
namespace {

TEST(SnapshotMemory, HoldsItsOwnCopy) {
  const auto bytes = snapshot_bytes(5, {"one"});
  const auto file = file_of(bytes);
  auto memory = SnapshotMemory::copy_from(file.get());
  ASSERT_TRUE(memory.ok()) << memory.error().message;
  // Changes of the file have no effect now.
  ASSERT_EQ(ftruncate(file.get(), 0), 0);
  ASSERT_EQ(ftruncate(file.get(), 1 << 20), 0);
  const auto copy = memory.value().bytes();
  EXPECT_TRUE(std::equal(copy.begin(), copy.end(), bytes.begin(), bytes.end()));
}

TEST(SnapshotMemory, KeepsLargeSnapshotsWhenMoved) {
  std::vector<std::byte> bytes((std::size_t{5} << 20) + 13);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 31 >> 3);
  const auto file = file_of(bytes);
  auto memory = SnapshotMemory::copy_from(file.get());
  ASSERT_TRUE(memory.ok()) << memory.error().message;
  const std::byte* start = memory.value().bytes().data();
  SnapshotMemory moved = std::move(memory).value();
  EXPECT_EQ(moved.bytes().data(), start);
  EXPECT_TRUE(std::equal(moved.bytes().begin(), moved.bytes().end(), bytes.begin(), bytes.end()));
}

TEST(SnapshotMemory, RefusesOtherFiles) {
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  const base::FileDescriptor reader(pipe_ends[0]);
  const base::FileDescriptor writer(pipe_ends[1]);
  const base::FileDescriptor directory(open("/", O_RDONLY | O_CLOEXEC));
  const base::FileDescriptor write_only(open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  ASSERT_EQ(ftruncate(write_only.get(), 4096), 0);
  const auto small = file_of(std::vector<std::byte>(100));
  const auto empty = file_of({});
  struct Case {
    const char* description;
    int descriptor;
    std::size_t limit;
    const char* code;
  };
  const Case cases[] = {
      {"empty", empty.get(), 1000, "snapshot_truncated"},
      {"above the limit", small.get(), 99, "snapshot_too_large"},
      {"a pipe, which would block", reader.get(), 1000, "snapshot_unreadable"},
      {"a directory", directory.get(), 1000, "snapshot_unreadable"},
      {"not open for reading", write_only.get(), 5000, "snapshot_unreadable"},
      {"no descriptor", -1, 1000, "snapshot_unreadable"},
  };
  for (const Case& row : cases) {
    const auto memory = SnapshotMemory::copy_from(row.descriptor, row.limit);
    ASSERT_FALSE(memory.ok()) << row.description;
    EXPECT_EQ(memory.error().code, row.code) << row.description;
  }
}

TEST(Snapshot, DamageIsRefused) {
  const auto good = snapshot_bytes(5, {"one"});
  ASSERT_TRUE(Snapshot::load(file_of(good).get()).ok());
  for (std::size_t cut = 0; cut < good.size(); cut += 7) {
    const std::vector<std::byte> bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(cut));
    const auto snapshot = Snapshot::load(file_of(bytes).get());
    ASSERT_FALSE(snapshot.ok()) << "cut at " << cut;
    EXPECT_EQ(snapshot.error().code, "snapshot_truncated") << "cut at " << cut;
  }
  for (std::size_t place = 0; place < good.size(); ++place) {
    auto bytes = good;
    bytes[place] ^= std::byte{0x10};
    EXPECT_FALSE(Snapshot::load(file_of(bytes).get()).ok()) << "flipped at " << place;
  }
}

}  // namespace
}  // namespace weir::engine
