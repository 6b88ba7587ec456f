#include <ostream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "control/formats/csv_reader.h"
#include "control/formats/list_reader.h"
#include "control/formats/rpz_reader.h"
#include "tests/unit/control/formats/gzip_member.h"

namespace weir::formats {
namespace {

using config::ListFormat;
using config::ListSettings;

/// `line:kind:text` of each rule and `line!reason` of each refused record, in order; then the error, if any.
std::string outcome(const ListSettings& settings, std::string_view text) {
  rules::EntryParser parser;
  std::string seen;
  const EntrySink sink{
      .rule =
          [&](rules::Rule&& rule, std::size_t line) {
            seen += std::to_string(line) + ":" + std::string(to_string(rule.kind)) + ":" +
                    rule.canonical_text() + " ";
          },
      .refused =
          [&](rules::LineError&& error) { seen += std::to_string(error.line) + "!" + error.message + " "; }};
  const auto facts = read_list(settings, text, parser, sink);
  if (!facts) return seen + "error " + facts.error().code + " " + facts.error().message;
  if (facts.value().serial) seen += "serial " + std::to_string(*facts.value().serial);
  return seen;
}

struct FormatCase {
  std::string_view description;
  std::string_view text;
  std::string_view outcome;
};

void expect_outcomes(const ListSettings& settings, std::initializer_list<FormatCase> cases) {
  for (const FormatCase& each : cases) {
    EXPECT_EQ(outcome(settings, each.text), each.outcome) << each.description;
    // Packed it is the same list, however the blocks are cut.
    if (!each.text.empty()) {
      EXPECT_EQ(outcome(settings, gzip_member(each.text)), each.outcome) << each.description << ", packed";
    }
  }
}

ListSettings csv() {
  ListSettings settings;
  settings.format = ListFormat::csv;
  return settings;
}

TEST(CsvFormat, ReadsTheColumnOfTheHeader) {
  expect_outcomes(
      csv(),
      {
          {"nothing", "", ""},
          {"a header alone", "id,url\n", ""},
          {"LF", "id,url\n1,example.com/a\n2,b.example\n", "2:url:example.com/a 3:domain:b.example "},
          {"CRLF", "id,url\r\n1,example.com/a\r\n", "2:url:example.com/a "},
          {"no line end at the end", "id,url\n1,example.com/a", "2:url:example.com/a "},
          {"a byte order mark", "\xEF\xBB\xBFurl,id\nexample.com/a,1\n", "2:url:example.com/a "},
          {"half a byte order mark is no mark", "\xEF\xBBurl\nexample.com/a\n",
           "error parse_header line 1: 1 columns, none of them is csv.url_column ('url'): is it the CSV "
           "file that the settings are for?"},
          {"quotes", "\"id\",\"url\"\r\n\"1\",\"example.com/a\"\r\n", "2:url:example.com/a "},
          {"a quoted separator", "id,url\n1,\"example.com/a,b\"\n", "2:url:example.com/a,b "},
          {"a doubled quote", "id,url\n1,\"example.com/a\"\"b\"\n", "2:url:example.com/a\"b "},
          {"a quote within an unquoted column", "id,url\n1,example.com/a\"b\"\n",
           "2:url:example.com/a\"b\" "},
          {"a quoted line end", "note,url\n\"two\r\nlines\",b.example\nx,c.example\n",
           "2:domain:b.example 4:domain:c.example "},
          {"blank lines", "\r\nurl\n\n  \na.example\n\n", "5:domain:a.example "},
          {"capitals and spaces in the header", "Id, URL\n1,a.example\n", "2:domain:a.example "},
          {"spaces around an entry", "id,url\n1,  a.example \n", "2:domain:a.example "},
          {"`#` is nothing special", "url,id\n#a.example,1\n",
           "2!there is no host; expected HOST, HOST/PATH or a URL "},
      });
}

TEST(CsvFormat, RefusesRecordsAndLoadsTheRest) {
  expect_outcomes(csv(), {
                             {"an empty column", "id,url\n1,\n2,b.example\n",
                              "2!the entry is empty; expected HOST, HOST/PATH or a URL 3:domain:b.example "},
                             {"too few columns", "id,url\n1\n2,b.example\n",
                              "2!1 columns, expected 2 3:domain:b.example "},
                             {"an unquoted separator in the entry", "url,id\na.example/x,y,1\nb.example,2\n",
                              "2!3 columns, expected 2 3:domain:b.example "},
                             {"text after a quote", "id,url\n1,\"a.example\"x\n2,b.example\n",
                              "2!text after a closing quote, or too many columns 3:domain:b.example "},
                             {"a CR after a quote and no LF", "id,url\n1,\"a.example\"\r,\n2,b.example\n",
                              "2!text after a closing quote, or too many columns 3:domain:b.example "},
                         });
  const std::string long_entry = "url\n" + std::string(9000, 'a') + "\nb.example\n";
  EXPECT_EQ(outcome(csv(), long_entry), "2!the column of the entry is too long 3:domain:b.example ");
  const std::string wide = "url,id\nb.example,1\n" + std::string(3000, ',') + "\nc.example,2\n";
  EXPECT_EQ(outcome(csv(), wide),
            "2:domain:b.example 3!text after a closing quote, or too many columns 4:domain:c.example ");
}

TEST(CsvFormat, RefusesWhatIsNoSuchTable) {
  expect_outcomes(
      csv(),
      {
          {"a page", "  <!DOCTYPE html>\n<html>\n", "error parse_html a web page (HTML or XML), not a list"},
          {"another table", "id,address\n1,a.example\n",
           "error parse_header line 1: 2 columns, none of them is csv.url_column ('url'): is "
           "it the CSV file that the settings are for?"},
          {"two columns of one name", "url,URL\na.example,b.example\n",
           "error parse_header line 1: two columns match csv.url_column"},
          {"a broken header", "\"url\"x,id\na.example,1\n",
           "error parse_header line 1: text after a closing quote"},
          {"a quote that is not closed", "url\na.example\n\"b.example\nc.example\n",
           "2:domain:a.example error parse_quote the quote that line 3 opens is not "
           "closed: truncated at its source?"},
      });
  EXPECT_EQ(outcome(csv(), "url\n\"" + std::string(2 << 20, 'a')),
            "error parse_quote the quote that line 2 opens is not closed within 1048576 bytes");
  EXPECT_EQ(outcome(csv(), std::string(2000, ',') + "\n"),
            "error parse_header line 1: more than 1024 columns: is this a CSV file?");
}

TEST(CsvFormat, FindsColumnsByNumber) {
  ListSettings settings = csv();
  settings.csv.url_column = "2";
  expect_outcomes(
      settings,
      {
          {"beside a header", "id,address\n1,a.example\n", "2:domain:a.example "},
          {"a name that is a number comes first", "2,1\na.example,b.example\n", "2:domain:a.example "},
          {"a number that is too large", "id\n1\n",
           "error parse_header line 1: 1 columns, none of them is csv.url_column ('2'): "
           "is it the CSV file that the settings are for?"},
      });
  settings.csv.header = false;
  settings.csv.separator = config::CsvSeparator::semicolon;
  settings.csv.comments = true;
  expect_outcomes(
      settings,
      {
          {"no header", "1;a.example,b\n2;b.example/x,y\n",
           "1!the host has a byte that host names cannot have; expected letters, digits, hyphens and "
           "dots (one entry per line, nothing before it) 2:url:b.example/x,y "},
          {"comments", "# id;url\n1;a.example\n#2;b.example\n", "2:domain:a.example "},
          {"too few columns in the first record", "a.example\n",
           "error parse_header line 1: 1 columns; csv.url_column is 2"},
      });
  settings.csv.url_column = "url";
  EXPECT_EQ(outcome(settings, "1;a.example\n"),
            "error parse_header without a header line, csv.url_column and csv.id_column are numbers from 1");
}

TEST(CsvFormat, NamesTheFeedsOwnNumbersOfRefusedRecords) {
  ListSettings settings = csv();
  settings.csv.id_column = "id";
  expect_outcomes(
      settings, {
                    {"a number", "id,url\nA-17,com\n",
                     "2!id A-17: the entry names a bare top-level domain; expected a host below it "},
                    {"what is no number is not shown", "id,url\nsecret.example,\n",
                     "2!the entry is empty; expected HOST, HOST/PATH or a URL "},
                    {"no such column", "url\na.example\n",
                     "error parse_header line 1: 1 columns, none of them is csv.id_column ('id'): is it the "
                     "CSV file that the settings are for?"},
                });
}

TEST(CsvFormat, IsTheSameHoweverItIsCut) {
  const std::string text =
      "\xEF\xBB\xBFid,url\r\n1,\"example.com/a,\"\"b\"\r\n\"2\r\n\",b.example\r\n3,\"x\"y\r\n4,c.example";
  const auto in_blocks = [&](std::size_t size) {
    rules::EntryParser parser;
    std::string seen;
    const EntrySink sink{
        .rule = [&](rules::Rule&& rule,
                    std::size_t line) { seen += std::to_string(line) + ":" + rule.canonical_text() + " "; },
        .refused = [&](rules::LineError&& error) { seen += std::to_string(error.line) + "! "; }};
    CsvReader reader({}, parser, sink);
    for (std::size_t at = 0; at < text.size(); at += size)
      EXPECT_TRUE(reader.feed(std::string_view(text).substr(at, size)));
    EXPECT_TRUE(reader.finish());
    return seen;
  };
  EXPECT_EQ(in_blocks(text.size()), "2:example.com/a,\"b 3:b.example 5! 6:c.example ");
  for (std::size_t size = 1; size < text.size(); ++size) EXPECT_EQ(in_blocks(size), in_blocks(text.size()));
}

ListSettings json(const char* entries, const char* url, const char* serial = "") {
  ListSettings settings;
  settings.format = ListFormat::json;
  settings.json = {.entries = entries, .url = url, .serial = serial};
  return settings;
}

TEST(JsonFormat, FollowsItsPointers) {
  EXPECT_EQ(outcome(json("", ""), R"(["a.example",
 "b.example/x"])"),
            "1:domain:a.example 2:url:b.example/x ");
  EXPECT_EQ(outcome(json("/data/items", "/url", "/meta/serial"),
                    R"({"meta": {"serial": 42, "url": "no.example"},
"items": [{"url": "no.example"}],
"data": {"more": [["no.example"]], "items": [
  {"id": 1, "url": "a.example", "also": {"url": "no.example"}},
  {"url": "b.example/\u0061"}
], "url": "no.example"}})"),
            "4:domain:a.example 5:url:b.example/a serial 42");
  EXPECT_EQ(outcome(json("/a~1b/~0/1", "/0/u"), R"({"a/b": {"~": [[{}], [[{"u": "a.example"}, 7]]]}})"),
            "1:domain:a.example ");
  EXPECT_EQ(outcome(json("", ""), "\xEF\xBB\xBF[]"), "");
}

