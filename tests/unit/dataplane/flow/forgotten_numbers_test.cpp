#include "dataplane/flow/forgotten_numbers.h"

#include <chrono>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace weir::flow {
namespace {

using std::chrono::seconds;

FlowKey connection(std::uint16_t number) {
  FlowKey key;
  key.source_port = number;
  return key;
}

/// The numbers of one connection.
class One {
 public:
  void add(std::uint32_t first, std::uint32_t last, seconds now = seconds(0)) {
    numbers_.add(key_, 0, first, last, now);
  }
  [[nodiscard]] bool touches(std::uint32_t first, std::uint32_t last, seconds now = seconds(0)) const {
    return numbers_.touches(key_, 0, first, last, now);
  }

 private:
  FlowKey key_ = connection(1);
  ForgottenNumbers numbers_{16};
};

TEST(ForgottenNumbers, BothEndsAreIncludedAndNumbersWrap) {
  for (const std::uint32_t base : {0U, 5000U, 0xffffffe0U, 0x7fffffe0U}) {
    One one;
    EXPECT_FALSE(one.touches(base, base + 100));
    one.add(base + 10, base + 60);
    EXPECT_FALSE(one.touches(base, base + 9));
    EXPECT_TRUE(one.touches(base, base + 10));
    EXPECT_TRUE(one.touches(base + 30, base + 31));
    EXPECT_TRUE(one.touches(base + 60, base + 90));
    EXPECT_TRUE(one.touches(base, base + 90)) << "all of it";
    EXPECT_FALSE(one.touches(base + 61, base + 90));
    EXPECT_FALSE(one.touches(base + 61, base + 9)) << "all but it";
  }
}

TEST(ForgottenNumbers, ManyRangesAreJoinedAndNoneIsLost) {
  std::mt19937 random(5);
  for (int round = 0; round < 20; ++round) {
    One one;
    std::vector<std::uint32_t> all;
    for (int i = 0; i < 60; ++i) {
      const auto first = static_cast<std::uint32_t>(random());
      one.add(first, first + static_cast<std::uint32_t>(random() % 5000));
      all.push_back(first);
      for (const std::uint32_t each : all) ASSERT_TRUE(one.touches(each, each)) << round;
    }
  }
}

TEST(ForgottenNumbers, AFewRangesStayApart) {
  One one;
  for (std::uint32_t i = 0; i < ForgottenNumbers::kRanges; ++i) one.add(i << 20, (i << 20) + 100);
  for (std::uint32_t i = 0; i < ForgottenNumbers::kRanges; ++i)
    EXPECT_FALSE(one.touches((i << 20) + 101, (i << 20) + 200));
}

TEST(ForgottenNumbers, EndAfterTheirLifetime) {
  One one;
  one.add(0, 10, seconds(100));
  one.add(1000, 1010, seconds(200));
  const seconds first_ends = seconds(100) + ForgottenNumbers::kLifetime;
  EXPECT_TRUE(one.touches(0, 10, first_ends - seconds(1)));
  EXPECT_FALSE(one.touches(0, 10, first_ends));
  EXPECT_TRUE(one.touches(1000, 1010, first_ends));
  EXPECT_TRUE(one.touches(1000, 1010, seconds(50))) << "a clock that jumps back ends nothing";
}

TEST(ForgottenNumbers, TheOldestConnectionGivesWay) {
  ForgottenNumbers numbers(4);
  for (std::uint16_t i = 0; i < 5; ++i) numbers.add(connection(i), 0, 1, 2, seconds(i));
  EXPECT_FALSE(numbers.touches(connection(0), 0, 1, 2, seconds(5)));
  for (std::uint16_t i = 1; i < 5; ++i) EXPECT_TRUE(numbers.touches(connection(i), 0, 1, 2, seconds(5)));
}

}  // namespace
}  // namespace weir::flow
