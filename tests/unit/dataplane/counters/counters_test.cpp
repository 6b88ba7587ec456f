#include "dataplane/counters/counters.h"

#include <memory>
#include <string_view>
#include <thread>

#include <gtest/gtest.h>

#include "dataplane/base/request.h"

namespace weir::base {
namespace {

// Prometheus: the application as prefix, snake_case, `_total` for a counter; labels likewise.
TEST(CounterRows, HaveNamesAsPrometheusWantsThem) {
  const auto is_snake_case = [](std::string_view name) {
    return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos &&
           name.find("__") == std::string_view::npos;
  };
  for (const CounterRow& row : kCounters) {
    SCOPED_TRACE(row.name);
    EXPECT_TRUE(row.name.starts_with("weir_"));
    EXPECT_TRUE(row.name.ends_with("_total"));
    EXPECT_TRUE(is_snake_case(row.name));
    ASSERT_FALSE(row.help.empty());
    EXPECT_NE(row.help.back(), '.');
    EXPECT_TRUE(row.help.front() >= 'A' && row.help.front() <= 'Z');
    for (const LabelAxis& axis : {row.first, row.second}) EXPECT_TRUE(is_snake_case(axis.key)) << axis.key;
    EXPECT_TRUE(row.first.key != row.second.key || row.first.key.empty()) << "a label given twice";
    EXPECT_TRUE(!row.first.key.empty() || row.second.key.empty()) << "a second label without a first";
  }
}

TEST(CounterRows, HaveACellForEachCombinationOfLabels) {
  EXPECT_EQ(kCounters[index_of(Counter::packets)].size(), kOutcomes.size());
  EXPECT_EQ(kCounters[index_of(Counter::requests)].size(), kProtocols.size() * kRequestVerdicts.size());
  EXPECT_EQ(kCounters[index_of(Counter::blocked)].size(), kProtocols.size() * kMaxLists);
  EXPECT_EQ(kCounters[index_of(Counter::ech)].size(), 1U);
}

TEST(Counters, NoTwoShareACell) {
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

// ThreadSanitizer fails this test if a counter is no longer atomic.
TEST(Counters, AreReadWhileTheirWorkerWrites) {
  const auto counters = std::make_unique<Counters>();
  constexpr std::uint64_t kPackets = 100000;
  std::thread worker([&] {
    for (std::uint64_t i = 0; i < kPackets; ++i) counters->add(Outcome::forward_passed);
  });
  std::uint64_t last = 0;
  while (last < kPackets) {
    const std::uint64_t seen = counters->get(Outcome::forward_passed);
    ASSERT_GE(seen, last) << "a counter ran backwards";
    ASSERT_LE(seen, kPackets);
    last = seen;
    std::this_thread::yield();
  }
  worker.join();
}

}  // namespace
}  // namespace weir::base