TEST(JsonFormat, RefusesItemsAndLoadsTheRest) {
  expect_outcomes(
      json("", "/url"),
      {
          {"items without an entry",
           R"([{"uri": "a.example"}, {}, "b.example", null, [], {"url": "c.example"}])",
           "1!an item without json.url 1!an item without json.url 1!an item "
           "without json.url 1!an item without json.url 1!an item without "
           "json.url 1:domain:c.example "},
          {"no text", R"([{"url": 7}, {"url": {"url": "a.example"}}, {"url": ["a.example"]}, {"url": null}])",
           "1!an item whose json.url does not lead to one string 1!an item whose json.url does not lead to "
           "one string "
           "1!an item whose json.url does not lead to one string 1!an item whose json.url does not lead to "
           "one string "},
          {"two texts", R"([{"url": "a.example", "url": "b.example"}])",
           "1!an item whose json.url does not lead to one string "},
          {"no entry", R"([{"url": "com"}])",
           "1!the entry names a bare top-level domain; expected a host below it "},
      });
}

TEST(JsonFormat, RefusesOtherDocuments) {
  expect_outcomes(
      json("/list", "", "/serial"),
      {
          {"nothing", "",
           "error parse_truncated line 1: the JSON document ends early: truncated at its source?"},
          {"a page", "<html>", "error parse_html a web page (HTML or XML), not a list"},
          {"no such array", R"({"lists": []})", "error parse_json line 1: json.entries leads to no array"},
          {"an object", R"({"list": {"a": "a.example"}})",
           "error parse_json line 1: json.entries leads to a value that is not an array"},
          {"a text", R"({"list": "a.example"})", "error parse_json line 1: json.entries leads to no array"},
          {"two arrays", R"({"list": ["a.example"], "list": []})",
           "1:domain:a.example error parse_json line 1: json.entries leads to two arrays"},
          {"cut", "{\"list\": [\"a.example\",\n\"b.exam",
           "1:domain:a.example error parse_truncated line 2: the JSON document ends early: truncated at its "
           "source?"},
          {"truncated after an item", "{\"list\": [\"a.example\"",
           "1:domain:a.example error parse_truncated line 1: the JSON document ends early: truncated at its "
           "source?"},
          {"no JSON", "{\"list\": [a.example]}", "error parse_json line 1: not valid JSON from here on"},
          {"more after it", "{\"list\": []}\n{}", "error parse_json line 2: not valid JSON from here on"},
          {"a negative serial is none", R"({"list": ["a.example"], "serial": -1})", "1:domain:a.example "},
      });
  EXPECT_EQ(outcome(json("", ""), std::string(100, '[')), "error parse_json line 1: nested too deeply");
  EXPECT_EQ(outcome(json("", ""), "[\"" + std::string(2 << 20, 'a') + "\"]"),
            "error parse_json line 1: a value of more than 1048576 bytes");
}

