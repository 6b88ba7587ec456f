#include "control/formats/delta_reader.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/unit/control/formats/gzip_member.h"

namespace weir::formats {
namespace {

using config::ListFormat;
using config::ListSettings;

/// `line+entry`, `line-entry` and `line!reason` in order, then `since>token`, or the error.
std::string changes(const ListSettings& settings, std::string_view text) {
  rules::EntryParser parser;
  std::string seen;
  const auto sink = [&seen](char sign) {
    return EntrySink{.rule =
                         [&seen, sign](rules::Rule&& rule, std::size_t line) {
                           seen += std::to_string(line) + sign + rule.canonical_text() + " ";
                         },
                     .refused =
                         [&seen, sign](rules::LineError&& error) {
                           seen += std::to_string(error.line) + sign + "!" + error.message + " ";
                         }};
  };
  const auto facts = read_delta(settings, text, parser, {.added = sink('+'), .removed = sink('-')});
  if (!facts) return seen + "error " + facts.error().code + " " + facts.error().message;
  seen += facts.value().since.value_or("") + ">" + facts.value().token;
  if (facts.value().serial) seen += " serial " + std::to_string(*facts.value().serial);
  return seen;
}

struct DeltaCase {
  std::string_view description;
  std::string text;
  std::string_view outcome;
};

void expect_changes(const ListSettings& settings, std::initializer_list<DeltaCase> cases) {
  for (const DeltaCase& each : cases) {
    EXPECT_EQ(changes(settings, each.text), each.outcome) << each.description;
    if (!each.text.empty()) {
      EXPECT_EQ(changes(settings, gzip_member(each.text)), each.outcome) << each.description << ", packed";
    }
  }
}

ListSettings with_format(ListFormat format) {
  ListSettings settings;
  settings.format = format;
  return settings;
}

TEST(DeltaReader, ReadsLines) {
  expect_changes(
      with_format(ListFormat::plain),
      {
          {"no change", "since 7\ntoken 8\nend\n", "7>8"},
          {"changes", "since 7\ntoken 8\n+a.example/p\n-b.example\nend\n", "3+a.example/p 4-b.example 7>8"},
          {"CRLF, comments, blank lines, no line end at the end",
           "# of Monday\r\nsince a=/+\r\n\r\ntoken b\r\n+a.example/p # new\r\nend", "5+a.example/p a=/+>b"},
          {"spaces around an entry", "since 7\ntoken 8\n- a.example \nend\n", "3-a.example 7>8"},
          {"entries that are none", "since 7\ntoken 8\n+com\n-\nend\n",
           "3+!the entry names a bare top-level domain; expected a host below it "
           "4-!the entry is empty; expected HOST, HOST/PATH or a URL 7>8"},
          {"nothing", "",
           "error parse_truncated line 1: no `end` at the end of the changes: truncated at their source?"},
          {"truncated after a line", "since 7\ntoken 8\n+a.example/p\n",
           "3+a.example/p error parse_truncated line 3: no `end` at the end of the changes: truncated at "
           "their source?"},
          {"truncated within a line", "since 7\ntoken 8\n+a.example/p\nen",
           "3+a.example/p error parse_delta line 4: neither `+ENTRY` nor `-ENTRY` nor `end`"},
          {"a list, no changes", "a.example\n",
           "error parse_delta line 1: `since TOKEN` was expected: are these the changes of a list?"},
          {"a page", "<html>\n",
           "error parse_delta line 1: `since TOKEN` was expected: are these the changes of a list?"},
          {"no token that they lead to", "since 7\n+a.example\nend\n",
           "error parse_delta line 2: `token TOKEN` was expected: are these the changes of a list?"},
          {"a control character in the token", "since 7\ntoken 8\x01\nend\n",
           "error parse_delta line 2: no valid token after `token `: 1 to 1024 printable characters"},
          {"a token with a space", "since 7 8\ntoken 8\nend\n",
           "error parse_delta line 1: no valid token after `since `: 1 to 1024 printable characters"},
          {"an empty token", "since \ntoken 8\nend\n",
           "error parse_delta line 1: no valid token after `since `: 1 to 1024 printable characters"},
          {"a token of 1 MB", "since 7\ntoken " + std::string(1 << 20, 'x') + "\nend\n",
           "error parse_delta line 2: no valid token after `token `: 1 to 1024 printable characters"},
          {"text after the end", "since 7\ntoken 8\nend\n+a.example\n",
           "error parse_delta line 4: text after `end`"},
      });
}

TEST(DeltaReader, CommentsAreForThePlainFormatOnly) {
  EXPECT_EQ(changes(with_format(ListFormat::csv), "since 7\ntoken 8\n+a.example/p?q #x\nend\n"),
            "3+a.example/p?q%20 7>8");
}

TEST(DeltaReader, AnEntryIsNeverCut) {
  const std::string line = "+a.example/" + std::string(100000, 'x');
  EXPECT_EQ(changes(with_format(ListFormat::plain), "since 7\ntoken 8\n" + line + "\nend\n"),
            "3+!the line is too long 7>8");
}

TEST(DeltaReader, ReadsJson) {
  ListSettings settings = with_format(ListFormat::json);
  settings.json.serial = "/serial";
  expect_changes(
      settings,
      {
          {"texts", R"({"since":"a","token":"b","added":["a.example/p"],"removed":["b.example"]})",
           "1+a.example/p 1-b.example a>b"},
          {"numbers, and a serial",
           "{\"serial\":9,\"removed\":[\"b.example\"],\n\"added\":[],\"since\":7,\"token\":8}",
           "1-b.example 7>8 serial 9"},
          {"an item that is no entry", R"({"since":7,"token":8,"added":[1],"removed":[]})",
           "1+!an item whose json.url does not lead to one string 7>8"},
          {"no removals", R"({"since":7,"token":8,"added":[]})",
           "error parse_json line 1: delta.removed leads to no array"},
          {"two arrays of additions", R"({"since":7,"token":8,"added":[],"added":[],"removed":[]})",
           "error parse_json line 1: delta.added leads to two arrays"},
          {"no token", R"({"since":7,"added":[],"removed":[]})",
           "error parse_delta delta.token leads to no token: 1 to 1024 printable characters"},
          {"a control character in the token", R"({"since":7,"token":"8\u0000","added":[],"removed":[]})",
           "error parse_delta delta.token leads to no token: 1 to 1024 printable characters"},
          {"nothing that they begin at", R"({"token":8,"added":[],"removed":[]})",
           "error parse_delta delta.since leads to no token: 1 to 1024 printable characters"},
          {"truncated", R"({"since":7,"token":8,"added":["a.example)",
           "error parse_truncated line 1: the JSON document ends early: truncated at its source?"},
          {"a page", "<html>", "error parse_html a web page (HTML or XML), not a list"},
      });
  settings.json.url = "/url";
  settings.delta.since = "";
  settings.delta.added = "/changes/0";
  settings.delta.removed = "/changes/1";
  expect_changes(settings, {{"other pointers",
                             R"({"token":"b","changes":[[{"url":"a.example/p"}],[{"url":"b.example"}]]})",
                             "1+a.example/p 1-b.example >b"}});
}

}  // namespace
}  // namespace weir::formats
