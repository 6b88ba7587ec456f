#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/match/snapshot_format.h"
#include "dataplane/match/table_view.h"
#include "dataplane/match/tag_match.h"
#include "dataplane/rules/table_builder.h"

namespace weir::match {
namespace {

using rules::TableBuilder;
using Density = TableBuilder::Density;

// One table, written on its own.
class Table {
 public:
  Table(const std::vector<Slot>& slots, Density density) {
    TableBuilder builder;
    for (const Slot& slot : slots) builder.add(slot);
    builder.reduce([](const Slot&, bool) {});
    const TableRecord record = builder.write(bytes_, density);
    EXPECT_EQ(builder.size(), 0U);
    view_ = TableView({reinterpret_cast<const Bucket*>(bytes_.data() + record.buckets_offset),
                       static_cast<std::size_t>(record.bucket_count + 1)},
                      {reinterpret_cast<const TableEntry*>(bytes_.data() + record.entries_offset),
                       static_cast<std::size_t>(record.entry_count)});
  }
  [[nodiscard]] const TableView& view() const { return view_; }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
  TableView view_;
};

Slot rule_slot(const Fingerprint& key, std::uint32_t value) {
  return {.key = key, .value = value, .list = 0, .flags = kSelf, .primary = true};
}

std::vector<Slot> random_slots(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Slot> slots;
  for (std::size_t i = 0; i < count; ++i) {
    const Fingerprint key{.low = random(), .high = random()};
    slots.push_back(rule_slot(key, static_cast<std::uint32_t>(i + 1)));
  }
  return slots;
}

TEST(TagMatch, GivesTheEqualTagsInEveryWay) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    // Few values, so that many are equal. `first` holds one too, which must not count.
    Bucket bucket{.first = static_cast<std::uint32_t>(random()), .tags = {}};
    for (auto& tag : bucket.tags) tag = static_cast<std::uint16_t>(random() % 3 + 0x7FFF);
    const auto wanted = static_cast<std::uint16_t>(0x7FFF + random() % 3);
    bucket.first = (bucket.first & 0xFFFF0000U) | wanted;
    std::uint32_t expected = 0;
    for (std::size_t i = 0; i < bucket.tags.size(); ++i) {
      expected |= static_cast<std::uint32_t>(bucket.tags[i] == wanted) << i;
    }
    EXPECT_EQ(PortableTagMatch::of(bucket, wanted), expected);
#ifdef __x86_64__
    EXPECT_EQ(Sse2TagMatch::of(bucket, wanted), expected);
    if (__builtin_cpu_supports("avx2")) {
      EXPECT_EQ(Avx2TagMatch::of(bucket, wanted), expected);
    }
    if (__builtin_cpu_supports("avx512bw")) {
      EXPECT_EQ(Avx512TagMatch::of(bucket, wanted), expected);
    }
#endif
  }
}

TEST(Table, FindsAllThatItHoldsAndNothingElse) {
  for (const Density density : {Density::fast, Density::compact}) {
    for (const std::size_t count : {0U, 1U, 2U, 18U, 19U, 26U, 27U, 1000U, 400000U}) {
      const auto slots = random_slots(count, count);
      const Table table(slots, density);
      ASSERT_LE(table.bytes().size(), table_bytes(count, density));
      for (const Slot& slot : slots) {
        std::vector<std::uint32_t> values;
        table.view().for_each(slot.key, table.view().find(slot.key),
                              [&](const Slot& found) { values.push_back(found.value); });
        ASSERT_EQ(values, std::vector<std::uint32_t>{slot.value}) << count;
      }
      for (const Slot& slot : random_slots(1000, count + 1)) {
        ASSERT_EQ(table.view().find(slot.key), TableView::kNone) << count;
      }
    }
  }
}

TEST(Table, FindsABatchAsOneByOne) {
  const auto slots = random_slots(5000, 1);
  const Table table(slots, Density::fast);
  std::vector<Fingerprint> keys;
  for (const Slot& slot : random_slots(3000, 2)) keys.push_back(slot.key);
  for (std::size_t i = 0; i < slots.size(); i += 3) keys.push_back(slots[i].key);
  std::shuffle(keys.begin(), keys.end(), std::mt19937(1));
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{23}, keys.size()}) {
    std::vector<std::uint32_t> found(count, 7);
    table.view().find_batch(std::span(keys).first(count), found);
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(found[i], table.view().find(keys[i]));
  }
  std::vector<std::uint32_t> found(keys.size(), 7);
  TableView().find_batch(keys, found);
  EXPECT_EQ(std::count(found.begin(), found.end(), TableView::kNone), std::ssize(keys));
}