TEST(HostsFormat, BlocksNamesThatLeadNowhere) {
  ListSettings settings;
  settings.format = ListFormat::hosts;
  expect_outcomes(
      settings,
      {
          {"each address",
           "0.0.0.0 a.example\n127.0.0.1\tb.example\n:: c.example\n::1 d.example\n127.9.9.9 e.example",
           "1:host:a.example 2:host:b.example 3:host:c.example 4:host:d.example 5:host:e.example "},
          {"several names, comments, CRLF", "# hosts\r\n0.0.0.0  a.example b.example # c.example\r\n\r\n",
           "2:host:a.example 2:host:b.example "},
          {"the machine's own names",
           "127.0.0.1 localhost localhost.localdomain\n255.255.255.255 broadcasthost\nfe80::1%lo0 "
           "localhost\nff02::1 ip6-allnodes\n0.0.0.0 0.0.0.0\n0.0.0.0 a.example\n",
           "6:host:a.example "},
          {"a name that leads somewhere", "192.0.2.1 a.example\n0.0.0.0 b.example\n",
           "1!not a blocking address; expected 0.0.0.0, 127.0.0.1, :: or ::1 2:host:b.example "},
          {"no address", "a.example\n0.0.0.0\n0.0.0 b.example\n",
           "1!does not start with an address 2!no name after the address 3!does not start with an address "},
          {"no name", "0.0.0.0 a.example/x 192.0.2.1 a.example:80 *.example com\n",
           "1!not a host name 1!an address; expected a host name 1!not a host name 1!not a host name 1!the "
           "entry names a bare top-level domain; expected a host below it "},
          {"a page", "\n<html>\n", "error parse_html a web page (HTML or XML), not a list"},
      });
}

