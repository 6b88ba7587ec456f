#include "dataplane/engine/snapshots/published.h"

#include <chrono>
#include <memory>
#include <thread>

#include <gtest/gtest.h>

namespace weir::engine {
namespace {

constexpr std::chrono::milliseconds kShort{5};

/// Counts how many of its kind exist.
class Counted {
 public:
  Counted(int value, int& alive) : value_(value), alive_(alive) { ++alive_; }
  ~Counted() { --alive_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  [[nodiscard]] int value() const { return value_; }

 private:
  int value_;
  int& alive_;
};

class PublishedTest : public testing::Test {
 protected:
  std::unique_ptr<const Counted> make(int value) { return std::make_unique<const Counted>(value, alive_); }

  int alive_ = 0;
  Readers readers_{2};
};

TEST_F(PublishedTest, StartsWithItsInitialObject) {
  EXPECT_EQ(Published<Counted>(readers_).current(), nullptr);
  const Published<Counted> published(readers_, make(1));
  EXPECT_EQ(published.current()->value(), 1);
}

TEST_F(PublishedTest, WithoutReadersTheOldObjectIsFreedAtOnce) {
  Published<Counted> published(readers_, make(1));
  EXPECT_TRUE(published.publish(make(2)));
  EXPECT_EQ(published.current()->value(), 2);
  EXPECT_EQ(alive_, 1);
}

TEST_F(PublishedTest, AReaderKeepsTheOldObjectUntilItIsQuiescent) {
  Published<Counted> published(readers_, make(1));
  readers_.online(0);
  const Counted* const held = published.current();
  EXPECT_FALSE(published.publish(make(2), kShort));
  EXPECT_EQ(published.current()->value(), 2) << "in force even so";
  EXPECT_EQ(held->value(), 1);
  EXPECT_EQ(alive_, 2);

  readers_.quiescent(0);
  EXPECT_FALSE(published.publish(make(3), kShort)) << "the reader has not moved since this call";
  EXPECT_EQ(alive_, 2) << "the first object is freed, the second may be held";

  readers_.offline(0);
  EXPECT_TRUE(published.publish(make(4), kShort));
  EXPECT_EQ(alive_, 1);
}

TEST_F(PublishedTest, TheFirstObjectWaitsForReadersToo) {
  Published<Counted> published(readers_);
  readers_.online(1);
  EXPECT_FALSE(published.publish(make(1), kShort)) << "the reader may still work without it";
  readers_.offline(1);
  EXPECT_TRUE(published.publish(nullptr, kShort)) << "nothing may be published again";
  EXPECT_EQ(published.current(), nullptr);
  EXPECT_EQ(alive_, 0);
}

TEST_F(PublishedTest, ReturnsAsSoonAsEveryReaderIsQuiescent) {
  Published<Counted> published(readers_, make(1));
  readers_.online(0);
  std::thread reader([&] {
    while (published.current()->value() == 1) std::this_thread::yield();
    readers_.quiescent(0);
  });
  EXPECT_TRUE(published.publish(make(2), std::chrono::minutes(1)));
  reader.join();
  EXPECT_EQ(alive_, 1);
}

}  // namespace
}  // namespace weir::engine