// Keys that differ in a single bit, except the bits that no table stores.
TEST(Table, TellsNearlyEqualKeysApart) {
  const Fingerprint key{.low = 0x0123456789ABCDEF, .high = 0xFEDCBA9876543210};
  const Table table({rule_slot(key, 1)}, Density::fast);
  EXPECT_NE(table.view().find(key), TableView::kNone);
  for (unsigned bit = 0; bit < 64; ++bit) {
    Fingerprint other = key;
    other.high ^= std::uint64_t{1} << bit;
    EXPECT_EQ(table.view().find(other), TableView::kNone) << "high, bit " << bit;
    // The bucket implies the first bits, and this table has only one.
    if (bit >= 48) continue;
    other = key;
    other.low ^= std::uint64_t{1} << bit;
    EXPECT_EQ(table.view().find(other), TableView::kNone) << "low, bit " << bit;
  }
}

TEST(Table, FindsKeysBeyondTheTagsOfTheirBucket) {
  // All of them in one of the few buckets.
  std::vector<Slot> slots;
  for (std::uint64_t i = 0; i < 40; ++i) {
    slots.push_back(rule_slot({.low = i << 40 | i, .high = i}, static_cast<std::uint32_t>(i + 1)));
  }
  const Table table(slots, Density::fast);
  ASSERT_EQ(table.view().bucket_count(), 3U);
  for (const Slot& slot : slots) ASSERT_NE(table.view().find(slot.key), TableView::kNone) << slot.value;
  EXPECT_EQ(table.view().find({.low = 41, .high = 41}), TableView::kNone);
}

TEST(Table, GrowsRatherThanOverfillABucket) {
  std::vector<Slot> slots;
  for (std::uint64_t i = 0; i < 600; ++i) {
    slots.push_back(rule_slot({.low = i << 49, .high = i}, static_cast<std::uint32_t>(i + 1)));
  }
  const Table table(slots, Density::fast);
  EXPECT_GT(table.view().bucket_count(), 30U);
  for (const Slot& slot : slots) ASSERT_NE(table.view().find(slot.key), TableView::kNone);
  for (Slot& slot : slots) slot.key.low = 5;
  EXPECT_THROW(Table(slots, Density::fast), std::length_error);
}

TEST(Table, DoesNotDependOnTheOrder) {
  auto slots = random_slots(3000, 5);
  for (std::size_t i = 0; i < 500; ++i) slots.push_back(rule_slot(slots[i].key, 9000));
  const Table table(slots, Density::compact);
  std::shuffle(slots.begin(), slots.end(), std::mt19937(3));
  EXPECT_EQ(Table(slots, Density::compact).bytes(), table.bytes());
}

TEST(DepthSet, HoldsTheDepthsThatWereAdded) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::array<std::size_t, 3> depths{};
    std::uint32_t set = 0;
    for (auto& depth : depths) {
      depth = random() % 2 == 0 ? random() % 30 : random() % 9000;
      set = merge_depth_sets(set, depth_set(depth));
    }
    const std::size_t deepest = *std::max_element(depths.begin(), depths.end());
    for (const std::size_t depth : depths) EXPECT_TRUE(has_depth(set, depth)) << depth;
    for (std::size_t depth = 0; depth < kDeepestBit; ++depth) {
      const bool is_in = std::find(depths.begin(), depths.end(), depth) != depths.end();
      EXPECT_EQ(has_depth(set, depth), is_in) << depth;
    }
    // Directories below the deepest rule are not looked up.
    if (deepest < kDepthUnit * (kAnyDepth - 1)) {
      EXPECT_FALSE(has_depth(set, std::max<std::size_t>(deepest, kDeepestBit) + kDepthUnit)) << deepest;
    }
  }
}

}  // namespace
}  // namespace weir::match
