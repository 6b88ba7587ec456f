#include "dataplane/rules/plain_list.h"

#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace weir::rules {
namespace {

struct ListCase {
  std::string_view description;
  std::string_view text;
  std::string_view rules;  // `line:canonical_text` of each, in order
  std::string_view bad;    // numbers of the bad lines
};

std::ostream& operator<<(std::ostream& out, const ListCase& value) { return out << value.description; }

using namespace std::string_view_literals;

constexpr ListCase kListCases[] = {
    {"empty", "", "", ""},
    {"one entry without line end", "example.com", "1:example.com ", ""},
    {"LF", "example.com\nexample.com/a\n", "1:example.com 2:example.com/a ", ""},
    {"CRLF", "example.com\r\nexample.com/a\r\n", "1:example.com 2:example.com/a ", ""},
    {"byte order mark",
     "\xEF\xBB\xBF"
     "example.com\n",
     "1:example.com ", ""},
    {"byte order mark before a comment", "\xEF\xBB\xBF# a\nexample.com\n", "2:example.com ", ""},
    {"blank lines", "\n  \t\n\r\nexample.com\n\n", "4:example.com ", ""},
    {"comments", "# a\n  # b\nexample.com # c\nexample.com/a\t# d\n#\n", "3:example.com 4:example.com/a ",
     ""},
    {"a fragment is no comment", "example.com/a#b\n", "1:example.com/a ", ""},
    {"a comment after a fragment", "example.com/a#b #c\n", "1:example.com/a ", ""},
    {"white space around", "  \texample.com \t\n", "1:example.com ", ""},
    {"bad lines among good ones", "com\nexample.com\nexample.com:x\n0.0.0.0 b.example\na.example\n",
     "2:example.com 5:a.example ", "1 3 4 "},
    {"NUL", "a\0b.example\nexample.com\n"sv, "2:example.com ", "1 "},
    {"the same entry twice is no error", "example.com\nexample.com/\n", "1:example.com 2:example.com ", ""},
    {"CR alone is no line end", "a.example\rb.example\n", "1:a.exampleb.example ", ""},
};

class ListCases : public testing::TestWithParam<ListCase> {};

TEST_P(ListCases, Read) {
  EntryParser parser;
  std::string rules;
  std::size_t count = 0;
  const auto summary = read_plain_list(GetParam().text, parser, [&](Rule&& rule, std::size_t line) {
    ++count;
    rules += std::to_string(line) + ":" + rule.canonical_text() + " ";
  });
  std::string bad;
  for (const LineError& error : summary.errors) bad += std::to_string(error.line) + " ";
  EXPECT_EQ(rules, GetParam().rules);
  EXPECT_EQ(bad, GetParam().bad);
  EXPECT_EQ(summary.rules, count);
  EXPECT_EQ(summary.bad_lines, summary.errors.size());
}

// Cut in two anywhere or into single bytes, the text gives the same list.
TEST_P(ListCases, ReadInBlocks) {
  EntryParser parser;
  const std::string_view text = GetParam().text;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    std::string rules;
    PlainListReader reader(parser, [&](Rule&& rule, std::size_t line) {
      rules += std::to_string(line) + ":" + rule.canonical_text() + " ";
    });
    if (cut == text.size()) {
      for (const char c : text) reader.feed({&c, 1});
    } else {
      reader.feed(text.substr(0, cut));
      reader.feed(text.substr(cut));
    }
    std::string bad;
    for (const LineError& error : reader.finish().errors) bad += std::to_string(error.line) + " ";
    EXPECT_EQ(rules, GetParam().rules) << "cut at " << cut;
    EXPECT_EQ(bad, GetParam().bad) << "cut at " << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(List, ListCases, testing::ValuesIn(kListCases));

// A long line takes no more memory than others, and is not misread.
TEST(PlainList, LongLines) {
  const std::string filler(kMaxLineBytes, 'a');
  const std::string blanks(kMaxLineBytes, ' ');
  struct Case {
    std::string_view description;
    std::string line;
    std::size_t rules;
    std::size_t bad;
  };
  const std::vector<Case> cases{
      {"a long comment", "#" + filler, 0, 0},
      {"an entry with a long comment", "b.example #" + filler, 1, 0},
      {"an entry that is too long", "b.example/" + filler, 0, 1},
      {"the same with a comment", "b.example/" + filler + " # a", 0, 1},
      {"blanks, then an entry that would be overlooked", blanks + "b.example", 0, 1},
      {"blanks that fit", blanks.substr(9) + "b.example", 1, 0},
  };
  for (const Case& each : cases) {
    for (const std::size_t block : {each.line.size() + 100, std::size_t{4096}}) {
      EntryParser parser;
      std::size_t last = 0;
      PlainListReader reader(parser, [&](Rule&&, std::size_t line) { last = line; });
      const std::string text = "a.example\n" + each.line + "\nc.example\n" + each.line;
      for (std::size_t at = 0; at < text.size(); at += block)
        reader.feed(std::string_view(text).substr(at, block));
      const auto summary = reader.finish();
      EXPECT_EQ(summary.rules, 2 + 2 * each.rules) << each.description;
      EXPECT_EQ(summary.bad_lines, 2 * each.bad) << each.description;
      EXPECT_EQ(last, each.rules == 0 ? 3U : 4U) << each.description;
    }
  }
}

TEST(PlainList, ReasonsAreKeptForTheFirstBadLinesOnly) {
  std::string text;
  for (std::size_t i = 0; i < kMaxLineErrors + 10; ++i) text += "com\n";
  EntryParser parser;
  const auto summary = read_plain_list(text + "example.com\n", parser, [](Rule&&, std::size_t) {});
  EXPECT_EQ(summary.errors.size(), kMaxLineErrors);
  EXPECT_EQ(summary.bad_lines, kMaxLineErrors + 10);
  EXPECT_EQ(summary.rules, 1U);
}

}  // namespace
}  // namespace weir::rules
