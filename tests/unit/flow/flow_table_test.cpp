#include "flow/flow_table.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir::flow {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

FlowKey key_number(std::uint32_t number) {
  FlowKey key;
  for (std::size_t i = 0; i < 4; ++i) key.source.bytes[i] = static_cast<std::byte>(number >> (8 * i));
  key.destination.bytes[0] = std::byte{10};
  key.source_port = 1000;
  key.destination_port = 80;
  key.ip_protocol = 6;
  return key;
}

TEST(FlowTable, RoundsTheCapacityUp) {
  struct Case {
    std::size_t asked;
    std::size_t given;
  };
  for (const auto& [asked, given] : {Case{0, 8}, Case{1, 8}, Case{8, 8}, Case{9, 16}, Case{1000, 1024}}) {
    EXPECT_EQ(FlowTable(asked, seconds(1)).capacity(), given) << asked;
  }
}

TEST(FlowTable, TellsKeysApartByEveryField) {
  struct Case {
    std::string what;
    std::function<void(FlowKey&)> change;
  };
  const std::vector<Case> cases{
      {"source", [](FlowKey& key) { key.source.bytes[3] ^= std::byte{1}; }},
      {"last byte of the source", [](FlowKey& key) { key.source.bytes[15] ^= std::byte{1}; }},
      {"destination", [](FlowKey& key) { key.destination.bytes[0] ^= std::byte{1}; }},
      {"IP version", [](FlowKey& key) { key.source.is_v6 = key.destination.is_v6 = true; }},
      {"source port", [](FlowKey& key) { ++key.source_port; }},
      {"destination port", [](FlowKey& key) { ++key.destination_port; }},
      {"protocol", [](FlowKey& key) { key.ip_protocol = 17; }},
  };
  for (const Case& test : cases) {
    FlowTable table(64, seconds(1));
    table.find_or_add(key_number(1), nanoseconds(0)).state = FlowState::blocked;
    FlowKey other = key_number(1);
    test.change(other);
    EXPECT_EQ(table.find(other, nanoseconds(0)), nullptr) << test.what;
    EXPECT_EQ(table.find_or_add(other, nanoseconds(0)).state, FlowState::undecided) << test.what;
    EXPECT_EQ(table.find(key_number(1), nanoseconds(0))->state, FlowState::blocked) << test.what;
  }
}

TEST(FlowTable, ExpiresUnseenFlows) {
  struct Case {
    std::string what;
    nanoseconds seen_again;
    nanoseconds asked;
    bool found;
  };
  const std::vector<Case> cases{
      {"just before the lifetime's end", seconds(0), seconds(10) - nanoseconds(1), true},
      {"at the lifetime's end", seconds(0), seconds(10), false},
      {"seen in between", seconds(9), seconds(18), true},
      {"the clock jumps back", seconds(0), seconds(-1000), true},
      {"the clock jumps far ahead", seconds(0), nanoseconds::max(), false},
  };
  for (const Case& test : cases) {
    FlowTable table(8, seconds(10));
    table.find_or_add(key_number(1), seconds(0));
    ASSERT_NE(table.find(key_number(1), test.seen_again), nullptr) << test.what;
    EXPECT_EQ(table.find(key_number(1), test.asked) != nullptr, test.found) << test.what;
    EXPECT_EQ(table.size(), test.found ? 1U : 0U) << test.what;
  }
}

TEST(FlowTable, AnExpiredFlowComesBackEmpty) {
  FlowTable table(8, seconds(10));
  Flow& flow = table.find_or_add(key_number(1), seconds(0));
  flow.state = FlowState::blocked;
  flow.blocked.server_next = 77;
  const Flow& again = table.find_or_add(key_number(1), seconds(10));
  EXPECT_EQ(again.state, FlowState::undecided);
  EXPECT_EQ(again.blocked.server_next, 0U);
  EXPECT_EQ(table.evictions(), 0U);
}

