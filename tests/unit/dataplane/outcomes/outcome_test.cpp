#include "dataplane/outcomes/outcome.h"

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include <gtest/gtest.h>

#include "dataplane/base/enforcement.h"
#include "dataplane/base/parse_status.h"
#include "dataplane/base/request.h"
#include "dataplane/base/towards.h"

namespace weir::base {
namespace {

// Names are label values, JSON keys and words on the command line. Help texts are joined into longer lines,
// with
// `;` between them.
bool is_snake_case(std::string_view name) {
  return !name.empty() && name.front() >= 'a' && name.front() <= 'z' && name.back() != '_' &&
         name.find("__") == std::string_view::npos &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

bool is_fragment(std::string_view help) {
  return !help.empty() && help.back() != '.' && help.find(';') == std::string_view::npos &&
         help.front() != ' ' && help.find("  ") == std::string_view::npos;
}

template <class Enum, std::size_t kSize>
void expect_well_written(const std::array<EnumRow<Enum>, kSize>& rows) {
  for (const EnumRow<Enum>& row : rows) {
    EXPECT_TRUE(is_snake_case(row.name)) << row.name;
    EXPECT_TRUE(is_fragment(row.help)) << row.name << ": " << row.help;
  }
}

TEST(EnumTables, NamesAndHelpTextsAreWellWritten) {
  expect_well_written(kOutcomes);
  expect_well_written(kProtocols);
  expect_well_written(kRequestVerdicts);
  expect_well_written(kReasons);
  expect_well_written(kParseStatuses);
  expect_well_written(kTowards);
  expect_well_written(kEnforcements);
}

TEST(EnumTables, SpellingsThatOtherProgramsRelyOn) {
  EXPECT_EQ(to_string(Outcome::drop_blocked), "drop_blocked");
  EXPECT_EQ(to_string(Protocol::h2c), "h2c");
  EXPECT_EQ(to_string(RequestVerdict::block), "block");
  EXPECT_EQ(to_string(Reason::allow_rule), "allow_rule");
  EXPECT_EQ(to_string(ParseStatus::need_more), "need_more");
  EXPECT_EQ(to_string(Towards::neighbour), "neighbour");
  EXPECT_EQ(to_string(Enforcement::monitor), "monitor");
}

TEST(EnumTables, ValuesAreFoundByName) {
  EXPECT_EQ(enum_from_name(kEnforcements, "monitor"), Enforcement::monitor);
  EXPECT_EQ(enum_from_name(kOutcomes, "routed_foreign"), Outcome::routed_foreign);
  EXPECT_FALSE(enum_from_name(kEnforcements, ""));
  EXPECT_FALSE(enum_from_name(kEnforcements, "Monitor"));
}

TEST(EnumTables, GiveTheirNamesWithoutTheEnum) {
  const std::span<const EnumName> names = kNamesOf<kReasons>;
  ASSERT_EQ(names.size(), kReasons.size());
  EXPECT_EQ(names[index_of(Reason::listed)].name, "listed");
  EXPECT_EQ(names[index_of(Reason::listed)].help, "a block rule matches");
}

TEST(Outcomes, SayWhetherThePacketWentOn) {
  for (const auto& row : kOutcomes) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(row.name.starts_with("forward_"), row.help.starts_with("forwarded"));
    EXPECT_EQ(row.name.starts_with("drop_"), row.help.starts_with("dropped"));
    EXPECT_EQ(row.name.starts_with("mirror_"), row.help.starts_with("mirrored"));
  }
}

}  // namespace
}  // namespace weir::base
