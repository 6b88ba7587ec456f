#include "config/values.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir::config {
namespace {

struct DurationCase {
  std::chrono::seconds value;
  const char* text;
};

TEST(FormatDuration, UsesTheLargestExactUnit) {
  const std::vector<DurationCase> cases{
      {std::chrono::seconds(0), "0s"},      {std::chrono::seconds(90), "90s"},
      {std::chrono::seconds(60), "1m"},     {std::chrono::seconds(3600), "1h"},
      {std::chrono::seconds(5400), "90m"},  {std::chrono::seconds(86400), "24h"},
      {std::chrono::seconds(172800), "2d"}, {std::chrono::seconds(90000), "25h"},
  };
  for (const auto& each : cases) EXPECT_EQ(format_duration(each.value), each.text);
}

// The reference prints defaults with format_value(). The reader must accept what it prints, as the same
// value.
template <class Target>
void expect_defaults_read_back(std::span<const Row<Target>> rows) {
  for (const auto& row : rows) {
    Target defaults{};
    Target read{};
    const std::string text = format_value(row.field(defaults));
    if (text.empty()) continue;
    const auto tree = read_yaml(text, "f");
    ASSERT_TRUE(tree) << row.key;
    const auto problem = read_value(*tree.value(), row.traits, row.field(read));
    EXPECT_FALSE(problem.has_value()) << row.key << ": " << text;
    EXPECT_EQ(format_value(row.field(read)), text) << row.key;
  }
}

TEST(Schema, DefaultsAreValid) {
  expect_defaults_read_back(settings_rows());
  expect_defaults_read_back(list_rows());
}

template <class Target>
void expect_documented(std::span<const Row<Target>> rows) {
  std::vector<std::string_view> keys;
  for (const auto& row : rows) {
    EXPECT_GT(row.traits.help.size(), 10U) << row.key;
    EXPECT_EQ(row.traits.help.back(), '.') << row.key;
    EXPECT_EQ(row.traits.help.find('|'), std::string_view::npos) << row.key << ": the reference is a table";
    EXPECT_EQ(std::count(keys.begin(), keys.end(), row.key), 0) << row.key << " has two rows";
    keys.push_back(row.key);
  }
}

TEST(Schema, EachRowIsUniqueAndSaysWhatItIs) {
  expect_documented(settings_rows());
  expect_documented(port_rows());
  expect_documented(list_rows());
}

}  // namespace
}  // namespace weir::config
