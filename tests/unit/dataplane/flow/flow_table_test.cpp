#include "dataplane/flow/flow_table.h"

#include <algorithm>
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

using Bytes = std::vector<std::byte>;
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

/// The reading of the connection that was unseen longest; null: none.
Flow* find(FlowTable& table, const FlowKey& key, nanoseconds now) {
  const auto readings = table.find(key, now);
  return readings.empty() ? nullptr : *readings.begin();
}
Flow* see(FlowTable& table, const FlowKey& key, nanoseconds now) {
  Flow* flow = find(table, key, now);
  if (flow != nullptr) flow->last_seen = now;
  return flow;
}
Flow& find_or_add(FlowTable& table, const FlowKey& key, nanoseconds now) {
  Flow* flow = see(table, key, now);
  return flow != nullptr ? *flow : table.add(key, now);
}
Flow& add_blocked(FlowTable& table, const FlowKey& key, nanoseconds now) {
  Flow& flow = find_or_add(table, key, now);
  table.block(flow, {.server_next = 77});
  return flow;
}

TEST(FlowTable, RoundsTheCapacityUp) {
  struct Case {
    std::size_t asked;
    std::size_t given;
  };
  for (const auto& [asked, given] : {Case{0, 8}, Case{1, 8}, Case{8, 8}, Case{9, 16}, Case{1000, 1024}}) {
    EXPECT_EQ(FlowTable({.capacity = asked, .lifetime = seconds(1), .reassembly_bytes = 0}).capacity(), given)
        << asked;
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
    FlowTable table({.capacity = 64, .lifetime = seconds(1), .reassembly_bytes = 0});
    add_blocked(table, key_number(1), nanoseconds(0));
    FlowKey other = key_number(1);
    test.change(other);
    EXPECT_EQ(find(table, other, nanoseconds(0)), nullptr) << test.what;
    table.add(other, nanoseconds(0));
    EXPECT_EQ(find(table, other, nanoseconds(0))->reading, Reading::message) << test.what;
    EXPECT_EQ(find(table, key_number(1), nanoseconds(0))->reading, Reading::blocked) << test.what;
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
    FlowTable table({.capacity = 8, .lifetime = seconds(10), .reassembly_bytes = 0});
    add_blocked(table, key_number(1), seconds(0));
    ASSERT_NE(see(table, key_number(1), test.seen_again), nullptr) << test.what;
    EXPECT_EQ(find(table, key_number(1), test.asked) != nullptr, test.found) << test.what;
    EXPECT_EQ(table.blocked(), test.found ? 1U : 0U) << test.what;
  }
}

TEST(FlowTable, OpenFlowsOutliveASlowClient) {
  FlowTable table({.capacity = 8, .lifetime = seconds(1), .reassembly_bytes = 0});
  table.add(key_number(1), seconds(0));
  EXPECT_NE(find(table, key_number(1), seconds(60)), nullptr);
  EXPECT_EQ(find(table, key_number(1), kOpenFlowLifetime), nullptr);
}

TEST(FlowTable, AnExpiredFlowComesBackEmpty) {
  FlowTable table({.capacity = 8, .lifetime = seconds(10), .reassembly_bytes = 0});
  add_blocked(table, key_number(1), seconds(0));
  EXPECT_EQ(find(table, key_number(1), seconds(10)), nullptr);
  const Flow& again = table.add(key_number(1), seconds(10));
  EXPECT_EQ(again.reading, Reading::message);
  EXPECT_EQ(again.open.message, 0U);
  EXPECT_EQ(table.evictions(), 0U);
}

TEST(FlowTable, AConnectionHasAFewReadings) {
  FlowTable table({.capacity = 8, .lifetime = seconds(10), .reassembly_bytes = 0});
  for (std::uint32_t i = 0; i < FlowTable::kReadings; ++i) {
    table.add(key_number(1), seconds(i)).position = i;
  }
  table.add(key_number(2), seconds(5));
  EXPECT_EQ(table.evictions(), 0U);
  std::vector<std::uint32_t> positions;
  for (const Flow* flow : table.find(key_number(1), seconds(5))) positions.push_back(flow->position);
  std::sort(positions.begin(), positions.end());
  EXPECT_EQ(positions, (std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5}));
  for (Flow* flow : table.find(key_number(1), seconds(5))) table.erase(*flow);
  EXPECT_TRUE(table.find(key_number(1), seconds(5)).empty());
  EXPECT_EQ(table.find(key_number(2), seconds(5)).size(), 1U);
}

