#include "dataplane/engine/supervisor/breaker.h"

#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/dataplane/engine/snapshots/test_snapshot.h"

namespace weir::engine {
namespace {

using inspect::RuleHits;

/// What next_second() returns, as "RULE COUNT", followed by "page" for a rule on a page.
std::vector<std::string> take(RuleHits& hits) {
  std::vector<std::string> lines;
  hits.next_second([&](const RuleHits::Hit& hit) {
    lines.push_back(std::to_string(hit.rule.value) + " " + std::to_string(hit.count) +
                    (hit.of_page ? " page" : ""));
  });
  return lines;
}

TEST(RuleHits, CountsEachSecondByItself) {
  RuleHits hits;
  using Lines = std::vector<std::string>;
  EXPECT_EQ(take(hits), Lines{});
  for (int i = 0; i < 3; ++i) hits.add({7}, true);
  EXPECT_EQ(take(hits), Lines{}) << "the second is not over for a worker that has not seen it";
  hits.add({7}, true);
  EXPECT_EQ(take(hits), Lines{"7 3 page"});
  EXPECT_EQ(take(hits), Lines{"7 1 page"});
  EXPECT_EQ(take(hits), Lines{});
  hits.add({1}, false);
  static_cast<void>(take(hits));
  EXPECT_EQ(take(hits), Lines{"1 1"});
}

TEST(RuleHits, CountsManyRulesAndStopsAtTheLargestCount) {
  RuleHits hits;
  for (std::uint32_t i = 0; i < 2 * RuleHits::kMostHits; ++i) hits.add({4000000000U}, false);
  for (std::uint32_t rule = 1; rule <= 1000; ++rule) hits.add({rule}, false);
  static_cast<void>(take(hits));
  std::uint64_t rules = 0;
  std::uint32_t most = 0;
  hits.next_second([&](const RuleHits::Hit& hit) {
    ++rules;
    most = std::max(most, hit.count);
  });
  EXPECT_EQ(rules, 1001U);
  EXPECT_EQ(most, RuleHits::kMostHits);
  for (std::uint32_t rule = 1; rule <= 100000; ++rule) hits.add({rule}, false);
  static_cast<void>(take(hits));
  EXPECT_LE(take(hits).size(), RuleHits::kSlots) << "what does not fit is not counted and does no harm";
}

TEST(RuleHits, AWorkerCountsWhileAnotherThreadReads) {
  constexpr std::uint64_t kHits = 200000;
  RuleHits hits;
  std::thread worker([&] {
    for (std::uint64_t i = 0; i < kHits; ++i) hits.add({static_cast<std::uint32_t>(i % 100 + 1)}, i % 2 == 0);
  });
  std::uint64_t seen = 0;
  const auto add = [&](const RuleHits::Hit& hit) {
    EXPECT_LE(hit.rule.value, 100U);
    seen += hit.count;
  };
  for (int i = 0; i < 20; ++i) hits.next_second(add);
  worker.join();
  EXPECT_LE(seen, kHits);
}

TEST(RuleHits, CountsClientsOfTheSecond) {
  RuleHits hits;
  const auto clients = [&hits] {
    int bits = 0;
    hits.next_second([&](const RuleHits::Hit& hit) { bits = std::popcount(hit.clients); });
    return bits;
  };
  hits.add_client({7}, 1);
  hits.add({7}, true);
  hits.add({8}, true);
  EXPECT_EQ(clients(), 0);
  EXPECT_EQ(clients(), 0) << "a client without a hit before it counts nowhere";
  hits.add({7}, true);
  for (const unsigned client : {3U, 3U, 5U, 64U + 5U, 9U}) hits.add_client({7}, client);
  clients();
  EXPECT_EQ(clients(), 3);
  hits.add({7}, true);
  clients();
  EXPECT_EQ(clients(), 0) << "those of an earlier second are gone";
}

class BreakerTest : public testing::Test {
 protected:
  using Rules = std::vector<std::uint32_t>;
  struct News {
    Rules beyond;
    Rules tripped;
    Rules rearmed;
    bool operator==(const News&) const = default;
  };
  struct Traffic {
    std::uint32_t hits;
    std::uint64_t clients = 64;
    bool of_page = true;
    std::uint32_t rule = 7;
  };
  /// A second with this traffic, spread over two workers.
  News second(const Traffic& traffic) {
    for (std::uint32_t i = 0; i < traffic.hits; ++i) {
      workers_[i % 2].add({traffic.rule}, traffic.of_page);
      if (traffic.clients != 0) workers_[i % 2].add_client({traffic.rule}, i % traffic.clients);
    }
    const std::array<RuleHits*, 2> all{&workers_[0], &workers_[1]};
    const Breaker::News news = breaker_.next_second(all);
    const auto ids = [](const std::vector<base::RuleId>& rules) {
      Rules values;
      for (const base::RuleId rule : rules) values.push_back(rule.value);
      return values;
    };
    return {.beyond = ids(news.beyond), .tripped = ids(news.tripped), .rearmed = ids(news.rearmed)};
  }
  /// Seconds of this traffic until the limit is exceeded for long enough, and what the last one brings.
  News seconds_beyond(const Traffic& traffic) {
    for (unsigned i = 0; i < Breaker::kSecondsBeyond; ++i) EXPECT_EQ(second(traffic), News{});
    return second(traffic);  // each second is looked at when the next is over
  }

