#include "dataplane/flow/source_shares.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/flow/source.h"
#include "tests/support/packet_builder.h"

namespace weir::flow {
namespace {

proto::IpAddress address(const std::string& text) {
  const bool v6 = text.find(':') != std::string::npos;
  test::PacketBuilder builder = test::PacketBuilder().ethernet();
  v6 ? builder.ipv6(text, "2001:db8::ff") : builder.ipv4(text, "192.0.2.1");
  const auto frame = builder.udp(1, 2).payload("x").build();
  return proto::parse_packet(frame, proto::LinkType::ethernet).source;
}

TEST(Source, WhoCountsAsOneSender) {
  struct Case {
    std::string what;
    std::string a;
    std::string b;
    bool same_source;
    bool same_network;
  };
  for (const Case& c : std::vector<Case>{
           {"an IPv4 address", "192.0.2.7", "192.0.2.7", true, true},
           {"neighbours in a /24", "192.0.2.7", "192.0.2.8", false, true},
           {"another /24", "192.0.2.7", "192.0.3.7", false, false},
           {"an IPv6 /64", "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true, true},
           {"another /64 of the /48", "2001:db8:1:2::1", "2001:db8:1:3::1", false, true},
           {"another /48", "2001:db8:1:2::1", "2001:db8:2:2::1", false, false},
           {"IPv4 is not IPv6 with the same bytes", "32.1.13.184", "2001:db8::", false, false}}) {
    EXPECT_EQ(hash_of_source(address(c.a), 1) == hash_of_source(address(c.b), 1), c.same_source) << c.what;
    EXPECT_EQ(hash_of_network(address(c.a), 1) == hash_of_network(address(c.b), 1), c.same_network) << c.what;
  }
  EXPECT_NE(hash_of_source(address("192.0.2.7"), 1), hash_of_source(address("192.0.2.7"), 2));
}

TEST(SourceShares, TakesFromWhoeverHoldsMostTheOldestFirst) {
  SourceShares shares(64);
  EXPECT_EQ(shares.next_victim(), SourceShares::kNone);
  shares.add(0, 7, 1);
  for (std::uint32_t item = 1; item <= 40; ++item) shares.add(item, 8, 1);
  shares.touch(1, 8);
  for (std::uint32_t item : {2U, 3U, 4U}) {
    EXPECT_EQ(shares.next_victim(), item);
    shares.remove(item, 8, 1);
  }
  EXPECT_EQ(shares.next_victim(5), 6U) << "the next one if it is spared";
  shares.change(7, 99);
  EXPECT_EQ(shares.next_victim(), 0U) << "what counts is the weight, not the number of items";
  EXPECT_EQ(shares.next_victim(0), 5U) << "the source has no other";
  EXPECT_EQ(shares.total(), 137U);
}

TEST(SourceShares, AmongEqualsTheOneThatHasHeldLongest) {
  SourceShares shares(64);
  for (std::uint32_t item = 0; item < 10; ++item) shares.add(item, item, 1);
  for (std::uint32_t item = 0; item < 10; ++item) {
    EXPECT_EQ(shares.next_victim(), item);
    shares.remove(item, item, 1);
  }
  EXPECT_EQ(shares.total(), 0U);
}

TEST(SourceShares, NoSenderTakesAllWhereNothingIsEvicted) {
  constexpr std::uint64_t kCapacity = 1000;
  SourceShares shares(kCapacity);
  std::uint32_t item = 0;
  const auto fill = [&](SourceShares::Source source) {
    while (shares.may_take(source, 1, kCapacity, 4)) shares.add(item++, source, 1);
    return shares.share_of(source);
  };
  EXPECT_EQ(fill(1), 500U) << "half";
  EXPECT_EQ(fill(2), 250U) << "half of the rest";
  EXPECT_EQ(fill(3), 125U);
  for (SourceShares::Source source = 4; source < 100; ++source) fill(source);
  EXPECT_FALSE(shares.may_take(200, 1, kCapacity, 4)) << "the least is only for as long as there is room";
  EXPECT_EQ(shares.total(), kCapacity);
}

/// Compared with a plain search for the heaviest source.
TEST(SourceShares, BehavesAsTheModelDoes) {
  struct Item {
    SourceShares::Source source = 0;
    std::uint32_t weight = 0;
    std::uint64_t touched = 0;
  };
  std::mt19937 engine(20261130);
  const auto random = [&engine] { return static_cast<std::uint32_t>(engine()); };
  SourceShares shares(256);
  std::map<std::uint32_t, Item> items;
  std::uint64_t clock = 0;
  for (int step = 0; step < 20000; ++step) {
    const std::uint32_t item = random() % 256;
    const auto found = items.find(item);
    if (found == items.end()) {
      const Item added{.source = random() % 12, .weight = 1 + random() % 50, .touched = ++clock};
      shares.add(item, added.source, added.weight);
      items[item] = added;
    } else if (random() % 3 == 0) {
      shares.remove(item, found->second.source, found->second.weight);
      items.erase(found);
    } else if (random() % 2 == 0) {
      shares.touch(item, found->second.source);
      found->second.touched = ++clock;
    } else {
      const std::uint32_t weight = 1 + random() % 50;
      shares.change(found->second.source,
                    static_cast<std::int32_t>(weight) - static_cast<std::int32_t>(found->second.weight));
      found->second.weight = weight;
    }
    std::map<SourceShares::Source, std::uint32_t> held;
    for (const auto& [number, each] : items) held[each.source] += each.weight;
    std::uint32_t most = 0;
    for (const auto& [source, weight] : held) {
      ASSERT_EQ(shares.share_of(source), weight);
      most = std::max(most, weight);
    }
    const std::uint32_t victim = shares.next_victim();
    ASSERT_EQ(victim == SourceShares::kNone, items.empty());
    if (items.empty()) continue;
    ASSERT_GE(held[items[victim].source] * 5, most * 4) << "to within a fourth";
    for (const auto& [number, each] : items) {
      if (each.source != items[victim].source) continue;
      ASSERT_LE(items[victim].touched, each.touched);
    }
  }
}

}  // namespace
}  // namespace weir::flow
