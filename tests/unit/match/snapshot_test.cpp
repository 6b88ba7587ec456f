#include <algorithm>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "match/slot_table.h"
#include "match/snapshot_builder.h"
#include "match/snapshot_view.h"
#include "unit/match/snapshot_fixture.h"

namespace weir::match {
namespace {

const std::vector<ListPolicy> kTwoLists{{.name = "first"}, {.name = "second", .block_host_on_tls = true}};

std::vector<Entry> some_entries() {
  return {{.text = "example.com"},        {.text = "*.example.test"},
          {.text = "a.example/b/"},       {.text = "a.example/b/c", .list = 1},
          {.text = "a.example:81/b/c?d"}, {.text = "b.example", .action = Action::allow, .list = 1},
          {.text = "192.0.2.1"}};
}

TEST(Snapshot, SaysWhatWasBuilt) {
  const auto bytes = build_snapshot(kTwoLists, parse_entries(some_entries()));
  const auto opened = SnapshotView::open(bytes);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  const SnapshotView& view = opened.value();
  EXPECT_EQ(view.generation().value, 7U);
  EXPECT_EQ(view.created_unix_seconds(), 1767323045U);
  EXPECT_EQ(view.seed(), kTestSeed);
  ASSERT_EQ(view.list_count(), 2U);
  EXPECT_EQ(view.list_name({0}), "first");
  EXPECT_EQ(view.list_name({1}), "second");
  EXPECT_EQ(view.whole_host_rules({0}), 3U);
  EXPECT_EQ(view.path_rules({0}), 2U);
  EXPECT_EQ(view.whole_host_rules({1}), 1U);
  EXPECT_EQ(view.path_rules({1}), 1U);
}

TEST(Snapshot, AnswersForAListThatThereIsNot) {
  const auto bytes = build_snapshot(kTwoLists, {});
  const SnapshotView view = SnapshotView::open(bytes).value();
  EXPECT_EQ(view.list_name({2}), "");
  EXPECT_EQ(view.whole_host_rules({255}), 0U);
  EXPECT_EQ(view.path_rules({64}), 0U);
}

TEST(Snapshot, MayBeEmpty) {
  for (const std::size_t lists : {std::size_t{0}, std::size_t{1}, base::kMaxLists}) {
    const auto bytes = build_snapshot(std::vector<ListPolicy>(lists), {});
    const auto view = SnapshotView::open(bytes);
    ASSERT_TRUE(view.ok()) << view.error().message;
    EXPECT_EQ(view.value().list_count(), lists);
    proto::CanonicalUrl url;
    ASSERT_EQ(url.assign_url("example.com/a?b", proto::PortPolicy::strict), proto::UrlError::none);
    EXPECT_EQ(lookup(view.value(), {.url = &url}).decision, Decision::no_match);
  }
}

TEST(Snapshot, SameInputSameBytes) {
  const auto rules = parse_entries(some_entries());
  const auto bytes = build_snapshot(kTwoLists, rules);
  EXPECT_EQ(build_snapshot(kTwoLists, rules), bytes);
  auto reordered = rules;
  std::reverse(reordered.begin(), reordered.end());
  EXPECT_EQ(build_snapshot(kTwoLists, reordered), bytes);
  auto other = kTestHeader;
  other.seed[1] ^= 1;
  EXPECT_NE(build_snapshot(kTwoLists, rules, other), bytes);
}

TEST(Snapshot, HoldsNoName) {
  const auto bytes = build_snapshot(kTwoLists, parse_entries(some_entries()));
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (const char* name : {"example", "192.0.2", "/b"}) EXPECT_EQ(text.find(name), std::string::npos) << name;
}

TEST(SnapshotBuilder, BuildsAgainAfterMoreRules) {
  SnapshotBuilder builder(kTestHeader, kTwoLists);
  const auto rules = parse_entries(some_entries());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (i == 3) {
      EXPECT_TRUE(SnapshotView::open(builder.build()).ok());
    }
    builder.add(rules[i]);
  }
  EXPECT_EQ(builder.build(), build_snapshot(kTwoLists, rules));
}

TEST(SnapshotBuilder, CountsDuplicatesWithinAList) {
  SnapshotBuilder builder(kTestHeader, kTwoLists);
  const auto rules = parse_entries({{.text = "example.com"},
                                    {.text = "http://EXAMPLE.com./"},
                                    {.text = "example.com", .list = 1},
                                    {.text = "example.com", .action = Action::allow},
                                    {.text = "example.com", .host_only = true},
                                    {.text = "example.com:81"},
                                    {.text = "*.example.com"},
                                    {.text = "example.com/a"},
                                    {.text = "example.com/a?"},
                                    {.text = "example.com/a?b"},
                                    {.text = "example.com/a/"}});
  for (const Rule& rule : rules) builder.add(rule);
  EXPECT_EQ(builder.duplicates(), 2U);
  const auto bytes = builder.build();
  const SnapshotView view = SnapshotView::open(bytes).value();
  EXPECT_EQ(view.whole_host_rules({0}), 5U);
  EXPECT_EQ(view.path_rules({0}), 3U);
}

TEST(SnapshotBuilder, TheLowestIdOfDuplicatesStands) {
  auto rules = parse_entries({{.text = "example.com/a"}, {.text = "example.com/a"}});
  for (const std::uint32_t first : {1U, 2U}) {
    rules[0].id = {first};
    rules[1].id = {3 - first};
    const auto bytes = build_snapshot(kTwoLists, rules);
    const SnapshotView view = SnapshotView::open(bytes).value();
    proto::CanonicalUrl url;
    ASSERT_EQ(url.assign_request("example.com", "/a"), proto::UrlError::none);
    EXPECT_EQ(lookup(view, {.url = &url}).rule.value, 1U);
    EXPECT_EQ(view.path_rules({0}), 1U);
  }
}

TEST(SnapshotBuilder, RefusesWhatTheFormatCannotHold) {
  EXPECT_THROW(SnapshotBuilder(kTestHeader, std::vector<ListPolicy>(base::kMaxLists + 1)),
               std::invalid_argument);
  EXPECT_THROW(SnapshotBuilder(kTestHeader, {{.name = std::string(kMaxListNameBytes + 1, 'a')}}),
               std::invalid_argument);
  EXPECT_THROW(SnapshotBuilder(kTestHeader, {{.name = "a\nb"}}), std::invalid_argument);
  EXPECT_NO_THROW(SnapshotBuilder(kTestHeader, {{.name = std::string(kMaxListNameBytes, 'a')}}));
  SnapshotBuilder builder(kTestHeader, kTwoLists);
  Rule rule = parse_entries({{.text = "example.com"}}).front();
  rule.list = {2};
  EXPECT_THROW(builder.add(rule), std::invalid_argument);
  rule.list = {1};
  rule.id = {0};
  EXPECT_THROW(builder.add(rule), std::invalid_argument);
}

TEST(SnapshotBuilder, SeedsDiffer) { EXPECT_NE(random_snapshot_seed(), random_snapshot_seed()); }

std::size_t most_slots_of_a_key(std::span<const Slot> slots) {
  std::map<Fingerprint, std::size_t> counts;
  std::size_t most = 0;
  for (const Slot& slot : slots) {
    if (slot.present()) most = std::max(most, ++counts[slot.key]);
  }
  return most;
}

// However many rules name one host, a lookup reads a few slots of it.
TEST(SnapshotBuilder, ManyRulesOfOneHostDoNotMakeItsLookupsLong) {
  std::vector<ListPolicy> lists(base::kMaxLists);
  for (std::size_t i = 0; i < lists.size(); ++i) {
    lists[i] = {.name = std::to_string(i), .subdomains = i % 2 == 0, .block_host_on_tls = i % 3 == 0};
  }
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const auto list = static_cast<std::uint8_t>(i);
    for (const Action action : {Action::block, Action::allow}) {
      for (const char* text : {"a.example", "*.a.example", "a.example/b/", "a.example/b", "a.example/b?c"}) {
        entries.push_back({.text = text, .action = action, .list = list});
      }
    }
  }
  for (int port = 1; port <= 6000; ++port) {
    if (port == 80) continue;
    const std::string text = "a.example:" + std::to_string(port);
    entries.push_back({.text = text, .list = static_cast<std::uint8_t>(port % 64)});
    entries.push_back({.text = text + "/b", .list = static_cast<std::uint8_t>(port % 64)});
  }
  Fixture fixture(lists, entries);
  EXPECT_LE(most_slots_of_a_key(fixture.view().host_slots()), 7U);
  EXPECT_LE(most_slots_of_a_key(fixture.view().path_slots()), 7U);
  EXPECT_EQ(fixture.ask("http://a.example:5999/x").decision, Decision::allow);
}

