#include "control/lists/rule_changes.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/rules/entry_parser.h"

namespace weir::control {
namespace {

RuleSet rules_of(const std::vector<std::string>& entries) {
  rules::EntryParser parser;
  RuleSet set;
  for (const auto& entry : entries) {
    auto rule = parser.parse(entry);
    EXPECT_TRUE(rule) << entry;
    set.append(rule.value());
  }
  return set;
}

LoadedState empty_state(std::size_t lists) {
  LoadedState state;
  state.state.lists.resize(lists);
  state.contents.resize(lists);
  return state;
}

ManualNote note(const char* comment, std::optional<std::int64_t> expires = std::nullopt) {
  ManualNote made;
  made.comment = comment;
  made.expires_unix_seconds = expires;
  return made;
}

std::map<std::string, std::uint32_t> ids(const LoadedState& state, std::size_t list) {
  std::map<std::string, std::uint32_t> result;
  rules::Rule rule;
  for (std::size_t i = 0; state.contents[list] != nullptr && i < state.contents[list]->rules.size(); ++i) {
    state.contents[list]->rules.read(i, rule);
    result[rule.canonical_text()] = rule.id.value;
  }
  return result;
}

TEST(AdoptRules, UnchangedEntriesKeepTheirIds) {
  LoadedState state = empty_state(2);
  ASSERT_TRUE(adopt_rules(state, 0, rules_of({"a.example", "b.example/p", "c.example"}), 0));
  const auto first = ids(state, 0);
  const auto adopted = adopt_rules(state, 0, rules_of({"d.example", "c.example", "a.example"}), 0);
  ASSERT_TRUE(adopted);
  EXPECT_EQ(adopted.value().added, 1U);
  EXPECT_EQ(adopted.value().removed, 1U);
  auto second = ids(state, 0);
  EXPECT_EQ(second["a.example"], first.at("a.example"));
  EXPECT_EQ(second["c.example"], first.at("c.example"));
  EXPECT_EQ(second["d.example"], 4U);
  // The same entry on another list is another rule.
  ASSERT_TRUE(adopt_rules(state, 1, rules_of({"a.example"}), 0));
  EXPECT_EQ(ids(state, 1)["a.example"], 5U);
}

TEST(AdoptRules, TheSameListIsTheSameContent) {
  LoadedState state = empty_state(1);
  ASSERT_TRUE(adopt_rules(state, 0, rules_of({"a.example", "b.example"}), 0));
  const auto before = state.state.lists[0].content;
  ASSERT_TRUE(adopt_rules(state, 0, rules_of({"a.example", "b.example"}), 3));
  EXPECT_EQ(state.state.lists[0].content, before);
  EXPECT_EQ(state.state.lists[0].duplicates, 3U);
}

TEST(AdoptRules, IdsAreNeverGivenAwayTwice) {
  LoadedState state = empty_state(1);
  state.state.next_rule = 0xFFFFFFFE;
  EXPECT_EQ(adopt_rules(state, 0, rules_of({"a.example", "b.example"}), 0).error().code, "ids_exhausted");
}

TEST(ManualRules, AddingAgainKeepsTheIdAndTakesTheNote) {
  LoadedState state = empty_state(1);
  rules::EntryParser parser;
  const auto rule = parser.parse("a.example").value();
  ASSERT_TRUE(add_entry(state, 0, rule, note("one")));
  const auto again = add_entry(state, 0, rule, note("two"));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again.value().existed);
  EXPECT_EQ(again.value().id.value, 1U);
  EXPECT_EQ(state.contents[0]->notes[0].comment, "two");
  auto allow = rule;
  allow.action = rules::Action::allow;
  EXPECT_FALSE(add_entry(state, 0, allow, {}).value().existed);
  EXPECT_EQ(state.contents[0]->rules.size(), 2U);
  EXPECT_EQ(remove_entry(state, 0, rule).size(), 2U);
  EXPECT_EQ(state.contents[0]->rules.size(), 0U);
}

TEST(ManualRules, ExpiredOnesGo) {
  LoadedState state = empty_state(2);
  rules::EntryParser parser;
  for (const auto& [entry, expires] : std::map<std::string, std::optional<std::int64_t>>{
           {"a.example", std::nullopt}, {"b.example", 100}, {"c.example", 200}}) {
    ASSERT_TRUE(add_entry(state, 1, parser.parse(entry).value(), note("", expires)));
  }
  EXPECT_EQ(next_expiry(state), 100);
  EXPECT_EQ(drop_expired(state, 99), 0U);
  EXPECT_EQ(drop_expired(state, 100), 1U);
  EXPECT_EQ(next_expiry(state), 200);
  EXPECT_EQ(drop_expired(state, 1000), 1U);
  EXPECT_THAT(ids(state, 1), ::testing::ElementsAre(::testing::Pair("a.example", 1)));
  EXPECT_EQ(state.contents[1]->notes.size(), 1U);
  EXPECT_FALSE(next_expiry(state));
}

}  // namespace
}  // namespace weir::control