TEST(FlowTable, FlowsThatWaitForNothingAreEvictedFirst) {
  FlowTable table({.capacity = 8, .lifetime = seconds(1000), .reassembly_bytes = 0});
  add_blocked(table, key_number(0), seconds(0));
  const Bytes byte(1);
  for (std::uint32_t i = 1; i < 8; ++i) {
    Flow& flow = table.add(key_number(i), seconds(i));
    if (i > 2) continue;
    ASSERT_TRUE(table.buffers().write(flow, 0, byte, true));
    table.buffers().touch(flow, true);
  }
  std::vector<std::uint32_t> gone;
  for (std::uint32_t i = 0; i < 8; ++i) {
    add_blocked(table, key_number(100 + i), seconds(100 + i));
    for (std::uint32_t k = 0; k < 8; ++k) {
      const bool was = std::find(gone.begin(), gone.end(), k) != gone.end();
      if (!was && find(table, key_number(k), seconds(200)) == nullptr) gone.push_back(k);
    }
  }
  EXPECT_EQ(gone, (std::vector<std::uint32_t>{3, 4, 5, 6, 7, 1, 2, 0}));
  EXPECT_EQ(table.evictions(), 8U);
  EXPECT_EQ(table.buffers().chunks_used(), 0U);
}

TEST(FlowTable, SweepFreesWhatHasExpired) {
  FlowTable table({.capacity = 64, .lifetime = seconds(10), .reassembly_bytes = 0});
  for (std::uint32_t i = 0; i < 5; ++i) add_blocked(table, key_number(i), seconds(0));
  add_blocked(table, key_number(100), seconds(5));
  for (std::size_t i = 0; i < table.capacity() / FlowTable::kWays; ++i) table.sweep(seconds(10));
  EXPECT_EQ(table.blocked(), 1U);
  EXPECT_NE(find(table, key_number(100), seconds(10)), nullptr);
}

TEST(FlowTable, ASweepIsAPieceOfTheTableInEachInterval) {
  constexpr std::size_t kFlows = 4096;  // 32 pieces
  FlowTable table({.capacity = kFlows, .lifetime = seconds(32), .reassembly_bytes = 0});
  for (std::uint32_t i = 0; i < 1000; ++i) add_blocked(table, key_number(i), seconds(0));
  table.sweep(seconds(100));
  const std::size_t left = table.blocked();
  EXPECT_GT(left, 900U);
  for (int i = 0; i < 100; ++i) table.sweep(seconds(100) + nanoseconds(i));
  EXPECT_EQ(table.blocked(), left) << "within the interval";
  for (int i = 1; i < 32; ++i) table.sweep(seconds(100 + i));
  EXPECT_EQ(table.blocked(), 0U);
}

TEST(FlowTable, TwoTablesChooseTheirSetsDifferently) {
  // Fill two tables beyond their capacity with the same keys: with the same seed both would evict the same
  // ones.
  FlowTable first({.capacity = 64, .lifetime = seconds(10), .reassembly_bytes = 0});
  FlowTable second({.capacity = 64, .lifetime = seconds(10), .reassembly_bytes = 0});
  for (std::uint32_t i = 0; i < 256; ++i) {
    add_blocked(first, key_number(i), nanoseconds(i));
    add_blocked(second, key_number(i), nanoseconds(i));
  }
  bool differ = false;
  for (std::uint32_t i = 0; i < 256; ++i) {
    differ |= (find(first, key_number(i), seconds(1)) == nullptr) !=
              (find(second, key_number(i), seconds(1)) == nullptr);
  }
  EXPECT_TRUE(differ);
}

/// A slow and obvious table of one set: a map from number to the time last seen.
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
    FlowTable table({.capacity = FlowTable::kWays, .lifetime = seconds(10), .reassembly_bytes = 0});
    Model model;
    nanoseconds now{0};
    for (int step = 0; step < 2000; ++step) {
      // Distinct times, so that there is always one oldest flow.
      now += nanoseconds(1 + static_cast<std::int64_t>(random() % 2'500'000'000U));
      const std::uint32_t number = random() % 16;
      switch (random() % 8) {
        case 0:
          if (Flow* flow = find(table, key_number(number), now)) table.erase(*flow);
          model.erase(number);
          break;
        case 1:
          table.sweep(now);
          break;
        case 2:
        case 3:
        case 4:
          EXPECT_EQ(add_blocked(table, key_number(number), now).key, key_number(number));
          model.add(number, now);
          break;
        default:
          ASSERT_EQ(see(table, key_number(number), now) != nullptr, model.find(number, now))
              << "round " << round << " step " << step;
      }
      ASSERT_EQ(table.evictions(), model.evictions()) << "round " << round << " step " << step;
    }
  }
}

TEST(FlowTable, ForgetsNoMoreThanItCounts) {
  FlowTable table({.capacity = 1024, .lifetime = seconds(1000), .reassembly_bytes = 0});
  constexpr std::uint32_t kAdded = 5000;
  for (std::uint32_t i = 0; i < kAdded; ++i) add_blocked(table, key_number(i), nanoseconds(i));
  std::uint64_t found = 0;
  for (std::uint32_t i = 0; i < kAdded; ++i) {
    if (find(table, key_number(i), seconds(1)) != nullptr) ++found;
  }
  EXPECT_EQ(found + table.evictions(), kAdded);
  EXPECT_EQ(found, table.blocked());
  EXPECT_EQ(table.blocked(), table.capacity());
}

}  // namespace
}  // namespace weir::flow