TEST(RpzFormat, BlocksWhatThePolicyKeepsFromClients) {
  ListSettings settings;
  settings.format = ListFormat::rpz;
  expect_outcomes(
      settings,
      {
          {"a zone", R"zone($TTL 2h ; comment
$ORIGIN rpz.example.
@ 300 IN SOA localhost. root.localhost. (
    2026112801 ; serial
    1h 15m 30d 2h )
    IN NS localhost.
a.example    CNAME .
*.a.example  IN 60 CNAME .
B.example    CNAME *.
c.example    CNAME rpz-drop.
d.example    A 192.0.2.1
             TXT "why; (not)" 
e.example    CNAME walled.garden.example.
f.example.rpz.example. CNAME .
)zone",
           "7:host:a.example 8:subdomains:*.a.example 9:host:b.example 10:host:c.example 11:host:d.example "
           "12:host:d.example 13:host:e.example 14:host:f.example serial 2026112801"},
          {"no origin", "@ SOA . . 7 1 1 1 1\n NS localhost.\na.example CNAME .\nb.example. CNAME .\n",
           "3:host:a.example 4!no usable owner name: an escape in it, or an absolute name without $ORIGIN "
           "serial 7"},
          {"absolute names, as a transfer prints them",
           "rpz.example. 60 IN SOA a. b. 9 1 1 1 1\nrpz.example. 60 IN NS a.\na.example.rpz.example. 60 IN "
           "CNAME .\nrpz.example. 60 IN SOA a. b. 9 1 1 1 1\n",
           "3:host:a.example serial 9"},
          {"as BIND writes it, the root in front", R"($ORIGIN .
rpz.example IN SOA a. b. 5 1 1 1 1
 NS a
a.example.rpz.example CNAME .
b.example CNAME .
$ORIGIN example.rpz.example.
*.c CNAME .
)",
           "4:host:a.example 5!a name outside the zone 7:subdomains:*.c.example serial 5"},
          {"a record without a name after one that is refused", R"(rpz.example. SOA a. b. 6 1 1 1 1
a.example CNAME rpz-passthru.
b.example TXT "open
 CNAME .
c.example CNAME .
)",
           "2!PASSTHRU; use `weirctl add --allow` for exceptions 3!an unbalanced quote or "
           "parenthesis 4!no usable owner name: an escape in it, or an absolute name without $ORIGIN "
           "5:host:c.example serial 6"},
          {"what does not block", R"(rpz.example. SOA a. b. 1 1 1 1 1
a.example CNAME rpz-passthru.
b.example CNAME b.example.
c.example CNAME rpz-tcp-only.
32.1.2.0.192.rpz-ip CNAME .
ns.example.rpz-nsdname CNAME .
other.example. CNAME .
a.example RRSIG x
)",
           "2!PASSTHRU; use `weirctl add --allow` for exceptions 3!PASSTHRU; use "
           "`weirctl add --allow` for exceptions 4!TCP-only, which blocks nothing 5!a trigger by address or "
           "name server; "
           "only names can be blocked 6!a trigger by address or name server; only names can be blocked 7!a "
           "name outside the zone serial 1"},
          {"broken records", R"(rpz.example. SOA a. b. 1 1 1 1 1
a.example
b.example CNAME
c.example TXT "open
d.example CNAME . )
e\046example CNAME .
$GENERATE 1-9 f$.example CNAME .
g.example CNAME .
)",
           "2!a record without a type 3!a CNAME without a target 4!an unbalanced quote or parenthesis "
           "5!an unbalanced quote or parenthesis 6!no usable owner name: an escape in it, "
           "or an absolute name without $ORIGIN 7!an unsupported directive 8:host:g.example serial "
           "1"},
      });
}

