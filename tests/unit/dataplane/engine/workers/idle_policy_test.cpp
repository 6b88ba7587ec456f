#include "dataplane/engine/workers/idle_policy.h"

#include <gtest/gtest.h>

namespace weir::engine {
namespace {

using std::chrono::nanoseconds;

void poll_until_asleep(IdlePolicy& policy) {
  for (unsigned i = 0; i < IdlePolicy::kPollsBeforeSleep; ++i)
    EXPECT_EQ(policy.after_poll(false).count(), 0) << i;
}

TEST(IdlePolicy, PollsBeforeItSleeps) {
  IdlePolicy policy;
  poll_until_asleep(policy);
  EXPECT_EQ(policy.after_poll(false), IdlePolicy::kShortest);
}

TEST(IdlePolicy, SleepGrowsToItsBoundAndStaysThere) {
  IdlePolicy policy;
  poll_until_asleep(policy);
  nanoseconds before{0};
  nanoseconds total{0};
  while (before < IdlePolicy::kLongest) {
    const nanoseconds now = policy.after_poll(false);
    ASSERT_GT(now, before);
    ASSERT_LE(now, IdlePolicy::kLongest);
    before = now;
    total += now;
  }
  EXPECT_LT(total, std::chrono::milliseconds(10));
  EXPECT_EQ(policy.after_poll(false), IdlePolicy::kLongest);
}

TEST(IdlePolicy, PacketBringsItBackToPolling) {
  IdlePolicy policy;
  poll_until_asleep(policy);
  for (unsigned i = 0; i < 1000; ++i) policy.after_poll(false);
  EXPECT_EQ(policy.after_poll(true).count(), 0);
  poll_until_asleep(policy);
  EXPECT_EQ(policy.after_poll(false), IdlePolicy::kShortest);
}

TEST(IdlePolicy, BusyLineIsNeverAsleep) {
  IdlePolicy policy;
  for (unsigned i = 0; i < 10000; ++i) {
    const bool received = i % IdlePolicy::kPollsBeforeSleep == 0;
    ASSERT_EQ(policy.after_poll(received).count(), 0) << i;
  }
}

}  // namespace
}  // namespace weir::engine
