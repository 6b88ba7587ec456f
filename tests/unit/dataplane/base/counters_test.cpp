#include "dataplane/base/counters.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace weir::base {
namespace {

TEST(CounterFamilies, HaveNamesAsPrometheusWantsThem) {
  std::set<std::string_view> names;
  for (const CounterRow& family : kCounters) {
    SCOPED_TRACE(family.name);
    EXPECT_TRUE(names.insert(family.name).second) << "two families of one name";
    EXPECT_TRUE(family.name.starts_with("weir_"));
    EXPECT_TRUE(family.name.ends_with("_total"));
    EXPECT_TRUE(std::all_of(family.name.begin(), family.name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    }));
    EXPECT_FALSE(family.help.empty());
    for (const LabelAxis& axis : {family.first, family.second}) {
      std::set<std::string_view> values;
      for (const EnumRow& row : axis.rows) {
        EXPECT_TRUE(values.insert(row.name).second) << row.name << " stands twice on one axis";
      }
    }
  }
}

TEST(CounterFamilies, AxesHaveTheSizesOfTheirRows) {
  EXPECT_EQ(kCounters[index_of(Counter::packets)].size(), kOutcomes.size());
  EXPECT_EQ(kCounters[index_of(Counter::requests)].size(), kProtocols.size() * kRequestVerdicts.size());
  EXPECT_EQ(kCounters[index_of(Counter::blocked)].size(), kProtocols.size() * kMaxLists);
  EXPECT_EQ(kCounters[index_of(Counter::ech)].size(), 1U);
}

TEST(Counters, EveryCellIsItsOwn) {
  const auto counters = std::make_unique<Counters>();
  std::uint64_t amount = 0;
  const auto each_cell = [](auto&& visit) {
    for (std::size_t f = 0; f < kCounters.size(); ++f) {
      for (std::size_t i = 0; i < kCounters[f].first.size(); ++i) {
        for (std::size_t j = 0; j < kCounters[f].second.size(); ++j) visit(static_cast<Counter>(f), i, j);
      }
    }
  };
  each_cell([&](Counter counter, std::size_t i, std::size_t j) {
    ASSERT_EQ(counters->get(counter, i, j), 0U);
    counters->add(counter, i, j, ++amount);
  });
  EXPECT_EQ(amount, kCounterCount);
  std::uint64_t expected = 0;
  each_cell([&](Counter counter, std::size_t i, std::size_t j) {
    ASSERT_EQ(counters->get(counter, i, j), ++expected);
  });
}

TEST(Counters, AddsUp) {
  const auto counters = std::make_unique<Counters>();
  counters->add(Outcome::drop_blocked);
  counters->add(Outcome::drop_blocked, 41);
  counters->add(Counter::requests, index_of(Protocol::tls), index_of(RequestVerdict::block));
  EXPECT_EQ(counters->get(Outcome::drop_blocked), 42U);
  EXPECT_EQ(counters->get(Counter::packets, index_of(Outcome::drop_blocked)), 42U);
  EXPECT_EQ(counters->get(Outcome::drop_blocked_flow), 0U);
  EXPECT_EQ(counters->get(Counter::requests, index_of(Protocol::tls), index_of(RequestVerdict::block)), 1U);
}

// Under the thread sanitizer this fails if a counter stops being atomic.
TEST(Counters, AreReadWhileTheirWorkerWrites) {
  const auto counters = std::make_unique<Counters>();
  constexpr std::uint64_t kPackets = 100000;
  std::thread worker([&] {
    for (std::uint64_t i = 0; i < kPackets; ++i) counters->add(Outcome::forward_passed);
  });
  std::uint64_t last = 0;
  while (last < kPackets) {
    const std::uint64_t seen = counters->get(Outcome::forward_passed);
    ASSERT_GE(seen, last) << "a counter went back";
    ASSERT_LE(seen, kPackets);
    last = seen;
    std::this_thread::yield();
  }
  worker.join();
}

}  // namespace
}  // namespace weir::base