TEST(RpzFormat, RefusesWhatIsNoZone) {
  ListSettings settings;
  settings.format = ListFormat::rpz;
  expect_outcomes(
      settings,
      {
          {"nothing", "", "error parse_zone no SOA record: is this a zone?"},
          {"comments alone", "; nothing\n", "error parse_zone no SOA record: is this a zone?"},
          {"no SOA", "a.example CNAME .\n",
           "error parse_zone line 1: a record before the SOA: is this a zone?"},
          {"an SOA without serial", "@ SOA a. b. x 1 1 1 1\n",
           "error parse_zone line 1: an SOA without a name or serial"},
          {"a serial that is too large", "@ SOA a. b. 4294967296 1 1 1 1\n",
           "error parse_zone line 1: an SOA without a name or serial"},
          {"another SOA", "z. SOA a. b. 1 1 1 1 1\nz. SOA a. b. 2 1 1 1 1\n",
           "error parse_zone line 2: a second SOA that differs from the first"},
          {"cut", "z. SOA a. b. ( 1 1 1 1 1\n",
           "error parse_truncated the parenthesis that line 1 opens is not closed: truncated at its source?"},
      });
  EXPECT_EQ(outcome(settings, "z. SOA ( a. b." + std::string(1100, '\n')),
            "error parse_zone the parenthesis that line 1 opens is not closed within 1000 lines");
}

TEST(PlainFormat, IsReadAsBefore) {
  expect_outcomes(
      {}, {
              {"entries", "# a\nexample.com/a\ncom\n",
               "2:url:example.com/a 3!the entry names a bare top-level domain; expected a host below it "},
              {"a page", "<!doctype html>\nexample.com\n",
               "error parse_html a web page (HTML or XML), not a list"},
          });
  ListSettings small;
  small.max_bytes = 1024;
  EXPECT_EQ(outcome(small, gzip_member(std::string(2000, '#'))),
            "error parse_too_large larger than the limit of 1024 bytes when unpacked");
  EXPECT_EQ(outcome({}, gzip_member("example.com\n").substr(0, 20)),
            "error parse_truncated the gzip data ends early: truncated at its source?");
}

}  // namespace
}  // namespace weir::formats
