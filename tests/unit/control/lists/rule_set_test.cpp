#include "control/lists/rule_set.h"

#include <gtest/gtest.h>

namespace weir::control {
namespace {

std::vector<rules::Rule> samples() {
  std::vector<rules::Rule> rules;
  const auto add = [&rules](rules::RuleKind kind, rules::Action action, const char* host, const char* path,
                            const char* query, std::optional<std::uint16_t> port) {
    rules::Rule rule;
    rule.kind = kind;
    rule.action = action;
    rule.host = host;
    rule.path = path;
    rule.query = query;
    rule.port = port;
    rule.id = base::RuleId{static_cast<std::uint32_t>(rules.size() + 1)};
    rules.push_back(rule);
  };
  add(rules::RuleKind::domain, rules::Action::block, "a.example", "", "", std::nullopt);
  add(rules::RuleKind::domain, rules::Action::allow, "a.example", "", "", std::nullopt);
  add(rules::RuleKind::host, rules::Action::block, "a.example", "", "", std::nullopt);
  add(rules::RuleKind::host, rules::Action::block, "a.example", "", "", 8080);
  add(rules::RuleKind::url, rules::Action::block, "a.example", "/b", "", std::nullopt);
  add(rules::RuleKind::url_query, rules::Action::block, "a.example", "/b", "c", std::nullopt);
  add(rules::RuleKind::url_query, rules::Action::block, "a.example", "/bc", "", std::nullopt);
  return rules;
}

RuleSet set_of(const std::vector<rules::Rule>& rules) {
  RuleSet set;
  for (const auto& rule : rules) set.append(rule);
  return set;
}

TEST(RuleSet, ReadsBackEveryField) {
  const auto rules = samples();
  std::string bytes;
  set_of(rules).serialize(bytes);
  std::string_view rest = bytes;
  const auto loaded = RuleSet::deserialize(rest);
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(rest.empty());
  EXPECT_EQ(loaded.value().whole_host_rules(), 4U);
  EXPECT_EQ(loaded.value().allow_rules(), 1U);
  EXPECT_EQ(loaded.value().highest_id(), rules.size());
  rules::Rule read;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    loaded.value().read(i, read);
    EXPECT_EQ(read.canonical_text(), rules[i].canonical_text()) << i;
    EXPECT_EQ(read.kind, rules[i].kind) << i;
    EXPECT_EQ(read.action, rules[i].action) << i;
    EXPECT_EQ(read.port, rules[i].port) << i;
    EXPECT_EQ(read.id, rules[i].id) << i;
  }
}

TEST(RuleSet, TellsEntriesApartByEverythingButTheId) {
  auto rules = samples();
  const RuleSet set = set_of(rules);
  for (auto& rule : rules) rule.id.value += 100;
  const RuleSet other = set_of(rules);
  const RuleIndex index = index_all(set);
  for (std::size_t i = 0; i < rules.size(); ++i) EXPECT_EQ(index.find(other, i), i);
  rules::Rule absent = rules[0];
  absent.host = "b.example";
  EXPECT_FALSE(index.find(set_of({absent}), 0));
}

TEST(RuleSet, IndexGrowsAndRefusesEqualEntries) {
  RuleSet set;
  RuleIndex index(set);
  rules::Rule rule;
  for (unsigned i = 0; i < 5000; ++i) {
    rule.host = "h" + std::to_string(i % 2500) + ".example";
    set.append(rule);
    const bool fresh = index.insert(set.size() - 1);
    EXPECT_EQ(fresh, i < 2500) << i;
    if (!fresh) set.pop_back();
  }
  EXPECT_EQ(set.size(), 2500U);
  EXPECT_EQ(set.whole_host_rules(), 2500U);
}

// Bytes that were damaged and whose seal was not: never read outside, never accept an entry that is none.
TEST(RuleSet, DamagedBytesAreRefusedOrHarmless) {
  std::string bytes;
  set_of(samples()).serialize(bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string_view cut = std::string_view(bytes).substr(0, size);
    EXPECT_FALSE(RuleSet::deserialize(cut)) << size;
  }
  rules::Rule read;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const unsigned flip : {0x01U, 0x80U, 0xFFU}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ flip);
      std::string_view rest = changed;
      const auto loaded = RuleSet::deserialize(rest);
      if (!loaded) continue;
      for (std::size_t k = 0; k < loaded.value().size(); ++k) loaded.value().read(k, read);
    }
  }
}

}  // namespace
}  // namespace weir::control
