#include "control/intake/guards.h"

#include <gtest/gtest.h>

#include "control/intake/list_parser.h"
#include "tests/support/scratch.h"

namespace weir::control {
namespace {

TEST(CheckSize, Table) {
  struct Case {
    const char* description;
    std::uint64_t min_entries;
    unsigned shrink;
    unsigned growth;
    std::size_t entries;
    std::size_t last_good;
    const char* code;  // empty: good
  };
  const Case cases[] = {
      {"empty", 0, 100, 0, 0, 10, "guard_empty"},
      {"empty at first", 0, 100, 0, 0, 0, "guard_empty"},
      {"too few", 5, 100, 0, 4, 0, "guard_min_entries"},
      {"just enough", 5, 100, 0, 5, 0, ""},
      {"first list of any size", 1, 20, 100, 1000000, 0, ""},
      {"unchanged", 1, 0, 0, 10, 10, ""},
      {"shrinks to the limit", 1, 20, 100, 80, 100, ""},
      {"shrinks beyond", 1, 20, 100, 79, 100, "guard_shrink"},
      {"a fraction of a percent beyond", 1, 20, 100, 7999, 10000, "guard_shrink"},
      {"may not shrink", 1, 0, 100, 99, 100, "guard_shrink"},
      {"may shrink to anything", 1, 100, 100, 1, 1000000, ""},
      {"grows to the limit", 1, 20, 100, 200, 100, ""},
      {"grows beyond", 1, 20, 100, 201, 100, "guard_growth"},
      {"grows without bound", 1, 20, 0, 1000000, 1, ""},
  };
  for (const Case& each : cases) {
    const auto status = check_size({.min_entries = each.min_entries,
                                    .max_shrink_percent = each.shrink,
                                    .max_growth_percent = each.growth},
                                   each.entries, each.last_good);
    EXPECT_EQ(status ? "" : status.error().code, each.code) << each.description;
  }
}

TEST(ProtectedHosts, Table) {
  rules::EntryParser parser;
  ProtectedHosts hosts;
  hosts.add("www.bank.example");
  hosts.add("192.0.2.1");
  struct Case {
    const char* description;
    const char* entry;
    bool covered;
    bool covered_with_tls;  // the list blocks the hosts of path rules when they are encrypted
  };
  const Case cases[] = {
      {"the host itself", "www.bank.example", true, true},
      {"a host below", "login.www.bank.example", true, true},
      {"a domain above", "bank.example", true, true},
      {"hosts below a domain above", "*.bank.example", true, true},
      {"a sibling", "shop.bank.example", false, false},
      {"a name that only ends alike", "xwww.bank.example", false, false},
      {"a page", "www.bank.example/page", false, true},
      {"a page of a domain above", "bank.example/page", false, false},
      {"the address", "192.0.2.1", true, true},
      {"another address", "192.0.2.2", false, false},
      {"an address that ends alike", "1.192.0.2", false, false},
  };
  for (const Case& each : cases) {
    const auto rule = parser.parse(each.entry);
    ASSERT_TRUE(rule) << each.description;
    EXPECT_EQ(hosts.covers(rule.value(), false), each.covered) << each.description;
    EXPECT_EQ(hosts.covers(rule.value(), true), each.covered_with_tls) << each.description;
    rules::Rule allow = rule.value();
    allow.action = rules::Action::allow;
    EXPECT_FALSE(hosts.covers(allow, true)) << each.description;
  }
}

TEST(ProtectedHosts, FileIsTakenWholeOrNotAtAll) {
  const test::Scratch scratch;
  rules::EntryParser parser;
  struct Case {
    const char* text;
    const char* code;
    const char* place;
  };
  for (const Case& each : {Case{"# ours\nbank.example\n", "", ""},
                           Case{"bank.example\nhttp://[x/\n", "protected_invalid", ":2:"},
                           Case{"bank.example/page\n", "protected_invalid", ":1:"}}) {
    test::write_file(scratch / "protected", each.text);
    const auto hosts = ProtectedHosts::read(scratch / "protected", parser);
    ASSERT_EQ(hosts ? "" : hosts.error().code, each.code) << each.text;
    if (!hosts) {
      EXPECT_NE(hosts.error().message.find(each.place), std::string::npos) << hosts.error().message;
    }
  }
  EXPECT_EQ(ProtectedHosts::read(scratch / "none", parser).error().code, "protected_unreadable");
  EXPECT_TRUE(ProtectedHosts::read("", parser));
}

TEST(ParseList, CollectsWhatItRefusesAndLoadsTheRest) {
  rules::EntryParser parser;
  ProtectedHosts hosts;
  hosts.add("bank.example");
  config::ListSettings list;
  const auto read = parse_list(
      list, "one.example\nbank.example\nhttp://[broken/\none.example\ntwo.example/a\n", hosts, parser);
  ASSERT_TRUE(read) << read.error().message;
  const ParsedList& parsed = read.value();
  EXPECT_EQ(parsed.rules.size(), 2U);
  EXPECT_EQ(parsed.duplicates, 1U);
  ASSERT_EQ(parsed.refused.count, 2U);
  EXPECT_EQ(parsed.refused.first[0].line, 2U);
  EXPECT_EQ(parsed.refused.first[1].line, 3U);
  for (const auto& error : parsed.refused.first) {
    EXPECT_EQ(error.message.find("bank"), std::string::npos);
    EXPECT_EQ(error.message.find("broken"), std::string::npos);
  }
}

TEST(ParseList, ReportsTheFirstLinesAndCountsAll) {
  rules::EntryParser parser;
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "http://[broken/\n";
  const auto parsed = parse_list({}, text, {}, parser);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed.value().refused.count, 2000U);
  EXPECT_EQ(parsed.value().refused.first.size(), kMaxReportedLines);
}

}  // namespace
}  // namespace weir::control
