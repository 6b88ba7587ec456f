#include "dataplane/engine/workers/event_ring.h"

#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace weir::engine {
namespace {

BlockEvent event(std::uint32_t number) {
  return {.time = std::chrono::nanoseconds(number * std::int64_t{3}),
          .rule = {number},
          .list = {static_cast<std::uint8_t>(number % 64)},
          .protocol = static_cast<base::Protocol>(number % base::kProtocols.size())};
}

void expect_same(const BlockEvent& got, const BlockEvent& wanted) {
  EXPECT_EQ(got.time, wanted.time);
  EXPECT_EQ(got.rule.value, wanted.rule.value);
  EXPECT_EQ(got.list.value, wanted.list.value);
  EXPECT_EQ(got.protocol, wanted.protocol);
}

TEST(EventRing, GivesWhatWasAddedInOrderUpToTheLimit) {
  const auto ring = std::make_unique<EventRing>();
  std::vector<BlockEvent> taken;
  const auto take = [&taken](const BlockEvent& each) { taken.push_back(each); };
  EXPECT_EQ(ring->take(10, take), 0U);
  EXPECT_TRUE(taken.empty());
  for (std::uint32_t i = 1; i <= 5; ++i) ring->add(event(i));
  EXPECT_EQ(ring->take(3, take), 0U);
  EXPECT_EQ(taken.size(), 3U);
  EXPECT_EQ(ring->take(10, take), 0U);
  ASSERT_EQ(taken.size(), 5U);
  for (std::uint32_t i = 0; i < 5; ++i) expect_same(taken[i], event(i + 1));
  ring->add(event(6));
  ring->skip();
  EXPECT_EQ(ring->take(10, take), 0U);
  EXPECT_EQ(taken.size(), 5U);
}

TEST(EventRing, CountsWhatWasOverwritten) {
  const auto ring = std::make_unique<EventRing>();
  constexpr std::uint32_t added = 3 * EventRing::kSlots + 7;
  for (std::uint32_t i = 0; i < added; ++i) ring->add(event(i));
  std::uint32_t next = 0;
  std::size_t taken = 0;
  const std::uint64_t lost = ring->take(added, [&](const BlockEvent& each) {
    if (taken++ == 0) next = each.rule.value;
    expect_same(each, event(next++));
  });
  EXPECT_EQ(lost + taken, added);
  EXPECT_EQ(next, added);
  EXPECT_GE(taken, EventRing::kSlots - 1);
}

// Nothing of two events, nothing twice, everything taken or counted, however the two threads run.
TEST(EventRing, AFastWriterAndASlowReader) {
  const auto ring = std::make_unique<EventRing>();
  constexpr std::uint32_t added = 2000000;
  std::thread writer([&ring] {
    for (std::uint32_t i = 0; i < added; ++i) ring->add(event(i));
  });
  std::uint64_t lost = 0;
  std::uint64_t taken = 0;
  std::uint64_t wrong = 0;
  std::int64_t last = -1;
  while (lost + taken < added) {
    lost += ring->take(100, [&](const BlockEvent& each) {
      ++taken;
      const BlockEvent wanted = event(each.rule.value);
      const bool good = each.time == wanted.time && each.list.value == wanted.list.value &&
                        each.protocol == wanted.protocol && each.rule.value > last;
      wrong += good ? 0 : 1;
      last = each.rule.value;
    });
  }
  writer.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(lost + taken, added);
}

}  // namespace
}  // namespace weir::engine