TEST(FlowTable, SweepFreesWhatHasExpired) {
  FlowTable table(64, seconds(10));
  for (std::uint32_t i = 0; i < 5; ++i) table.find_or_add(key_number(i), seconds(0));
  table.find_or_add(key_number(100), seconds(5));
  for (std::size_t i = 0; i < table.capacity() / FlowTable::kWays; ++i) table.sweep(seconds(10));
  EXPECT_EQ(table.size(), 1U);
  EXPECT_NE(table.find(key_number(100), seconds(10)), nullptr);
}

TEST(FlowTable, TwoTablesChooseTheirSetsDifferently) {
  // Fill two tables beyond their capacity with the same keys: with the same seed they would forget the same.
  FlowTable first(64, seconds(10));
  FlowTable second(64, seconds(10));
  for (std::uint32_t i = 0; i < 256; ++i) {
    first.find_or_add(key_number(i), nanoseconds(i));
    second.find_or_add(key_number(i), nanoseconds(i));
  }
  bool differ = false;
  for (std::uint32_t i = 0; i < 256; ++i) {
    differ |= (first.find(key_number(i), seconds(1)) == nullptr) !=
              (second.find(key_number(i), seconds(1)) == nullptr);
  }
  EXPECT_TRUE(differ);
}

/// The slow and obvious table of one set: a map from number to the time last seen.
class Model {
 public:
  bool find(std::uint32_t number, nanoseconds now) {
    expire(now);
    const auto found = seen_.find(number);
    if (found == seen_.end()) return false;
    found->second = now;
    return true;
  }
  void add(std::uint32_t number, nanoseconds now) {
    if (find(number, now)) return;
    if (seen_.size() == FlowTable::kWays) {
      auto oldest = seen_.begin();
      for (auto i = seen_.begin(); i != seen_.end(); ++i) {
        if (i->second < oldest->second) oldest = i;
      }
      seen_.erase(oldest);
      ++evictions_;
    }
    seen_[number] = now;
  }
  void erase(std::uint32_t number) { seen_.erase(number); }
  [[nodiscard]] std::uint64_t evictions() const { return evictions_; }

 private:
  void expire(nanoseconds now) {
    std::erase_if(seen_, [now](const auto& entry) { return now - entry.second >= seconds(10); });
  }
  std::map<std::uint32_t, nanoseconds> seen_;
  std::uint64_t evictions_ = 0;
};

TEST(FlowTable, BehavesAsTheModelDoes) {
  std::mt19937 random(20260102);
  for (int round = 0; round < 50; ++round) {
    FlowTable table(FlowTable::kWays, seconds(10));
    Model model;
    nanoseconds now{0};
    for (int step = 0; step < 2000; ++step) {
      // Distinct times, so that which flow is the oldest is never a matter of taste.
      now += nanoseconds(1 + static_cast<std::int64_t>(random() % 2'500'000'000U));
      const std::uint32_t number = random() % 16;
      switch (random() % 8) {
        case 0:
          table.erase(key_number(number));
          model.erase(number);
          break;
        case 1:
          table.sweep(now);
          break;
        case 2:
        case 3:
        case 4:
          EXPECT_EQ(table.find_or_add(key_number(number), now).key, key_number(number));
          model.add(number, now);
          break;
        default:
          ASSERT_EQ(table.find(key_number(number), now) != nullptr, model.find(number, now))
              << "round " << round << " step " << step;
      }
      ASSERT_EQ(table.evictions(), model.evictions()) << "round " << round << " step " << step;
    }
  }
}

TEST(FlowTable, ForgetsNoMoreThanItCounts) {
  FlowTable table(1024, seconds(1000));
  constexpr std::uint32_t kAdded = 5000;
  for (std::uint32_t i = 0; i < kAdded; ++i) table.find_or_add(key_number(i), nanoseconds(i));
  std::uint64_t found = 0;
  for (std::uint32_t i = 0; i < kAdded; ++i) {
    if (table.find(key_number(i), seconds(1)) != nullptr) ++found;
  }
  EXPECT_EQ(found + table.evictions(), kAdded);
  EXPECT_EQ(found, table.size());
  EXPECT_EQ(table.size(), table.capacity());
}

}  // namespace
}  // namespace weir::flow
