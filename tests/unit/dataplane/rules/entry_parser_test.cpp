#include "dataplane/rules/entry_parser.h"

#include <ostream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace weir::rules {
namespace {

// `kind canonical_text`, or `!code`.
std::string show(const base::Result<Rule>& rule) {
  if (!rule.ok()) return "!" + rule.error().code;
  return std::string(to_string(rule.value().kind)) + " " + rule.value().canonical_text();
}

struct EntryCase {
  std::string_view description;
  std::string entry;
  std::string_view expected;
};

std::ostream& operator<<(std::ostream& out, const EntryCase& value) { return out << value.description; }

const EntryCase kEntryCases[] = {
    {"host", "example.com", "domain example.com"},
    {"host and slash", "example.com/", "domain example.com"},
    {"URL of a host", "https://Example.COM./", "domain example.com"},
    {"host below an unknown top-level domain", "shop.test", "domain shop.test"},
    {"wildcard", "*.example.com", "subdomains *.example.com"},
    {"wildcard and slash", "*.example.com/", "subdomains *.example.com"},
    {"wildcard as URL", "http://*.Example.com", "subdomains *.example.com"},
    {"directory", "example.com/a/b/", "prefix example.com/a/b/"},
    {"page", "example.com/a/b", "url example.com/a/b"},
    {"page with query", "http://example.com/a?id=7", "url_query example.com/a?id=7"},
    {"root with query", "example.com/?id=7", "url_query example.com/?id=7"},
    {"directory with query", "example.com/a/?id=7", "url_query example.com/a/?id=7"},
    {"empty query", "example.com/a?", "url example.com/a"},
    {"port", "example.com:8080/a", "url example.com:8080/a"},
    {"port of a host", "example.com:8080", "domain example.com:8080"},
    {"port of a wildcard", "*.example.com:8080", "subdomains *.example.com:8080"},
    {"default port", "http://example.com:80/a", "url example.com/a"},
    {"port 80 of https", "https://example.com:80/a", "url https://example.com:80/a"},
    {"path case is kept", "EXAMPLE.com/AbC", "url example.com/AbC"},
    {"spaces around", "  example.com/a  ", "url example.com/a"},
    {"user info", "http://user:secret@example.com/a", "url example.com/a"},
    {"IPv4", "192.0.2.1", "domain 192.0.2.1"},
    {"IPv4, other spelling", "http://0xc0000201/a", "url 192.0.2.1/a"},
    {"IPv6", "[2001:DB8::0:1]/a/", "prefix [2001:db8::1]/a/"},
    {"IPv6 without brackets", "2001:db8::1", "domain [2001:db8::1]"},
    {"underscore", "a_b.example.com", "domain a_b.example.com"},
    {"internationalised name",
     "B\xC3\x9C"
     "CHER.example/\xC3\xA9",
     "url xn--bcher-kva.example/%C3%A9"},
    {"the same, percent-encoded", "http://b%c3%bccher.example", "domain xn--bcher-kva.example"},
    {"the same, decomposed",
     "bu\xCC\x88"
     "cher.example",
     "domain xn--bcher-kva.example"},
    {"non-transitional sharp s",
     "stra\xC3\x9F"
     "e.example",
     "domain xn--strae-oqa.example"},
    {"symbol that IDNA 2008 refuses and browsers take", "\xE2\x98\x83.example", "domain xn--n3h.example"},
    {"emoji", "\xF0\x9F\x92\xA9.example/a", "url xn--ls8h.example/a"},
    {"symbol beside a sharp s", "\xE2\x98\x83\xC3\x9F.example", "!entry_bad_host"},
    {"code point that is never allowed",
     "a\xE2\x80\xAE"
     "b.example",
     "!entry_bad_host"},
    {"ideographic full stop",
     "b\xC3\xBC"
     "cher\xE3\x80\x82"
     "example",
     "domain xn--bcher-kva.example"},
    {"full-width letters", "\xEF\xBC\xA5xample.com", "domain example.com"},
    {"full-width address", "\xEF\xBC\x91\xEF\xBC\x99\xEF\xBC\x92.0.2.1/a", "url 192.0.2.1/a"},
    {"internationalised wildcard",
     "*.b\xC3\xBC"
     "cher.example",
     "subdomains *.xn--bcher-kva.example"},
    {"internationalised with port 80 of https",
     "https://b\xC3\xBC"
     "cher.example:80/a",
     "url https://xn--bcher-kva.example:80/a"},
    {"A-label", "XN--BCHER-KVA.example", "domain xn--bcher-kva.example"},
    {"page below a public suffix", "github.io/a", "url github.io/a"},
    {"host below a public suffix", "a.github.io", "domain a.github.io"},
    {"longest label", std::string(63, 'a') + ".example", "domain " /* completed below */},
    {"empty", "", "!entry_empty"},
    {"white space", " \t\r\n", "!entry_empty"},
    {"path alone", "/a/b", "!entry_bad_host"},
    {"bare top-level domain", "com", "!entry_public_suffix"},
    {"bare unknown top-level domain", "test", "!entry_public_suffix"},
    {"bare name", "http://localhost/", "!entry_public_suffix"},
    {"top-level domain with dots", ".com.", "!entry_public_suffix"},
    {"public suffix", "co.uk", "!entry_public_suffix"},
    {"public suffix as wildcard", "*.co.uk", "!entry_public_suffix"},
    {"bare top-level domain as wildcard", "*.com", "!entry_public_suffix"},
    {"private public suffix", "github.io", "!entry_public_suffix"},
    {"internationalised top-level domain", "\xD1\x80\xD1\x84", "!entry_public_suffix"},
    {"wildcard with path", "*.example.com/a", "!entry_bad_wildcard"},
    {"wildcard with query", "*.example.com/?a", "!entry_bad_wildcard"},
    {"wildcard of an address", "*.192.0.2.1", "!entry_bad_wildcard"},
    {"wildcard alone", "*", "!entry_bad_wildcard"},
    {"wildcard and dot", "*.", "!entry_bad_wildcard"},
    {"wildcard within a label", "ex*mple.com", "!entry_bad_wildcard"},
    {"wildcard within a name", "www.*.example.com", "!entry_bad_wildcard"},
    {"two wildcards", "*.*.example.com", "!entry_bad_wildcard"},
    {"line of a hosts file", "0.0.0.0 example.com", "!entry_bad_host"},
    {"space in the host", "exam ple.com", "!entry_bad_host"},
    {"NUL in the host", "exam%00ple.com", "!entry_bad_host"},
    {"NUL in an internationalised host",
     "b%C3%BC%00"
     "cher.example",
     "!entry_bad_host"},
    {"broken UTF-8", "b\xFF.example", "!entry_bad_host"},
    {"label too long", std::string(64, 'a') + ".example", "!entry_bad_host"},
    {"name too long", std::string(251, 'a') + ".com", "!entry_bad_host"},
    {"bad port", "example.com:http", "!entry_bad_port"},
    {"port too high", "example.com:65536/a", "!entry_bad_port"},
    {"bad address", "[2001:db8::1", "!entry_bad_address"},
    {"fragment after a host", "example.com/#x", "!entry_ambiguous"},
    {"fragment right after a host", "http://example.com#x", "!entry_ambiguous"},
    {"empty fragment", "example.com/#", "!entry_ambiguous"},
    {"empty query of a host", "example.com/?", "!entry_ambiguous"},
    {"empty query right after a host", "example.com?", "!entry_ambiguous"},
    {"empty query and fragment", "example.com/?#x", "!entry_ambiguous"},
    {"parent of a page", "example.com/a/..", "!entry_ambiguous"},
    {"slashes", "example.com//", "!entry_ambiguous"},
    {"fragment after a wildcard", "*.example.com/#x", "!entry_ambiguous"},
    {"fragment after an address", "192.0.2.1/#x", "!entry_ambiguous"},
    {"fragment after an internationalised name",
     "b\xC3\xBC"
     "cher.example/#x",
     "!entry_ambiguous"},
    {"fragment after a page", "example.com/a#x", "url example.com/a"},
    {"fragment after a query", "example.com/?a#x", "url_query example.com/?a"},
    {"backslash after a host", "http:\\\\example.com\\", "domain example.com"},
    {"entry too long", "example.com/" + std::string(kMaxEntryBytes, 'a'), "!entry_too_long"},
};

class EntryCases : public testing::TestWithParam<EntryCase> {
 protected:
  EntryParser parser_;
};

TEST_P(EntryCases, Parse) {
  std::string expected(GetParam().expected);
  if (expected == "domain ") expected += GetParam().entry;
  const auto rule = parser_.parse(GetParam().entry);
  EXPECT_EQ(show(rule), expected);
  if (!rule.ok()) return;
  EXPECT_EQ(show(parser_.parse(rule.value().canonical_text())), expected) << "not the same when read again";
}

INSTANTIATE_TEST_SUITE_P(Entry, EntryCases, testing::ValuesIn(kEntryCases));

TEST(EntryParser, ErrorsNeverRepeatTheEntry) {
  EntryParser parser;
  for (const std::string entry : {"secretword", "*.secretword", "secret word.example", "*.secretword.com/a",
                                  "secretword.example:secretport", "[secretword", "secretword\xFF.example",
                                  "sec*ret.example", "\xD1\x80secretword\xFF.test"}) {
    const auto rule = parser.parse(entry);
    ASSERT_FALSE(rule.ok()) << entry;
    EXPECT_EQ(rule.error().message.find("secret"), std::string::npos) << rule.error().message;
    EXPECT_GT(rule.error().message.size(), 20U) << "no reason given";
  }
}

TEST(EntryParser, KeepsTheAction) {
  EntryParser parser;
  EXPECT_EQ(parser.parse("example.com").value().action, Action::block);
  EXPECT_EQ(parser.parse("example.com", Action::allow).value().action, Action::allow);
}

TEST(EntryParser, AnAllowRuleIsHeldToTheSameLimits) {
  EntryParser parser;
  EXPECT_EQ(show(parser.parse("co.uk", Action::allow)), "!entry_public_suffix");
}

TEST(Rule, PartsOfAKindThatHasNone) {
  EntryParser parser;
  const Rule domain = parser.parse("example.com/").value();
  EXPECT_EQ(domain.path, "");
  EXPECT_EQ(domain.query, "");
  EXPECT_TRUE(domain.is_whole_host());
  const Rule url = parser.parse("example.com/a").value();
  EXPECT_EQ(url.path, "/a");
  EXPECT_EQ(url.query, "");
  EXPECT_FALSE(url.is_whole_host());
  EXPECT_EQ(parser.parse("example.com/a?b").value().query, "b");
}

}  // namespace
}  // namespace weir::rules
