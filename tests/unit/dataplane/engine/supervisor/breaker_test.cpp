#include "dataplane/engine/supervisor/breaker.h"

#include <array>
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

class BreakerTest : public testing::Test {
 protected:
  /// A second with `hits` hits of a rule, spread over two workers. Returns the rules that trip.
  std::vector<std::uint32_t> second(std::uint32_t hits, bool of_page = true, std::uint32_t rule = 7) {
    for (std::uint32_t i = 0; i < hits; ++i) workers_[i % 2].add({rule}, of_page);
    const std::array<RuleHits*, 2> all{&workers_[0], &workers_[1]};
    std::vector<std::uint32_t> ids;
    for (const base::RuleId id : breaker_.next_second(all)) ids.push_back(id.value);
    return ids;
  }
  using Rules = std::vector<std::uint32_t>;

  std::array<RuleHits, 2> workers_;
  Breaker breaker_{{.page_hits_per_second = 100, .host_hits_per_second = 0}};
};

TEST_F(BreakerTest, TripsARuleThatExceedsItsLimitForSeconds) {
  for (unsigned i = 0; i < Breaker::kSecondsBeyond; ++i) EXPECT_EQ(second(101), Rules{});
  EXPECT_EQ(second(101), Rules{7}) << "each second is looked at when the next is over";
  EXPECT_EQ(second(101), Rules{}) << "once";
  EXPECT_EQ(breaker_.tripped(), Rules{7});
}

TEST_F(BreakerTest, IgnoresARuleWithinItsLimitOrBrieflyBeyondIt) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(second(100), Rules{});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(second(i % 5 == 4 ? 100 : 1000), Rules{}) << "the row is broken";
  EXPECT_EQ(breaker_.tripped(), Rules{});
}

TEST_F(BreakerTest, RulesOnHostsHaveTheirOwnLimit) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(second(5000, false), Rules{});
  breaker_ = Breaker({.page_hits_per_second = 0, .host_hits_per_second = 10});
  std::size_t tripped = 0;
  for (int i = 0; i < 20; ++i) tripped += second(11, false).size();
  EXPECT_EQ(tripped, 1U);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(second(5000, true, 8), Rules{}) << "0: never";
}

TEST_F(BreakerTest, IsResetByCallAndByASnapshotWithoutTheRule) {
  const auto trip = [&](std::uint32_t rule) {
    for (unsigned i = 0; i <= Breaker::kSecondsBeyond; ++i) second(200, true, rule);
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
  EXPECT_FALSE(breaker_.keep_only(match::SnapshotView::open(with_rule_7).value()));
}

}  // namespace
}  // namespace weir::engine
