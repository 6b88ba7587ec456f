#include "dataplane/base/rate_limit.h"

#include <gtest/gtest.h>

namespace weir::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr nanoseconds kStart = seconds(1000);

int taken(RateLimit& limit, nanoseconds now, int events) {
  int count = 0;
  for (int i = 0; i < events; ++i) count += limit.take(now) ? 1 : 0;
  return count;
}

TEST(RateLimit, AllowsABurstAndThenTheRate) {
  RateLimit limit(100, 500);
  EXPECT_TRUE(limit.is_full(kStart));
  EXPECT_EQ(taken(limit, kStart, 1000), 500);
  EXPECT_FALSE(limit.is_full(kStart));
  EXPECT_EQ(taken(limit, kStart + milliseconds(9), 10), 0) << "one event is refilled in 10 ms";
  EXPECT_EQ(taken(limit, kStart + milliseconds(10), 10), 1);
  EXPECT_EQ(taken(limit, kStart + milliseconds(110), 100), 10);
  EXPECT_EQ(taken(limit, kStart + milliseconds(1110), 1000), 100);
}

TEST(RateLimit, SavesNoMoreThanABurst) {
  RateLimit limit(100, 5);
  EXPECT_EQ(taken(limit, kStart, 10), 5);
  EXPECT_FALSE(limit.is_full(kStart + milliseconds(49)));
  EXPECT_TRUE(limit.is_full(kStart + milliseconds(50)));
  EXPECT_EQ(taken(limit, kStart + seconds(3600), 10), 5);
}

TEST(RateLimit, WorksFromTheBeginningOfAnyClock) {
  for (const nanoseconds start :
       {nanoseconds(0), nanoseconds(-seconds(7)), nanoseconds(seconds(2000000000))}) {
    RateLimit limit(1, 1);
    EXPECT_TRUE(limit.take(start));
    EXPECT_FALSE(limit.take(start + milliseconds(999)));
    EXPECT_TRUE(limit.take(start + seconds(1)));
  }
}

TEST(RateLimit, TakesSeveralEventsTogetherOrNone) {
  RateLimit limit(100, 10);
  EXPECT_FALSE(limit.take(kStart, 11)) << "more than a burst";
  EXPECT_TRUE(limit.take(kStart, 7));
  EXPECT_FALSE(limit.take(kStart, 4));
  EXPECT_TRUE(limit.take(kStart, 3));
  EXPECT_FALSE(limit.take(kStart + milliseconds(19), 2));
  EXPECT_TRUE(limit.take(kStart + milliseconds(20), 2));
}

TEST(RateLimit, OfNothingAllowsNothing) {
  RateLimit none_per_second(0, 10);
  EXPECT_FALSE(none_per_second.take(kStart));
  RateLimit none_at_once(10, 0);
  EXPECT_FALSE(none_at_once.take(kStart));
}

}  // namespace
}  // namespace weir::base