  static constexpr config::BreakerSettings kTrips{.action = config::BreakerAction::trip,
                                                  .page_hits_per_second = 100,
                                                  .host_hits_per_second = 0,
                                                  .clients = 50,
                                                  .rearm_after = std::chrono::seconds(0)};
  std::array<RuleHits, 2> workers_;
  Breaker breaker_{kTrips};
};

TEST_F(BreakerTest, TripsARuleThatExceedsItsLimitForSeconds) {
  EXPECT_EQ(seconds_beyond({.hits = 101}), (News{.beyond = {7}, .tripped = {7}, .rearmed = {}}));
  EXPECT_EQ(second({.hits = 101}), News{}) << "once";
  EXPECT_EQ(breaker_.tripped(), Rules{7});
}

TEST_F(BreakerTest, OnlyRaisesAnAlarmByDefault) {
  breaker_ = Breaker(config::BreakerSettings{});
  EXPECT_EQ(seconds_beyond({.hits = 1001}), (News{.beyond = {7}, .tripped = {}, .rearmed = {}}));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(second({.hits = 1001}), News{});
  EXPECT_EQ(breaker_.beyond(), Rules{7});
  EXPECT_EQ(breaker_.tripped(), Rules{});
}

TEST_F(BreakerTest, TheAlarmEndsAMinuteAfterTheTraffic) {
  seconds_beyond({.hits = 101});
  for (unsigned i = 0; i < Breaker::kSecondsWithin; ++i) {
    EXPECT_EQ(breaker_.beyond(), Rules{7});
    second({.hits = 100});
  }
  second({.hits = 100});
  EXPECT_EQ(breaker_.beyond(), Rules{});
}

// What one sender, or one with few addresses, or with forged ones, can do.
TEST_F(BreakerTest, AFloodFromFewClientsTripsNothing) {
  EXPECT_EQ(seconds_beyond({.hits = 5000, .clients = 0}),
            (News{.beyond = {7}, .tripped = {}, .rearmed = {}}));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(second({.hits = 5000, .clients = 20}), News{});
  EXPECT_EQ(breaker_.tripped(), Rules{});
  second({.hits = 5000});
  EXPECT_EQ(second({.hits = 5000}), (News{.beyond = {}, .tripped = {7}, .rearmed = {}}))
      << "with clients enough, later";
}

TEST_F(BreakerTest, OneClientIsEnoughWhereTheSettingsSaySo) {
  auto settings = kTrips;
  settings.clients = 1;
  breaker_ = Breaker(settings);
  EXPECT_EQ(seconds_beyond({.hits = 101, .clients = 1}),
            (News{.beyond = {7}, .tripped = {7}, .rearmed = {}}));
}

TEST_F(BreakerTest, PutsATrippedRuleBackByItself) {
  auto settings = kTrips;
  settings.rearm_after = std::chrono::seconds(30);
  breaker_ = Breaker(settings);
  seconds_beyond({.hits = 101});
  for (int i = 1; i < 30; ++i) EXPECT_EQ(second({.hits = 0}), News{}) << i;
  EXPECT_EQ(second({.hits = 0}), (News{.beyond = {}, .tripped = {}, .rearmed = {7}}));
  EXPECT_EQ(breaker_.tripped(), Rules{});
  EXPECT_EQ(seconds_beyond({.hits = 101}), (News{.beyond = {7}, .tripped = {7}, .rearmed = {}})) << "again";
}

TEST_F(BreakerTest, IgnoresARuleWithinItsLimitOrBrieflyBeyondIt) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(second({.hits = 100}), News{});
  for (std::uint32_t i = 0; i < 20; ++i)
    EXPECT_EQ(second({.hits = i % 5 == 4 ? 100U : 1000U}), News{}) << "the row is broken";
  EXPECT_EQ(breaker_.tripped(), Rules{});
}

TEST_F(BreakerTest, RulesOnHostsHaveTheirOwnLimit) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(second({.hits = 5000, .of_page = false}), News{});
  auto settings = kTrips;
  settings.page_hits_per_second = 0;
  settings.host_hits_per_second = 100;
  breaker_ = Breaker(settings);
  second({.hits = 0});  // the last one of the loop is looked at now
  EXPECT_EQ(seconds_beyond({.hits = 101, .of_page = false}),
            (News{.beyond = {7}, .tripped = {7}, .rearmed = {}}));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(second({.hits = 5000, .rule = 8}), News{}) << "0: no limit";
}

TEST_F(BreakerTest, IsResetByCallAndByASnapshotWithoutTheRule) {
  const auto trip = [&](std::uint32_t rule) {
    for (unsigned i = 0; i <= Breaker::kSecondsBeyond; ++i) second({.hits = 200, .rule = rule});
  };
  trip(9);
  trip(7);
  EXPECT_EQ(breaker_.tripped(), (Rules{7, 9}));
  EXPECT_EQ(breaker_.reset({8}), 0U);
  EXPECT_EQ(breaker_.reset({9}), 1U);
  EXPECT_EQ(breaker_.tripped(), Rules{7});
  trip(9);
  EXPECT_EQ(breaker_.reset_all(), 2U);
  EXPECT_EQ(breaker_.tripped(), Rules{});
  trip(7);
  trip(9);
  const auto with_rule_7 = snapshot_bytes(1, {"hotline"});
  EXPECT_TRUE(breaker_.keep_only(match::SnapshotView::open(with_rule_7).value()));
  EXPECT_EQ(breaker_.tripped(), Rules{7});
  EXPECT_EQ(breaker_.beyond(), Rules{7});
  EXPECT_FALSE(breaker_.keep_only(match::SnapshotView::open(with_rule_7).value()));
}

}  // namespace
}  // namespace weir::engine
