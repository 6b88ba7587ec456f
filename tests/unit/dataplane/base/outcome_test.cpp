#include "dataplane/base/outcome.h"

#include <array>
#include <set>
#include <string_view>

#include <gtest/gtest.h>

namespace weir::base {
namespace {

template <class Enum, std::size_t N>
void expect_round_trips(const std::array<EnumRow, N>& rows) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < N; ++i) {
    SCOPED_TRACE(rows[i].name);
    EXPECT_TRUE(names.insert(rows[i].name).second);
    EXPECT_FALSE(rows[i].help.empty());
    const auto value = enum_from_name<Enum>(rows, rows[i].name);
    ASSERT_TRUE(value.has_value());
    EXPECT_EQ(index_of(*value), i);
    EXPECT_EQ(to_string(*value), rows[i].name);
  }
  EXPECT_FALSE(enum_from_name<Enum>(rows, "").has_value());
  EXPECT_FALSE(enum_from_name<Enum>(rows, "no such name").has_value());
}

TEST(Enums, NamesAndValuesBelongTogether) {
  expect_round_trips<Outcome>(kOutcomes);
  expect_round_trips<Protocol>(kProtocols);
  expect_round_trips<RequestVerdict>(kRequestVerdicts);
  expect_round_trips<Reason>(kReasons);
  expect_round_trips<ParseStatus>(kParseStatuses);
  expect_round_trips<Towards>(kTowards);
  expect_round_trips<Enforcement>(kEnforcements);
}

TEST(Enums, SpellingsThatOtherProgramsRelyOn) {
  EXPECT_EQ(to_string(Outcome::drop_blocked), "drop_blocked");
  EXPECT_EQ(to_string(Protocol::h2c), "h2c");
  EXPECT_EQ(to_string(RequestVerdict::block), "block");
  EXPECT_EQ(to_string(Reason::allow_rule), "allow_rule");
  EXPECT_EQ(to_string(ParseStatus::need_more), "need_more");
  EXPECT_EQ(enum_from_name<Enforcement>(kEnforcements, "monitor"), Enforcement::monitor);
}

TEST(Outcomes, SayWhetherThePacketWentOn) {
  for (const EnumRow& row : kOutcomes) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(row.name.starts_with("forward_"), row.help.starts_with("forwarded"));
    EXPECT_EQ(row.name.starts_with("drop_"), row.help.starts_with("dropped"));
  }
}

}  // namespace
}  // namespace weir::base
