#include "control/api/call_rate.h"

#include <gtest/gtest.h>

namespace weir::control {
namespace {

using std::chrono::milliseconds;

int taken(CallRate& rate, unsigned uid, CallRate::Clock::time_point now, int calls) {
  int good = 0;
  for (int i = 0; i < calls; ++i) good += rate.take(uid, now) ? 1 : 0;
  return good;
}

TEST(CallRate, EachUserHasABurstAndARateOfItsOwnAndRootIsNotCounted) {
  CallRate rate;
  const CallRate::Clock::time_point start{};
  EXPECT_EQ(taken(rate, 1000, start, 2000), 500);
  EXPECT_EQ(taken(rate, 1001, start, 10), 10) << "another user";
  EXPECT_EQ(taken(rate, 0, start, 100000), 100000);
  EXPECT_EQ(taken(rate, 1000, start + milliseconds(100), 2000), 10);
  EXPECT_EQ(taken(rate, 1000, start + milliseconds(1100), 2000), 100);
  EXPECT_EQ(taken(rate, 1000, start + std::chrono::hours(1), 2000), 500) << "no more than a burst is saved";
}

TEST(CallRate, ManyUsersDoNotResetOneAnother) {
  CallRate rate;
  const CallRate::Clock::time_point start{};
  EXPECT_EQ(taken(rate, 1, start, 500), 500);
  for (unsigned uid = 2; uid < 10000; ++uid) EXPECT_TRUE(rate.take(uid, start));
  EXPECT_FALSE(rate.take(1, start));
}

}  // namespace
}  // namespace weir::control
