#include <algorithm>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/match/snapshot_view.h"
#include "dataplane/rules/snapshot_builder.h"
#include "tests/unit/dataplane/match/snapshot_fixture.h"

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

TEST(Snapshot, AnswersForAListThatDoesNotExist) {
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

// The value of path info is a set of depths, that of port info is 0: neither is the id of a rule.
TEST(Snapshot, ContainsOnlyTheRulesThatWereBuilt) {
  auto rules = parse_entries({{.text = "a.example:81/b/c/d/"}, {.text = "b.example"}});
  rules[0].id = {1000};
  rules[1].id = {2000};
  const auto bytes = build_snapshot(kTwoLists, rules);
  const SnapshotView view = SnapshotView::open(bytes).value();
  for (std::uint32_t id = 0; id <= 3000; ++id) {
    EXPECT_EQ(contains_rule(view, {id}), id == 1000 || id == 2000) << id;
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

TEST(SnapshotBuilder, BuildsOnce) {
  SnapshotBuilder builder(kTestHeader, kTwoLists);
  EXPECT_TRUE(SnapshotView::open(builder.build()).ok());
  EXPECT_THROW(static_cast<void>(builder.build()), std::logic_error);
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
  const auto bytes = builder.build();
  EXPECT_EQ(builder.duplicates(), 2U);
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
  EXPECT_THROW(SnapshotBuilder(kTestHeader, {{.name = std::string(rules::kMaxListNameBytes + 1, 'a')}}),
               std::invalid_argument);
  EXPECT_THROW(SnapshotBuilder(kTestHeader, {{.name = "a\nb"}}), std::invalid_argument);
  EXPECT_NO_THROW(SnapshotBuilder(kTestHeader, {{.name = std::string(rules::kMaxListNameBytes, 'a')}}));
  SnapshotBuilder builder(kTestHeader, kTwoLists);
  Rule rule = parse_entries({{.text = "example.com"}}).front();
  rule.list = {2};
  EXPECT_THROW(builder.add(rule), std::invalid_argument);
  rule.list = {1};
  rule.id = {0};
  EXPECT_THROW(builder.add(rule), std::invalid_argument);
}

TEST(SnapshotBuilder, SeedsDiffer) {
  EXPECT_NE(rules::random_snapshot_seed(), rules::random_snapshot_seed());
}

std::size_t most_entries_of_a_key(std::span<const TableEntry> entries) {
  std::size_t most = 0;
  std::size_t run = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const bool same = i > 0 && entries[i].high == entries[i - 1].high && entries[i].low == entries[i - 1].low;
    run = same ? run + 1 : 1;
    most = std::max(most, run);
  }
  return most;
}

// A lookup reads only a few slots of a host, however many rules it has.
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
  const LayerView& layer = fixture.view().layers()[0];
  EXPECT_LE(most_entries_of_a_key(layer.hosts.entries()), 7U);
  EXPECT_LE(most_entries_of_a_key(layer.paths.entries()), 7U);
  EXPECT_EQ(fixture.ask("http://a.example:5999/x").decision, Decision::allow);
}

TEST(SnapshotBuilder, AHostRuleTakesNoMoreThan24Bytes) {
  SnapshotBuilder builder(kTestHeader, {{.name = "list"}});
  Rule rule = parse_entries({{.text = "a.example"}}).front();
  constexpr std::uint32_t kRules = 50000;
  for (std::uint32_t i = 1; i <= kRules; ++i) {
    rule.id = {i};
    rule.host = "h" + std::to_string(i) + ".example";
    builder.add(rule);
  }
  EXPECT_LE(builder.build().size(), 24 * kRules);
}

// An overlay replaces the rules of the manual lists of its base.
class Overlay : public testing::Test {
 protected:
  const std::vector<ListPolicy> lists_{{.name = "manual", .manual = true}, {.name = "feed"}};
  std::vector<std::byte> base_bytes_ =
      build_snapshot(lists_, parse_entries({{.text = "old.example"},
                                            {.text = "feed.example", .list = 1},
                                            {.text = "feed.example/a", .action = Action::allow, .list = 1},
                                            {.text = "pages.example/a/", .list = 1}}));
  SnapshotView base_ = SnapshotView::open(base_bytes_).value();

  std::vector<std::byte> overlay_bytes(const std::vector<Entry>& entries,
                                       const std::vector<ListPolicy>& lists) const {
    auto header = kTestHeader;
    header.generation = {8};
    SnapshotBuilder builder(header, lists);
    for (const Rule& rule : parse_entries(entries)) builder.add(rule);
    return builder.build_overlay(base_.id());
  }
  static Match ask(const SnapshotView& view, std::string_view text) {
    const auto url = std::make_unique<proto::CanonicalUrl>();
    EXPECT_EQ(url->assign_url(text, proto::PortPolicy::strict), proto::UrlError::none);
    return lookup(view, {.url = url.get(), .connection_port = 80, .encrypted = text.starts_with("https:")});
  }
};

TEST_F(Overlay, ReplacesTheManualLists) {
  const auto bytes = overlay_bytes({{.text = "new.example"}, {.text = "pages.example/b"}}, lists_);
  const SnapshotView overlay = SnapshotView::open(bytes).value();
  EXPECT_TRUE(overlay.is_overlay());
  EXPECT_EQ(overlay.needs(), base_.id());
  EXPECT_FALSE(base_.is_overlay());
  const auto joined = SnapshotView::join(base_, overlay);
  ASSERT_TRUE(joined.ok()) << joined.error().message;
  const SnapshotView& view = joined.value();
  EXPECT_FALSE(view.is_overlay());
  EXPECT_EQ(view.generation().value, 8U);
  EXPECT_EQ(view.id(), base_.id());
  EXPECT_EQ(view.whole_host_rules({0}), 1U);
  EXPECT_EQ(view.path_rules({0}), 1U);
  EXPECT_EQ(view.whole_host_rules({1}), 1U);
  EXPECT_EQ(view.path_rules({1}), 2U);
  EXPECT_EQ(view.list_name({0}), "manual");
  const struct {
    std::string_view url;
    Decision before, after;
  } cases[] = {
      {"http://old.example/", Decision::block, Decision::no_match},
      {"http://new.example/", Decision::no_match, Decision::block},
      {"http://feed.example/", Decision::block, Decision::block},
      {"http://feed.example/a", Decision::allow, Decision::allow},
      {"http://pages.example/a/x", Decision::block, Decision::block},
      {"http://pages.example/b", Decision::no_match, Decision::block},
  };
  for (const auto& [url, before, after] : cases) {
    EXPECT_EQ(ask(base_, url).decision, before) << url;
    EXPECT_EQ(ask(view, url).decision, after) << url;
  }
  EXPECT_EQ(ask(view, "https://pages.example/").path_list.value, 0U);
  EXPECT_EQ(ask(base_, "https://pages.example/").path_list.value, 1U);
}

// Ids count the entries from 1: the base has the rules 1 to 4, and 1 is of the manual list.
TEST_F(Overlay, ChangesWhichRulesThereAre) {
  const auto bytes = overlay_bytes({{.text = "new.example"},
                                    {.text = "pages.example/b"},
                                    {.text = "c.example"},
                                    {.text = "d.example:81"},
                                    {.text = "e.example/a?b"}},
                                   lists_);
  const auto joined = SnapshotView::join(base_, SnapshotView::open(bytes).value());
  ASSERT_TRUE(joined.ok());
  for (std::uint32_t id = 1; id <= 4; ++id) EXPECT_TRUE(contains_rule(base_, {id})) << id;
  EXPECT_FALSE(contains_rule(base_, {5}));
  for (std::uint32_t id = 1; id <= 5; ++id) EXPECT_TRUE(contains_rule(joined.value(), {id})) << id;
  EXPECT_FALSE(contains_rule(joined.value(), {6}));

  const auto none = overlay_bytes({}, lists_);
  const auto emptied = SnapshotView::join(base_, SnapshotView::open(none).value());
  ASSERT_TRUE(emptied.ok());
  EXPECT_FALSE(contains_rule(emptied.value(), {1}));
  for (std::uint32_t id = 2; id <= 4; ++id) EXPECT_TRUE(contains_rule(emptied.value(), {id})) << id;
}

TEST_F(Overlay, MayBeEmpty) {
  const auto bytes = overlay_bytes({}, lists_);
  const auto joined = SnapshotView::join(base_, SnapshotView::open(bytes).value());
  ASSERT_TRUE(joined.ok());
  EXPECT_EQ(ask(joined.value(), "old.example").decision, Decision::no_match);
  EXPECT_EQ(ask(joined.value(), "feed.example").decision, Decision::block);
}

TEST_F(Overlay, MayFollowAnother) {
  const auto first = overlay_bytes({{.text = "one.example"}}, lists_);
  const auto second = overlay_bytes({{.text = "two.example"}}, lists_);
  const auto once = SnapshotView::join(base_, SnapshotView::open(first).value());
  ASSERT_TRUE(once.ok());
  const auto twice = SnapshotView::join(once.value(), SnapshotView::open(second).value());
  ASSERT_TRUE(twice.ok());
  EXPECT_EQ(ask(twice.value(), "one.example").decision, Decision::no_match);
  EXPECT_EQ(ask(twice.value(), "two.example").decision, Decision::block);
}

TEST_F(Overlay, IsRefusedByAnotherBase) {
  const auto bytes = overlay_bytes({{.text = "new.example"}}, lists_);
  const SnapshotView overlay = SnapshotView::open(bytes).value();
  const auto other_bytes = build_snapshot(lists_, parse_entries({{.text = "x.example", .list = 1}}));
  const SnapshotView other = SnapshotView::open(other_bytes).value();
  EXPECT_EQ(SnapshotView::join(other, overlay).error().code, "snapshot_base");
  EXPECT_EQ(SnapshotView::join(overlay, overlay).error().code, "snapshot_base");
  EXPECT_EQ(SnapshotView::join(base_, other).error().code, "snapshot_base");
  EXPECT_EQ(SnapshotView::join(base_, base_).error().code, "snapshot_base");
}

TEST_F(Overlay, IsRefusedWithOtherLists) {
  const std::vector<std::vector<ListPolicy>> others{
      {{.name = "manual", .manual = true}},
      {{.name = "feed"}, {.name = "manual", .manual = true}},
      {{.name = "manual", .manual = true}, {.name = "food"}},
      {{.name = "manual", .manual = true}, {.name = "feed", .manual = true}}};
  for (const auto& lists : others) {
    const auto bytes = overlay_bytes({}, lists);
    EXPECT_EQ(SnapshotView::join(base_, SnapshotView::open(bytes).value()).error().code, "snapshot_base");
  }
}

TEST_F(Overlay, HoldsNoRulesOfFeeds) {
  EXPECT_THROW(static_cast<void>(overlay_bytes({{.text = "a.example", .list = 1}}, lists_)),
               std::invalid_argument);
  SnapshotBuilder builder({.seed = {3, 4}, .generation = {8}, .created_unix_seconds = 0}, lists_);
  EXPECT_THROW(static_cast<void>(builder.build_overlay(base_.id())), std::invalid_argument);
}

}  // namespace
}  // namespace weir::match
