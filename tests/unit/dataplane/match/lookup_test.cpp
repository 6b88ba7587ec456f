#include "dataplane/match/lookup.h"

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/dataplane/match/snapshot_fixture.h"

namespace weir::match {
namespace {

// `block RULE`, `allow RULE`, `pass`, or `pass unseen LIST`.
std::string show(const Match& match) {
  if (match.decision == Decision::no_match) {
    return match.path_rules_unseen ? "pass unseen " + std::to_string(match.path_list.value) : "pass";
  }
  return (match.decision == Decision::block ? "block " : "allow ") + std::to_string(match.rule.value);
}

struct LookupCase {
  std::string_view description;
  std::vector<Entry> entries;  // ids 1, 2, ...
  std::string_view url;
  std::string_view expected;
};

std::ostream& operator<<(std::ostream& out, const LookupCase& value) {
  return out << value.description << ": " << value.url;
}

constexpr Action kAllowed = Action::allow;

const LookupCase kKindCases[] = {
    {"domain: the host", {{"example.com"}}, "http://example.com/", "block 1"},
    {"domain: any path", {{"example.com"}}, "http://example.com/a/b?c", "block 1"},
    {"domain: below", {{"example.com"}}, "http://a.b.example.com/c", "block 1"},
    {"domain: above", {{"a.example.com"}}, "http://example.com/", "pass"},
    {"domain: a longer label", {{"example.com"}}, "http://myexample.com/", "pass"},
    {"domain: encrypted", {{"example.com"}}, "https://a.example.com/", "block 1"},
    {"wildcard: below", {{"*.example.com"}}, "http://a.example.com/", "block 1"},
    {"wildcard: far below", {{"*.example.com"}}, "https://a.b.c.example.com/", "block 1"},
    {"wildcard: not the apex", {{"*.example.com"}}, "http://example.com/", "pass"},
    {"host: itself", {{.text = "example.com", .host_only = true}}, "http://example.com/a", "block 1"},
    {"host: not below", {{.text = "example.com", .host_only = true}}, "http://a.example.com/", "pass"},
    {"prefix: its directory", {{"example.com/a/b/"}}, "http://example.com/a/b/", "block 1"},
    {"prefix: a page below", {{"example.com/a/b/"}}, "http://example.com/a/b/c?d", "block 1"},
    {"prefix: far below", {{"example.com/a/b/"}}, "http://example.com/a/b/c/d/e/f", "block 1"},
    {"prefix: without its slash", {{"example.com/a/b/"}}, "http://example.com/a/b", "pass"},
    {"prefix: a longer segment", {{"example.com/a/b/"}}, "http://example.com/a/bc/", "pass"},
    {"prefix: above", {{"example.com/a/b/"}}, "http://example.com/a/", "pass"},
    {"prefix: elsewhere in the path", {{"example.com/a/b/"}}, "http://example.com/x/a/b/", "pass"},
    {"prefix: other host", {{"example.com/a/b/"}}, "http://a.example.com/a/b/", "pass"},
    {"url: itself", {{"example.com/a"}}, "http://example.com/a", "block 1"},
    {"url: any query", {{"example.com/a"}}, "http://example.com/a?id=7", "block 1"},
    {"url: a longer name", {{"example.com/a"}}, "http://example.com/ab", "pass"},
    {"url: below", {{"example.com/a"}}, "http://example.com/a/b", "pass"},
    {"url: as directory", {{"example.com/a"}}, "http://example.com/a/", "pass"},
    {"url: case", {{"example.com/a"}}, "http://example.com/A", "pass"},
    {"url: other spelling", {{"example.com/a"}}, "http://EXAMPLE.com.//x/..\\%61#b", "block 1"},
    {"url: host alone", {{"example.com/a"}}, "http://example.com/", "pass"},
    {"query: itself", {{"example.com/a?id=7"}}, "http://example.com/a?id=7", "block 1"},
    {"query: none", {{"example.com/a?id=7"}}, "http://example.com/a", "pass"},
    {"query: another", {{"example.com/a?id=7"}}, "http://example.com/a?id=8", "pass"},
    {"query: a longer one", {{"example.com/a?id=7"}}, "http://example.com/a?id=7&b", "pass"},
    {"query: of the root", {{"example.com/?id=7"}}, "http://example.com?id=7", "block 1"},
    {"address", {{"192.0.2.1"}}, "http://0xc0000201/a", "block 1"},
    {"address: encrypted", {{"192.0.2.1"}}, "https://192.0.2.1/", "block 1"},
    {"address: a name below it", {{"192.0.2.1"}}, "http://a.192.0.2.1/", "pass"},
    {"address: path", {{"192.0.2.1/a"}}, "http://192.0.2.1/a", "block 1"},
    {"IPv6 address", {{"[2001:db8::1]"}}, "http://[2001:DB8:0::1]:81/a", "block 1"},
    {"IPv6 address: another", {{"[2001:db8::1]"}}, "http://[2001:db8::2]/", "pass"},
    {"raw UTF-8 name",
     {{"xn--bcher-kva.example"}},
     "http://a.b\xC3\xBC"
     "cher.example/",
     "block 1"},
    {"raw UTF-8 name, path rule",
     {{"b\xC3\xBC"
       "cher.example/a"}},
     "http://b%C3%BCcher.example/a",
     "block 1"},
    {"A-label",
     {{"b\xC3\xBC"
       "cher.example"}},
     "http://XN--bcher-kva.example/",
     "block 1"},
};

const LookupCase kPortCases[] = {
    {"no port: every port", {{"example.com/a"}}, "http://example.com:8080/a", "block 1"},
    {"port: itself", {{"example.com:8080/a"}}, "http://example.com:8080/a", "block 1"},
    {"port: another", {{"example.com:8080/a"}}, "http://example.com:8081/a", "pass"},
    {"port: default", {{"example.com:8080/a"}}, "http://example.com/a", "pass"},
    {"port of a domain: itself", {{"example.com:8080"}}, "http://a.example.com:8080/", "block 1"},
    {"port of a domain: another", {{"example.com:8080"}}, "http://example.com/", "pass"},
    {"port of a domain: encrypted", {{"example.com:8443"}}, "https://example.com:8443/", "block 1"},
    {"port 80 of https", {{"https://example.com:80/a"}}, "http://example.com/a", "block 1"},
    {"port beside none", {{"example.com:81/a"}, {"example.com/a"}}, "http://example.com:81/a", "block 1"},
    {"port beside none: another",
     {{"example.com:81/a"}, {"example.com/a"}},
     "http://example.com/a",
     "block 2"},
    {"allowed port", {{"example.com"}, {"example.com:81", kAllowed}}, "http://example.com:81/", "allow 2"},
    {"allowed port: another",
     {{"example.com"}, {"example.com:81", kAllowed}},
     "http://example.com/",
     "block 1"},
};

const LookupCase kPrecedenceCases[] = {
    {"lower id", {{"example.com"}, {"a.example.com"}}, "http://a.example.com/", "block 1"},
    {"lower id, other order", {{"a.example.com"}, {"example.com"}}, "http://a.example.com/", "block 1"},
    {"list before id",
     {{"example.com", Action::block, 1}, {"example.com/a"}},
     "http://example.com/a",
     "block 2"},
    {"same entry on two lists",
     {{"example.com", Action::block, 1}, {"example.com"}},
     "http://example.com/",
     "block 2"},
    {"allow wins", {{"example.com"}, {"example.com", kAllowed}}, "http://example.com/", "allow 2"},
    {"allow of a later list wins",
     {{"example.com"}, {"example.com", kAllowed, 1}},
     "http://example.com/",
     "allow 2"},
    {"allow above", {{"a.example.com/b"}, {"example.com", kAllowed, 1}}, "http://a.example.com/b", "allow 2"},
    {"allow below", {{"example.com"}, {"a.example.com", kAllowed}}, "http://a.example.com/", "allow 2"},
    {"allow below, beside it",
     {{"example.com"}, {"a.example.com", kAllowed}},
     "http://b.example.com/",
     "block 1"},
    {"allowed page", {{"example.com"}, {"example.com/a", kAllowed}}, "http://example.com/a", "allow 2"},
    {"allowed page, another",
     {{"example.com"}, {"example.com/a", kAllowed}},
     "http://example.com/b",
     "block 1"},
    {"allowed page, encrypted",
     {{"example.com"}, {"example.com/a", kAllowed}},
     "https://example.com/a",
     "block 1"},
    {"allowed query",
     {{"example.com/a"}, {"example.com/a?b", kAllowed}},
     "http://example.com/a?b",
     "allow 2"},
    {"allowed directory",
     {{"example.com/a/b"}, {"example.com/a/", kAllowed}},
     "http://example.com/a/b",
     "allow 2"},
    {"the lower of two allow rules",
     {{"example.com", kAllowed, 1}, {"example.com/a", kAllowed}},
     "http://example.com/a",
     "allow 2"},
    {"domain allowed for itself and blocked below by another",
     {{"*.example.com"}, {.text = "example.com", .action = kAllowed, .host_only = true}},
     "http://a.example.com/",
     "block 1"},
};

const LookupCase kEncryptedCases[] = {
    {"a path rule is not widened", {{"example.com/a"}}, "https://example.com/a", "pass unseen 0"},
    {"nor a prefix", {{"example.com/a/"}}, "https://example.com/a/", "pass unseen 0"},
    {"nor a query", {{"example.com/?a"}}, "https://example.com/?a", "pass unseen 0"},
    {"hosts below have none", {{"example.com/a"}}, "https://a.example.com/a", "pass"},
    {"the list of highest precedence",
     {{"example.com/a", Action::block, 1}, {"example.com/b"}},
     "https://example.com/",
     "pass unseen 0"},
    {"an allowed page is nothing to see", {{"example.com/a", kAllowed}}, "https://example.com/a", "pass"},
    {"a blocked one beside it is",
     {{"example.com/a", kAllowed}, {"example.com/b", Action::block, 1}},
     "https://example.com/a",
     "pass unseen 1"},
    {"cleartext hides nothing", {{"example.com/a"}}, "http://example.com/b", "pass"},
    {"a blocked host hides nothing", {{"example.com/a"}, {"example.com"}}, "https://example.com/", "block 2"},
    {"an allowed host hides nothing",
     {{"example.com/a"}, {"example.com", kAllowed}},
     "https://example.com/",
     "allow 2"},
};

class LookupCases : public testing::TestWithParam<LookupCase> {};

TEST_P(LookupCases, Decide) {
  Fixture fixture({{.name = "first"}, {.name = "second"}}, GetParam().entries);
  EXPECT_EQ(show(fixture.ask(GetParam().url)), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(Kinds, LookupCases, testing::ValuesIn(kKindCases));
INSTANTIATE_TEST_SUITE_P(Ports, LookupCases, testing::ValuesIn(kPortCases));
INSTANTIATE_TEST_SUITE_P(Precedence, LookupCases, testing::ValuesIn(kPrecedenceCases));
INSTANTIATE_TEST_SUITE_P(Encrypted, LookupCases, testing::ValuesIn(kEncryptedCases));

const ListPolicy kBlockHost{.name = "block-host", .block_host_on_tls = true};
const ListPolicy kSubdomains{.name = "subdomains", .subdomains = true};
const ListPolicy kWwwEquivalent{.name = "www", .www_equivalent = true};
const ListPolicy kEverything{
    .name = "all", .subdomains = true, .www_equivalent = true, .block_host_on_tls = true};

struct PolicyCase {
  std::string_view description;
  ListPolicy policy;
  std::vector<Entry> entries;
  std::string_view url;
  std::string_view expected;
};

std::ostream& operator<<(std::ostream& out, const PolicyCase& value) {
  return out << value.description << ": " << value.url;
}

const PolicyCase kPolicyCases[] = {
    {"block-host", kBlockHost, {{"example.com/a"}}, "https://example.com/", "block 1"},
    {"block-host: cleartext", kBlockHost, {{"example.com/a"}}, "http://example.com/b", "pass"},
    {"block-host: below", kBlockHost, {{"example.com/a"}}, "https://a.example.com/", "pass"},
    {"block-host: port", kBlockHost, {{"example.com:8443/a"}}, "https://example.com:8443/", "block 1"},
    {"block-host: other port", kBlockHost, {{"example.com:8443/a"}}, "https://example.com/", "pass unseen 0"},
    {"block-host: allowed page", kBlockHost, {{"example.com/a", kAllowed}}, "https://example.com/", "pass"},
    {"block-host: allowed host",
     kBlockHost,
     {{"example.com/a"}, {"example.com", kAllowed}},
     "https://example.com/",
     "allow 2"},
    {"block-host: the lower id",
     kBlockHost,
     {{"example.com/a"}, {"example.com"}},
     "https://example.com/",
     "block 1"},
    {"block-host: cleartext has the other",
     kBlockHost,
     {{"example.com/a"}, {"example.com"}},
     "http://example.com/",
     "block 2"},
    {"subdomains: below", kSubdomains, {{"example.com/a"}}, "http://b.example.com/a", "block 1"},
    {"subdomains: prefix", kSubdomains, {{"example.com/a/"}}, "http://b.c.example.com/a/d", "block 1"},
    {"subdomains: query", kSubdomains, {{"example.com/a?b"}}, "http://b.example.com/a?b", "block 1"},
    {"subdomains: other path", kSubdomains, {{"example.com/a"}}, "http://b.example.com/b", "pass"},
    {"subdomains: address", kSubdomains, {{"192.0.2.1/a"}}, "http://a.192.0.2.1/a", "pass"},
    {"subdomains: encrypted", kSubdomains, {{"example.com/a"}}, "https://b.example.com/a", "pass unseen 0"},
    {"subdomains: kind host stays",
     kSubdomains,
     {{.text = "example.com", .host_only = true}},
     "http://a.example.com/",
     "pass"},
    {"subdomains: allow",
     kSubdomains,
     {{"example.com"}, {"example.com/a", kAllowed}},
     "http://b.example.com/a",
     "allow 2"},
    {"www: added", kWwwEquivalent, {{"example.com/a"}}, "http://www.example.com/a", "block 1"},
    {"www: taken away", kWwwEquivalent, {{"www.example.com/a"}}, "http://example.com/a", "block 1"},
    {"www: kind host, added",
     kWwwEquivalent,
     {{.text = "example.com", .host_only = true}},
     "http://www.example.com/",
     "block 1"},
    {"www: kind host, not below it",
     kWwwEquivalent,
     {{.text = "example.com", .host_only = true}},
     "http://a.www.example.com/",
     "pass"},
    {"www: domain, the other itself",
     kWwwEquivalent,
     {{"www.example.com"}},
     "https://example.com/",
     "block 1"},
    {"www: domain, never below the other",
     kWwwEquivalent,
     {{"www.example.com"}},
     "http://a.example.com/",
     "pass"},
    {"www: wildcard keeps its apex",
     kWwwEquivalent,
     {{"*.www.example.com"}},
     "http://www.example.com/",
     "pass"},
    {"www: never a top-level domain", kWwwEquivalent, {{"www.example"}}, "http://example/", "pass"},
    {"www: another label", kWwwEquivalent, {{"example.com/a"}}, "http://www2.example.com/a", "pass"},
    {"www: address", kWwwEquivalent, {{"192.0.2.1"}}, "http://www.192.0.2.1/", "pass"},
    {"www: encrypted", kWwwEquivalent, {{"example.com/a"}}, "https://www.example.com/", "pass unseen 0"},
    {"all: block-host reaches www", kEverything, {{"example.com/a"}}, "https://www.example.com/", "block 1"},
    {"all: block-host stops there",
     kEverything,
     {{"example.com/a"}},
     "https://a.example.com/",
     "pass unseen 0"},
    {"all: page below www", kEverything, {{"www.example.com/a"}}, "http://b.www.example.com/a", "block 1"},
    {"all: page below the other", kEverything, {{"www.example.com/a"}}, "http://b.example.com/a", "pass"},
};

class PolicyCases : public testing::TestWithParam<PolicyCase> {};

TEST_P(PolicyCases, Decide) {
  Fixture fixture({GetParam().policy}, GetParam().entries);
  EXPECT_EQ(show(fixture.ask(GetParam().url)), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(Policies, PolicyCases, testing::ValuesIn(kPolicyCases));

struct RequestPort {
  std::string_view authority;
  std::uint16_t connection_port;
  std::string_view expected;
};

TEST(Lookup, ARuleWithAPortMatchesTheWrittenPortAndThatOfTheConnection) {
  Fixture fixture({{.name = "list"}}, {{"example.com:8080/a"}, {"example.com:81"}});
  const RequestPort cases[] = {
      {"example.com:8080", 80, "block 1"},   {"example.com", 8080, "block 1"},
      {"example.com:80", 8080, "block 1"},   {"example.com:junk", 8080, "block 1"},
      {"example.com:8081", 82, "pass"},      {"example.com", 0, "pass"},
      {"example.com:8080", 8080, "block 1"}, {"example.com:81", 8080, "block 1"},
      {"example.com:81", 0, "block 2"},
  };
  proto::CanonicalUrl url;
  for (const RequestPort& request : cases) {
    ASSERT_EQ(url.assign_request(request.authority, "/a"), proto::UrlError::none);
    const Match match = lookup(fixture.view(), {.url = &url, .connection_port = request.connection_port});
    EXPECT_EQ(show(match), request.expected) << request.authority << " on " << request.connection_port;
  }
}

TEST(Lookup, NamesTheListOfTheRule) {
  Fixture fixture({{.name = "a"}, {.name = "b"}}, {{"example.com", Action::block, 1}});
  EXPECT_EQ(fixture.ask("http://example.com/").list, base::ListIndex{1});
}

std::string deep_path(std::size_t depth) {
  std::string path = "/";
  for (std::size_t i = 0; i < depth; ++i) path += "d/";
  return path;
}

TEST(Lookup, PathDepthIsNotLimited) {
  for (const std::size_t depth : {1U, 22U, 23U, 24U, 31U, 32U, 33U, 100U, 4000U}) {
    Fixture fixture({{.name = "list"}}, {{"example.com" + deep_path(depth)}});
    EXPECT_EQ(show(fixture.ask("http://example.com" + deep_path(depth))), "block 1") << depth;
    EXPECT_EQ(show(fixture.ask("http://example.com" + deep_path(depth + 40) + "x?y")), "block 1") << depth;
    EXPECT_EQ(show(fixture.ask("http://example.com" + deep_path(depth - 1) + "d")), "pass") << depth;
  }
}

// Longer than an entry can be; rules from elsewhere may have such paths.
TEST(Lookup, ADepthBeyondThePathInfoIsStillFound) {
  SnapshotBuilder builder(kTestHeader, {{.name = "list"}});
  Rule rule;
  rule.kind = RuleKind::prefix;
  rule.host = "example.com";
  rule.path = deep_path(std::size_t{kAnyDepth} * kDepthUnit + 10);
  rule.id = {1};
  builder.add(rule);
  const auto bytes = builder.build();
  const SnapshotView view = SnapshotView::open(bytes).value();
  proto::CanonicalUrl url;
  ASSERT_EQ(url.assign_request("example.com", rule.path), proto::UrlError::none);
  EXPECT_EQ(lookup(view, {.url = &url}).decision, Decision::block);
}

TEST(Lookup, TheLongestHostIsSearchedToItsEnd) {
  std::string host;
  while (host.size() + 2 + 11 <= proto::kMaxHostBytes) host += "a.";
  host += "example.com";
  Fixture fixture({{.name = "list", .subdomains = true}}, {{"example.com/p"}});
  EXPECT_EQ(show(fixture.ask("http://" + host + "/p")), "block 1");
  std::string shortest = "b";
  while (shortest.size() + 2 <= proto::kMaxHostBytes) shortest += ".b";
  EXPECT_EQ(show(fixture.ask("http://" + shortest + "/p")), "pass");
}

}  // namespace
}  // namespace weir::match
