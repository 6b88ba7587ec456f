#include "dataplane/flow/source_budget.h"

#include <chrono>

#include <gtest/gtest.h>

namespace weir::flow {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

proto::IpAddress address(unsigned network, unsigned host) {
  proto::IpAddress result;
  result.bytes[0] = std::byte{10};
  result.bytes[1] = static_cast<std::byte>(network >> 8);
  result.bytes[2] = static_cast<std::byte>(network);
  result.bytes[3] = static_cast<std::byte>(host);
  return result;
}

/// Units that are spent until nothing is left.
unsigned spend_all(SourceBudget& budget, const proto::IpAddress& from, std::chrono::nanoseconds now) {
  const auto account = budget.account_of(from);
  unsigned units = 0;
  while (units < 100000 && budget.has_left(account, now)) {
    budget.spend(account, 1, now);
    ++units;
  }
  return units;
}

TEST(SourceBudget, ASecondsWorthAtOnceAndThenTheRate) {
  SourceBudget budget(1000);
  EXPECT_EQ(spend_all(budget, address(1, 1), seconds(50)), 1000U);
  EXPECT_EQ(spend_all(budget, address(1, 1), seconds(50)), 0U);
  EXPECT_EQ(spend_all(budget, address(1, 1), seconds(50) + milliseconds(100)), 100U);
  EXPECT_EQ(spend_all(budget, address(1, 1), seconds(60)), 1000U) << "no more is saved up";
}

TEST(SourceBudget, ANeighbourHasItsOwnUntilTheNetworkHasSpentItAll) {
  SourceBudget budget(1000);
  EXPECT_EQ(spend_all(budget, address(1, 1), seconds(50)), 1000U);
  EXPECT_EQ(spend_all(budget, address(1, 2), seconds(50)), 1000U);
  unsigned all = 2000;
  for (unsigned host = 3; host < 40; ++host) all += spend_all(budget, address(1, host), seconds(50));
  EXPECT_EQ(all, SourceBudget::kSources * 1000U);
  EXPECT_EQ(spend_all(budget, address(2, 1), seconds(50)), 1000U) << "another network";
}

TEST(SourceBudget, AClockThatJumpsBackTakesNothing) {
  SourceBudget budget(1000);
  EXPECT_EQ(spend_all(budget, address(1, 1), seconds(5000)), 1000U);
  EXPECT_EQ(spend_all(budget, address(1, 1), seconds(50)), 1000U);
}

TEST(SourceBudget, ALargeExpenseIsPaidBack) {
  SourceBudget budget(1000);
  const auto account = budget.account_of(address(1, 1));
  budget.spend(account, 3000, seconds(50));
  EXPECT_FALSE(budget.has_left(account, seconds(51)));
  EXPECT_TRUE(budget.has_left(account, seconds(53)));
}

}  // namespace
}  // namespace weir::flow
