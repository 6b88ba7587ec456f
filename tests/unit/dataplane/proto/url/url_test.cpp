#include "dataplane/proto/url/url.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/dataplane/proto/url/url_line.h"

namespace weir::proto {
namespace {

class UrlTest : public testing::Test {
 protected:
  std::string canonical(std::string_view text, PortPolicy policy = PortPolicy::strict) {
    const UrlError error = url_->assign_url(text, policy);
    return url_line(*url_, error);
  }
  std::string canonical_request(std::string_view authority, std::string_view target) {
    const UrlError error = url_->assign_request(authority, target);
    return url_line(*url_, error);
  }

  std::unique_ptr<CanonicalUrl> url_ = std::make_unique<CanonicalUrl>();
};

struct UrlCase {
  std::string_view description;
  std::string_view input;
  std::string_view expected;
};

std::ostream& operator<<(std::ostream& out, const UrlCase& value) { return out << value.description; }

constexpr UrlCase kSchemeCases[] = {
    {"scheme in upper case", "HTTP://example.com/a", "example.com/a"},
    {"one slash", "http:/example.com/a", "example.com/a"},
    {"many slashes", "https://///example.com/a", "example.com/a"},
    {"backslashes", "http:\\\\example.com\\a\\b", "example.com/a/b"},
    {"no scheme but slashes", "//example.com/a", "example.com/a"},
    {"TAB inside the scheme", "ht\ttp:/\n/example.com/a", "example.com/a"},
    {"scheme of another kind", "gopher://example.com:70/a", "example.com:70/a"},
    {"a host called like a scheme", "http:8080/a", "http:8080/a"},
    {"host and port that look like a scheme", "example.com:8080/a", "example.com:8080/a"},
    {"a URL in the path", "example.com/http://b.example/", "example.com/http:/b.example/"},
    {"a URL in the query", "example.com/?u=http://b.example/", "example.com/?u=http://b.example/"},
    {"empty", "", "!empty_host"},
    {"spaces alone", "   ", "!empty_host"},
    {"a path alone", "/a/b", "!empty_host"},
    {"scheme alone", "http://", "!empty_host"},
    {"fragment alone", "#a", "!empty_host"},
    {"query alone", "?a=b", "!empty_host"},
};

constexpr UrlCase kAuthorityCases[] = {
    {"user", "http://user@example.com/a", "example.com/a"},
    {"user and password", "http://user:secret@example.com:81/a", "example.com:81/a"},
    {"several at signs", "http://a@b@example.com/", "example.com/"},
    {"at sign in the path", "http://example.com/@b.example", "example.com/@b.example"},
    {"user alone", "http://user@/a", "!empty_host"},
    {"encoded at sign stays", "http://a%40example.com/", "a%40example.com/"},
    {"encoded slash stays", "http://example.com%2Fa/b", "example.com%2Fa/b"},
    {"encoded colon stays", "http://example.com%3A81/b", "example.com%3A81/b"},
    {"leading and repeated dots", "http://..www...example..com./", "www.example.com/"},
    {"encoded dots", "http://www%2e%2Eexample%252ecom%2e/", "www.example.com/"},
    {"dots alone", "http://.../", "!empty_host"},
    {"raw UTF-8",
     "http://b\xC3\xBC"
     "cher.example/",
     "b%C3%BCcher.example/"},
    {"A-label in upper case", "http://XN--BCHER-KVA.example/", "xn--bcher-kva.example/"},
    {"default port of http", "http://example.com:80/a", "example.com/a"},
    {"default port of https", "https://example.com:443/a", "example.com/a"},
    {"default port of no scheme", "example.com:80/a", "example.com/a"},
    {"the other scheme's default port", "http://example.com:443/a", "example.com:443/a"},
    {"https on port 80", "https://example.com:80/a", "example.com:80/a"},
    {"an unknown scheme has no default", "foo://example.com:80/a", "example.com:80/a"},
    {"empty port", "http://example.com:/a", "example.com/a"},
    {"leading zeros", "http://example.com:00081/a", "example.com:81/a"},
    {"highest port", "http://example.com:65535/", "example.com:65535/"},
    {"port too high", "http://example.com:65536/", "!bad_port"},
    {"port far too high", "http://example.com:99999999999999999999/", "!bad_port"},
    {"port zero", "http://example.com:0/", "!bad_port"},
    {"junk port", "http://example.com:8a/", "!bad_port"},
    {"two ports", "http://example.com:80:80/", "!bad_port"},
    {"port without host", "http://:80/", "!empty_host"},
};

constexpr UrlCase kAddressCases[] = {
    {"dotted decimal", "192.0.2.1", "192.0.2.1/"},
    {"trailing dot", "192.0.2.1.", "192.0.2.1/"},
    {"hexadecimal", "0xC0.0x0.0x2.0x1", "192.0.2.1/"},
    {"one hexadecimal number", "0xc0000201", "192.0.2.1/"},
    {"octal", "0300.0.02.01", "192.0.2.1/"},
    {"three parts", "192.0.513", "192.0.2.1/"},
    {"two parts", "192.513", "192.0.2.1/"},
    {"mixed", "0xc0.0.01001", "192.0.2.1/"},
    {"zero", "0", "0.0.0.0/"},
    {"highest number", "4294967295", "255.255.255.255/"},
    {"a number too high is a name", "4294967296", "4294967296/"},
    {"a part too high is a name", "192.0.2.256", "192.0.2.256/"},
    {"a last part too high is a name", "192.0.65536", "192.0.65536/"},
    {"five parts are a name", "192.0.2.1.5", "192.0.2.1.5/"},
    {"no octal digit", "192.0.2.08", "192.0.2.08/"},
    {"hexadecimal without digits is zero", "0x.0x.2.0X1", "0.0.2.1/"},
    {"the same alone", "0x", "0.0.0.0/"},
    {"no hexadecimal digit", "0xg.0.2.1", "0xg.0.2.1/"},
    {"a name that begins like one", "192.0.2.1a", "192.0.2.1a/"},
    {"encoded address with port", "http://%31%39%32.0.2.1:81/a", "192.0.2.1:81/a"},
    {"IPv6", "http://[2001:DB8:0:0:0:0:0:1]/a", "[2001:db8::1]/a"},
    {"IPv6 with port", "http://[2001:db8::1]:8080/a", "[2001:db8::1]:8080/a"},
    {"IPv6 with default port", "http://[2001:db8::1]:80/a", "[2001:db8::1]/a"},
    {"the first longest run", "[2001:db8:0:0:1:0:0:1]", "[2001:db8::1:0:0:1]/"},
    {"one zero group is no run", "[2001:db8:0:1:1:1:1:1]", "[2001:db8:0:1:1:1:1:1]/"},
    {"leading zeros of groups", "[2001:0db8:0001::0a]", "[2001:db8:1::a]/"},
    {"all zero", "[::]", "[::]/"},
    {"IPv4-mapped stays IPv6", "[::FFFF:c000:201]", "[::ffff:192.0.2.1]/"},
    {"IPv4-mapped, dotted", "[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]/"},
    {"IPv6 without brackets", "2001:db8::1", "[2001:db8::1]/"},
    {"IPv6 without brackets, with path", "2001:db8::1/a", "[2001:db8::1]/a"},
    {"IPv6 with zone", "[fe80::1%25eth0]", "!bad_address"},
    {"no IPv6", "[2001:db8::1::2]", "!bad_address"},
    {"name in brackets", "[example.com]", "!bad_address"},
    {"open bracket", "[2001:db8::1", "!bad_address"},
    {"empty brackets", "[]", "!bad_address"},
    {"junk after the bracket", "[2001:db8::1]a", "!bad_address"},
    {"NUL in brackets", "[2001:db8::1%00]", "!bad_address"},
    {"bracket in a name", "a[b", "a%5Bb/"},
};

constexpr UrlCase kPathCases[] = {
    {"dot segments", "example.com/a/./b/../c", "example.com/a/c"},
    {"trailing dot segment", "example.com/a/.", "example.com/a/"},
    {"trailing parent", "example.com/a/b/..", "example.com/a/"},
    {"above the root", "example.com/../../a", "example.com/a"},
    {"encoded dots", "example.com/a/%2e%2E/b", "example.com/b"},
    {"encoded slashes", "example.com/a%2f..%2fb", "example.com/b"},
    {"twice encoded", "example.com/a/%252e%252e/b", "example.com/b"},
    {"three dots are a name", "example.com/a/.../b", "example.com/a/.../b"},
    {"names that begin with dots", "example.com/.a/..b/c.", "example.com/.a/..b/c."},
    {"runs of slashes", "example.com///a////b//", "example.com/a/b/"},
    {"parent after a run", "example.com/a//../b", "example.com/b"},
    {"backslashes", "example.com/a\\b%5Cc", "example.com/a/b/c"},
    {"backslash parents", "example.com\\a\\..\\b", "example.com/b"},
    {"case is kept", "example.com/AbC", "example.com/AbC"},
    {"encoded letters", "example.com/%61%62%43", "example.com/abC"},
    {"hex digits in lower case", "example.com/%c3%a9", "example.com/%C3%A9"},
    {"raw UTF-8", "example.com/\xC3\xA9", "example.com/%C3%A9"},
    {"encoded question mark is no query", "example.com/a%3Fb", "example.com/a%3Fb"},
    {"the same, twice encoded, with query", "example.com/a%253fb?c", "example.com/a%3Fb?c"},
    {"space and controls", "example.com/a b\x01\x7F", "example.com/a%20b%01%7F"},
    {"encoded TAB stays", "example.com/a%09b", "example.com/a%09b"},
    {"escape split by a line end", "example.com/%6\r\n1", "example.com/a"},
    {"escape out of escapes", "example.com/%%36%31", "example.com/a"},
    {"incomplete escape", "example.com/a%2", "example.com/a%252"},
    {"no escape", "example.com/%zz%g1", "example.com/%25zz%25g1"},
    {"query is not resolved", "example.com/a?b/../c//d\\e", "example.com/a?b/../c//d\\e"},
    {"query is decoded and encoded", "example.com/a?%62%3d%2523%20%c3", "example.com/a?b=%23%20%C3"},
    {"query keeps order and plus", "example.com/?z=1&a=2+3&z=1", "example.com/?z=1&a=2+3&z=1"},
    {"query without path", "example.com?a=b", "example.com/?a=b"},
    {"empty query before a fragment", "example.com/a?#b", "example.com/a"},
    {"question mark in a fragment", "example.com/a#b?c", "example.com/a"},
};

class UrlCases : public UrlTest, public testing::WithParamInterface<UrlCase> {};

TEST_P(UrlCases, Canonical) { EXPECT_EQ(canonical(GetParam().input), GetParam().expected); }

TEST_P(UrlCases, FixedPoint) {
  const std::string once = canonical(GetParam().input);
  if (once.front() == '!') return;
  // Without a scheme port 80 counts as none, so a port 80 that counts needs another scheme.
  const std::string again = url_->port() == 80 ? "https://" + once : once;
  EXPECT_EQ(canonical(again), once);
}

INSTANTIATE_TEST_SUITE_P(Scheme, UrlCases, testing::ValuesIn(kSchemeCases));
INSTANTIATE_TEST_SUITE_P(Authority, UrlCases, testing::ValuesIn(kAuthorityCases));
INSTANTIATE_TEST_SUITE_P(Address, UrlCases, testing::ValuesIn(kAddressCases));
INSTANTIATE_TEST_SUITE_P(Path, UrlCases, testing::ValuesIn(kPathCases));

struct RequestCase {
  std::string_view description;
  std::string_view authority;
  std::string_view target;
  std::string_view expected;
};

std::ostream& operator<<(std::ostream& out, const RequestCase& value) { return out << value.description; }

constexpr RequestCase kRequestCases[] = {
    {"plain", "example.com", "/a/b?c=d", "example.com/a/b?c=d"},
    {"name alone", "example.com", "", "example.com/"},
    {"mixed case, trailing dot, default port", "WWW.Example.COM.:80", "/", "www.example.com/"},
    {"spaces around", "  example.com   ", "/a", "example.com/a"},
    {"TAB around", "\texample.com\t", "/a", "example.com/a"},
    {"folded value", "exam\r\n ple.com", "/", "exam%20ple.com/"},
    {"folded before the value", "\r\n\t example.com", "/", "example.com/"},
    {"folded by TAB", "example\r\n\t.com", "/", "example.com/"},
    {"port", "example.com:8080", "/a", "example.com:8080/a"},
    {"port of https", "example.com:443", "", "example.com:443/"},
    {"empty port", "example.com:", "/a", "example.com/a"},
    {"junk port", "example.com:junk", "/a", "example.com/a"},
    {"port out of range", "example.com:65536", "/a", "example.com/a"},
    {"two ports", "example.com:81:82", "/a", "example.com/a"},
    {"space before the port", "example.com :80", "/a", "example.com%20/a"},
    {"user info", "user:secret@example.com:81", "/a", "example.com:81/a"},
    {"path after the host", "example.com/x", "/a", "example.com/a"},
    {"query after the host", "example.com?x", "/a", "example.com/a"},
    {"space before a path after the host", "example.com /x", "/a", "example.com/a"},
    {"encoded host", "%65xample.com", "/a", "example.com/a"},
    {"IPv4", "192.0.2.1:80", "/a", "192.0.2.1/a"},
    {"IPv6", "[2001:DB8::1]:80", "/a", "[2001:db8::1]/a"},
    {"IPv6 without brackets", "2001:db8::1", "/a", "[2001:db8::1]/a"},
    {"target without slash", "example.com", "a/b", "example.com/a/b"},
    {"target with query alone", "example.com", "?a=b", "example.com/?a=b"},
    {"asterisk target", "example.com", "*", "example.com/*"},
    {"target with fragment", "example.com", "/a#b?c", "example.com/a"},
    {"target with two slashes is a path", "example.com", "//b.example/a", "example.com/b.example/a"},
    {"target with TAB", "example.com", "/a\tb", "example.com/ab"},
    {"empty authority", "", "/a", "!empty_host"},
    {"port alone", ":80", "/a", "!empty_host"},
    {"broken address", "[2001:db8::1", "/a", "!bad_address"},
};

class RequestCases : public UrlTest, public testing::WithParamInterface<RequestCase> {};

TEST_P(RequestCases, Canonical) {
  EXPECT_EQ(canonical_request(GetParam().authority, GetParam().target), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(Request, RequestCases, testing::ValuesIn(kRequestCases));

struct PortCase {
  std::string_view description;
  std::string_view input;
  std::optional<std::uint16_t> written;
  std::optional<std::uint16_t> effective;
};

TEST_F(UrlTest, KeepsTheWrittenPortAndTheEffectiveOne) {
  const PortCase cases[] = {
      {"none", "http://example.com/", std::nullopt, std::nullopt},
      {"default", "http://example.com:80/", 80, std::nullopt},
      {"other", "http://example.com:81/", 81, 81},
      {"junk, lenient", "http://example.com:junk/", std::nullopt, std::nullopt},
  };
  for (const PortCase& port : cases) {
    ASSERT_EQ(url_->assign_url(port.input, PortPolicy::lenient), UrlError::none) << port.description;
    EXPECT_EQ(url_->written_port(), port.written) << port.description;
    EXPECT_EQ(url_->port(), port.effective) << port.description;
  }
}

TEST_F(UrlTest, KnowsAddresses) {
  for (const std::string_view address : {"192.0.2.1", "0xc0000201", "[2001:db8::1]", "2001:db8::1"}) {
    ASSERT_EQ(url_->assign_request(address, ""), UrlError::none);
    EXPECT_TRUE(url_->host_is_address()) << address;
  }
  for (const std::string_view name : {"example.com", "192.0.2.256", "1.2.3.4.5", "a.192.0.2.1"}) {
    ASSERT_EQ(url_->assign_request(name, ""), UrlError::none);
    EXPECT_FALSE(url_->host_is_address()) << name;
  }
}

TEST_F(UrlTest, TellsWhetherTheHostWasWrittenAlone) {
  for (const std::string_view text :
       {"example.com", "example.com/", "http://example.com", "https:\\\\example.com\\", " u@example.com:81/ ",
        "//example.com/", "\texample.com/\r\n", "[2001:db8::1]/"}) {
    ASSERT_EQ(url_->assign_url(text, PortPolicy::strict), UrlError::none);
    EXPECT_TRUE(url_->names_host_alone()) << text;
  }
  for (const std::string_view text :
       {"example.com#", "example.com/#", "example.com/#a", "example.com?", "example.com/?", "example.com//",
        "example.com/.", "example.com/a/..", "example.com/%2F", "example.com/a", "example.com/?a"}) {
    ASSERT_EQ(url_->assign_url(text, PortPolicy::strict), UrlError::none);
    EXPECT_FALSE(url_->names_host_alone()) << text;
  }
}

TEST_F(UrlTest, TextIsHostPathAndQuery) {
  ASSERT_EQ(url_->assign_url("http://Example.com:81/a/../b?c", PortPolicy::strict), UrlError::none);
  EXPECT_EQ(url_->text(), "example.com/b?c");
  ASSERT_EQ(url_->assign_url("http://example.com?", PortPolicy::strict), UrlError::none);
  EXPECT_EQ(url_->text(), "example.com/");
}

TEST_F(UrlTest, NothingRemainsOfAnEarlierInput) {
  ASSERT_EQ(url_->assign_url("http://192.0.2.1:81/a?b", PortPolicy::strict), UrlError::none);
  ASSERT_EQ(url_->assign_url("http://example.com:junk/a", PortPolicy::strict), UrlError::bad_port);
  EXPECT_EQ(url_->text(), "");
  EXPECT_EQ(url_->host(), "");
  EXPECT_EQ(url_->path(), "");
  EXPECT_FALSE(url_->has_query());
  EXPECT_FALSE(url_->written_port());
  EXPECT_FALSE(url_->port());
  EXPECT_FALSE(url_->host_is_address());
}

TEST_F(UrlTest, HostsHaveALimit) {
  const std::string longest(kMaxHostBytes, 'a');
  EXPECT_EQ(canonical(longest + "/"), longest + "/");
  EXPECT_EQ(canonical("..." + longest + "....:81/"), longest + ":81/");
  EXPECT_EQ(canonical(longest + "b/"), "!host_too_long");
  EXPECT_EQ(canonical(longest + ".b/"), "!host_too_long");
  const std::string high(kMaxHostBytes, '\xFF');
  ASSERT_EQ(url_->assign_request(high, "/"), UrlError::none);
  EXPECT_EQ(url_->host().size(), kMaxCanonicalHostBytes);
  EXPECT_EQ(canonical_request(std::string(kMaxUrlBytes, '.'), "/"), "!empty_host");
}

TEST_F(UrlTest, InputsHaveALimit) {
  const std::string host = "example.com/";
  const std::string fits = host + std::string(kMaxUrlBytes - host.size(), '\xFF');
  ASSERT_EQ(url_->assign_url(fits, PortPolicy::strict), UrlError::none);
  EXPECT_EQ(url_->path().size(), 1 + 3 * (kMaxUrlBytes - host.size()));
  EXPECT_EQ(canonical(fits + "a"), "!too_long");
  EXPECT_EQ(canonical_request("example.com", std::string(kMaxUrlBytes + 1, 'a')), "!too_long");
  EXPECT_EQ(canonical_request(std::string(kMaxUrlBytes + 1, 'a'), "/"), "!too_long");
  const std::string widest_host(kMaxHostBytes, '\xFF');
  const std::string widest_query = "?" + std::string(kMaxUrlBytes - 1, '\xFF');
  ASSERT_EQ(url_->assign_request(widest_host, widest_query), UrlError::none);
  EXPECT_EQ(url_->query().size(), 3 * (kMaxUrlBytes - 1));
  ASSERT_EQ(url_->assign_request(widest_host, std::string(kMaxUrlBytes, '\xFF')), UrlError::none);
  EXPECT_EQ(url_->path().size(), 1 + 3 * kMaxUrlBytes);
}

// Decoding pass by pass would take 20000 passes here. Each input is read a hundred times, which only a linear
// method finishes in the time of a test.
TEST_F(UrlTest, DeepNestingIsDecodedInOnePass) {
  std::string percents = "example.com/%";
  while (percents.size() + 2 < kMaxUrlBytes) percents += "25";
  std::string parents = "example.com/";
  while (parents.size() + 10 < kMaxUrlBytes) parents += "a/b/../..//";
  std::string escapes = "example.com/";
  for (std::size_t i = 0; i < 10000; ++i) escapes += "%25";
  for (std::size_t i = 0; i < 10000; ++i) escapes += "32";
  std::string host = "http://%";
  while (host.size() + 2 < kMaxUrlBytes) host += "25";
  std::string query = "example.com/?%";
  while (query.size() + 2 < kMaxUrlBytes) query += "25";
  for (int round = 0; round < 100; ++round) {
    EXPECT_EQ(canonical(percents), "example.com/%25");
    EXPECT_EQ(canonical(parents + "x"), "example.com/x");
    EXPECT_EQ(url_->assign_url(escapes, PortPolicy::strict), UrlError::none);
    EXPECT_EQ(canonical(host), "%25/");
    EXPECT_EQ(canonical(query), "example.com/?%25");
  }
}

// A request that is already canonical takes a short cut. With a TAB, which is removed, the same request does
// not.
TEST_F(UrlTest, RequestsWithAndWithoutATabAreTheSame) {
  constexpr std::string_view kHostAlphabet = "aaazz09.-_A:%";
  constexpr std::string_view kTargetAlphabet = "//ab..~?%2e\\#;=@ ";
  std::mt19937 random(1);
  const auto text = [&random](std::string_view alphabet, std::size_t most) {
    std::string out(random() % most, '\0');
    for (char& c : out) c = alphabet[random() % alphabet.size()];
    return out;
  };
  std::size_t as_they_stand = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string host = text(kHostAlphabet, 8);
    const std::string target = (random() % 8 == 0 ? "" : "/") + text(kTargetAlphabet, 10);
    const std::string once = canonical_request(host, target);
    ASSERT_EQ(once, canonical_request("\t" + host, "\t" + target)) << host << ' ' << target;
    if (once == host + target) ++as_they_stand;
  }
  EXPECT_GT(as_they_stand, 1000U);
  const std::string longest = std::string(255, 'a');
  for (const std::string& host : {longest, longest + "a", longest + ".", "." + longest}) {
    EXPECT_EQ(canonical_request(host, "/"), canonical_request("\t" + host, "/")) << host;
  }
}

// The result read again is the same, by both ways of reading.
TEST_F(UrlTest, RandomInputsReachAFixedPoint) {
  const std::vector<std::string_view> pieces = {
      "%",  "25", "%2e", "%2F",  ".",  "..", "/",    "//", "\\", "?",   "#", ":",    "@",       "[",
      "]",  "::", "80",  "443",  "0x", "1",  "http", "a",  "Z",  "\t",  " ", "\xC3", "https",   "%3F",
      "\r", "\n", "%5b", "1.2.", "%0", "%4", "0",    "*",  "~",  "%40", "&", "=",    "example", "com"};
  std::mt19937 random(20260102);
  std::size_t good = 0;
  for (int i = 0; i < 100000; ++i) {
    std::string input;
    const auto count = random() % 14;
    for (std::size_t k = 0; k < count; ++k) input += pieces[random() % pieces.size()];
    const std::string once = canonical(input, PortPolicy::lenient);
    if (once.front() == '!') continue;
    ++good;
    const bool address = url_->host_is_address();
    const std::string target(url_->text().substr(url_->host().size()));
    const std::string authority =
        std::string(url_->host()) + (url_->port() ? ":" + std::to_string(*url_->port()) : "");
    const std::string scheme = url_->port() == 80 ? "https://" : "";
    ASSERT_EQ(canonical(scheme + once), once) << testing::PrintToString(input);
    ASSERT_EQ(url_->host_is_address(), address) << testing::PrintToString(input);
    if (url_->port() == 80) continue;
    ASSERT_EQ(canonical_request(authority, target), once) << testing::PrintToString(input);
  }
  EXPECT_GT(good, 30000U);
}

}  // namespace
}  // namespace weir::proto