TEST(SnapshotBuilder, TablesAreFarFromTheLongestRun) {
  SnapshotBuilder builder(kTestHeader, {{.name = "list"}});
  Rule rule = parse_entries({{.text = "a.example"}}).front();
  for (std::uint32_t i = 1; i <= 50000; ++i) {
    rule.id = {i};
    rule.host = "h" + std::to_string(i) + ".example";
    builder.add(rule);
  }
  const auto bytes = builder.build();
  const SnapshotView view = SnapshotView::open(bytes).value();
  std::size_t run = 0;
  std::size_t longest = 0;
  std::size_t taken = 0;
  for (const Slot& slot : view.host_slots()) {
    run = slot.present() ? run + 1 : 0;
    taken += slot.present() ? 1 : 0;
    longest = std::max(longest, run);
  }
  EXPECT_EQ(taken, 50000U);
  EXPECT_LT(longest, kMaxRun / 4);
}

// Keys that all want the same place, as no hash gives them: the table grows until its runs are short.
TEST(SlotTable, GrowsRatherThanExceedTheLongestRun) {
  std::vector<Slot> slots;
  for (std::uint64_t i = 0; i < kMaxRun + 500; ++i) {
    slots.push_back(
        {.key = {.low = i * 4096, .high = i}, .value = 1, .port = 0, .list = 0, .flags = kPresent | kSelf});
  }
  const auto table = make_slot_table(reduce_slots(slots));
  EXPECT_GT(table.size(), 4096U);
  EXPECT_EQ(std::count_if(table.begin(), table.end(), [](const Slot& slot) { return slot.present(); }),
            static_cast<std::ptrdiff_t>(slots.size()));
}

}  // namespace
}  // namespace weir::match
