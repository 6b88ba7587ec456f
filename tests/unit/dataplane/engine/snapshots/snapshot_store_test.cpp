#include "dataplane/engine/snapshots/snapshot_store.h"

#include <array>
#include <thread>

#include <gtest/gtest.h>

#include "tests/unit/dataplane/engine/snapshots/test_snapshot.h"

namespace weir::engine {
namespace {

std::unique_ptr<const Snapshot> snapshot(std::uint64_t generation) {
  // The size depends on the generation, so that the memory of different snapshots overlaps in many ways.
  const std::vector<std::string> lists(1 + generation % 60, std::to_string(generation));
  auto loaded = Snapshot::load(file_of(snapshot_bytes(generation, lists)).get());
  EXPECT_TRUE(loaded.ok()) << (loaded.ok() ? "" : loaded.error().message);
  return loaded.ok() ? std::move(loaded).value() : nullptr;
}

TEST(SnapshotStore, BeginsWithoutASnapshot) {
  Readers readers(2);
  const SnapshotStore store(readers);
  EXPECT_EQ(store.current(), nullptr);
  EXPECT_EQ(store.active(), nullptr);
  EXPECT_EQ(store.activated_unix_seconds(), 0U);
}

TEST(SnapshotStore, GenerationsOnlyGrow) {
  Readers readers(1);
  SnapshotStore store(readers);
  ASSERT_TRUE(store.publish(snapshot(5)).ok());
  EXPECT_EQ(store.current()->generation().value, 5U);
  EXPECT_GT(store.activated_unix_seconds(), 0U);
  const auto stale = store.publish(snapshot(4));
  ASSERT_FALSE(stale.ok());
  EXPECT_EQ(stale.error().code, "snapshot_stale");
  EXPECT_EQ(store.current()->generation().value, 5U) << "the old one stays";
  EXPECT_TRUE(store.publish(snapshot(5)).ok()) << "an equal one is accepted again";
  EXPECT_TRUE(store.publish(snapshot(6)).ok());
  EXPECT_EQ(store.active()->view.generation().value, 6U);
}

TEST(SnapshotStore, ReaderThatStandsStillKeepsItsSnapshot) {
  Readers readers(2);
  SnapshotStore store(readers);
  ASSERT_TRUE(store.publish(snapshot(1)).ok());
  readers.online(1);
  const match::SnapshotView* held = store.current();
  const auto published = store.publish(snapshot(2), std::chrono::milliseconds(5));
  ASSERT_FALSE(published.ok());
  EXPECT_EQ(published.error().code, "busy");
  EXPECT_EQ(held->list_name({0}), "1") << "not freed while a reader may hold it";
  EXPECT_EQ(store.current()->generation().value, 2U);
  readers.quiescent(1);
  EXPECT_FALSE(store.publish(snapshot(3), std::chrono::milliseconds(5)).ok()) << "and again for the next";
  readers.offline(1);
  EXPECT_TRUE(store.publish(snapshot(4)).ok());
}

/// A small worker: picks up the snapshot, reads all of it, and releases it.
struct Reader {
  std::atomic<std::uint64_t> in_use{0};  // the generation that it holds; 0: none
  std::uint64_t bursts = 0;
  std::uint64_t wrong = 0;

  void run(Readers& readers, const SnapshotStore& store, unsigned number, const std::atomic<bool>& stop) {
    std::uint64_t newest = 0;
    readers.online(number);
    while (!stop.load()) {
      const match::SnapshotView* view = store.current();
      const std::uint64_t generation = view->generation().value;
      in_use.store(generation);
      if (generation < newest || !whole(*view, generation)) ++wrong;
      newest = generation;
      ++bursts;
      in_use.store(0);
      readers.quiescent(number);
    }
    readers.offline(number);
  }

  static bool whole(const match::SnapshotView& view, std::uint64_t generation) {
    return view.layers()[0].hosts.entries().size() == 1 && view.created_unix_seconds() == generation * 3 &&
           view.list_count() == 1 + generation % 60 && view.list_name({0}) == std::to_string(generation);
  }
};

TEST(SnapshotStore, ReadersSeeWholeSnapshotsWhileTheyAreSwapped) {
  constexpr unsigned kReaders = 3;
  constexpr std::uint64_t kGenerations = 400;
  Readers threads_that_read(kReaders);
  SnapshotStore store(threads_that_read);
  ASSERT_TRUE(store.publish(snapshot(1)).ok());
  std::atomic<bool> stop{false};
  std::array<Reader, kReaders> readers;
  std::vector<std::thread> threads;
  for (unsigned number = 0; number < kReaders; ++number) {
    threads.emplace_back([&, number] { readers[number].run(threads_that_read, store, number, stop); });
  }
  for (std::uint64_t generation = 2; generation <= kGenerations; ++generation) {
    const auto published = store.publish(snapshot(generation), std::chrono::minutes(1));
    EXPECT_TRUE(published.ok());
    // After publish() no reader holds an older one.
    for (const Reader& reader : readers) {
      const std::uint64_t held = reader.in_use.load();
      EXPECT_TRUE(held == 0 || held >= generation) << held << " held after " << generation;
    }
  }
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
  for (const Reader& reader : readers) {
    EXPECT_EQ(reader.wrong, 0U);
    EXPECT_GT(reader.bursts, 0U);
  }
}

}  // namespace
}  // namespace weir::engine
