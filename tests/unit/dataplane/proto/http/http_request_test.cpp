#include "dataplane/proto/http/http_request.h"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/bytes.h"
#include "tests/support/http_text.h"

namespace weir::proto {
namespace {

using base::ParseStatus;
using ::testing::ElementsAre;

std::vector<std::string> hosts_of(const HttpRequest& request) {
  return {request.hosts.begin(), request.hosts.begin() + request.host_count};
}

// The parser gets a heap copy of exactly these bytes, so that the address sanitizer detects a read beyond
// them.
struct Parsed {
  explicit Parsed(std::string_view text) : bytes(test::to_bytes(text)), parse(parse_http_request(bytes)) {}
  test::Bytes bytes;
  HttpParse parse;
};

struct Row {
  std::string description;
  std::string text;
  std::string method = "GET";
  std::string target = "/a";
  std::vector<std::string> hosts = {"www.example.com"};
};

void expect_found(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.description);
    const Parsed parsed(row.text);
    const HttpRequest& request = parsed.parse.request;
    EXPECT_EQ(to_string(parsed.parse.status), "found");
    EXPECT_EQ(request.method, row.method);
    EXPECT_EQ(request.target, row.target);
    EXPECT_EQ(hosts_of(request), row.hosts);
    EXPECT_EQ(request.head_bytes, row.text.size());
  }
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST(HttpRequest, RequestLines) {
  const std::string host = "Host: www.example.com\r\n\r\n";
  expect_found({
      {"plain", "GET /a HTTP/1.1\r\n" + host},
      {"any token is a method", "x-Fetch!#$%&'*+.^_`|~9 /a HTTP/1.1\r\n" + host, "x-Fetch!#$%&'*+.^_`|~9"},
      {"blanks after the method", "GET   /a HTTP/1.1\r\n" + host},
      {"a tab after the method", "GET\t/a HTTP/1.1\r\n" + host},
      {"blanks before the version", "GET /a  \t HTTP/1.1\r\n" + host},
      {"blanks after the version", "GET /a HTTP/1.1   \r\n" + host},
      {"form feed, vertical tab, bare CR between", "GET\f/a\vHTTP/1.1\r\r\n" + host},
      {"the control bytes that Python splits at", "GET\x1c/a\x1f\x1eHTTP/1.1\x1d\r\n" + host},
      {"leading CRLF", "\r\n\r\nGET /a HTTP/1.1\r\n" + host},
      {"leading LF", "\n\nGET /a HTTP/1.1\r\n" + host},
      {"2000 leading CRLF", repeated("\r\n", 2000) + "GET /a HTTP/1.1\r\n" + host},
      {"leading blanks", " \t GET /a HTTP/1.1\r\n" + host},
      {"bare LF everywhere", "GET /a HTTP/1.1\nHost: www.example.com\n\n"},
      {"HTTP/1.0", "GET /a HTTP/1.0\r\n" + host},
      {"HTTP/1.2", "GET /a HTTP/1.2\r\n" + host},
      {"HTTP/1.10", "GET /a HTTP/1.10\r\n" + host},
      {"a version in lower case", "GET /a http/1.1\r\n" + host},
      {"a version of junk", "GET /a HTTP/x\r\n" + host},
      {"junk after the version", "GET /a HTTP/1.1 junk\r\n" + host},
      {"blanks inside the target", "GET /a b  c HTTP/1.1\r\n" + host, "GET", "/a b  c"},
      {"a version inside the target", "GET /a HTTP/9 b HTTP/1.1\r\n" + host, "GET", "/a HTTP/9 b"},
      {"a target that looks like a version", "GET /HTTP/1.1 HTTP/1.1\r\n" + host, "GET", "/HTTP/1.1"},
      {"bytes above 0x7f", "GET /\xc3\xa4\xff HTTP/1.1\r\n" + host, "GET", "/\xc3\xa4\xff"},
      {"control characters inside the target", "GET /\x01\x7f HTTP/1.1\r\n" + host, "GET", "/\x01\x7f"},
      {"absolute form", "GET http://b.example:80/a HTTP/1.1\r\n" + host, "GET", "http://b.example:80/a"},
      {"authority form", "CONNECT b.example:443 HTTP/1.1\r\n" + host, "CONNECT", "b.example:443"},
      {"asterisk form", "OPTIONS * HTTP/1.1\r\n" + host, "OPTIONS", "*"},
      {"no target", "GET HTTP/1.1\r\n" + host, "GET", ""},
      {"a target without a slash", "GET a HTTP/1.1\r\n" + host, "GET", "a"},
      {"a target of 60000 bytes", "GET /" + std::string(60000, 'a') + " HTTP/1.1\r\n" + host, "GET",
       "/" + std::string(60000, 'a')},
      {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\n", "PRI", "*", {}},
  });
}

TEST(HttpRequest, HostHeaders) {
  const auto with = [](std::string_view headers) {
    return "GET /a HTTP/1.1\r\n" + std::string(headers) + "\r\n";
  };
  const std::string other = "X-Header: something that is longer than nothing\r\n";
  expect_found({
      {"none", with("Accept: */*\r\n"), "GET", "/a", {}},
      {"no header at all", with(""), "GET", "/a", {}},
      {"mixed case", with("hoSt: www.example.com\r\n")},
      {"no blank", with("Host:www.example.com\r\n")},
      {"a tab", with("Host:\twww.example.com\r\n")},
      {"1413 blanks", with("Host:" + std::string(1413, ' ') + "www.example.com\r\n")},
      {"trailing blanks", with("Host: www.example.com \t \r\n")},
      {"two CR", with("Host: www.example.com\r\r\n")},
      {"a blank before the colon", with("Host : www.example.com\r\n")},
      {"a blank before the name of the first header", with(" Host: www.example.com\r\n")},
      {"folded value", with("Host:\r\n www.example.com\r\n")},
      {"odd bytes around the name", with("\x01Host\x7f\x85\xa0: www.example.com\r\n")},
      {"after a bare CR", with("X: y\rHost: www.example.com\r\n")},
      {"after two bare CR", with("X: y\rZ\rHost: www.example.com\r\n")},
      {"a bare CR in the value", with("Host: www.example.com\rx\r\n"), "GET", "/a", {"www.example.com\rx"}},
      {"folded twice, with bare LF", with("Host:\n\t\n  www.example.com\r\n")},
      {"folded inside the value",
       with("Host: www.\r\n\texample.com\r\n"),
       "GET",
       "/a",
       {"www.\r\n\texample.com"}},
      {"a folded line of another header is not a header",
       with("X: y\r\n Host: b.example\r\n"),
       "GET",
       "/a",
       {}},
      {"port and dot stay", with("Host: Example.Com.:80\r\n"), "GET", "/a", {"Example.Com.:80"}},
      {"junk port stays", with("Host: example.com:x\r\n"), "GET", "/a", {"example.com:x"}},
      {"an empty one is none", with("Host:\r\n"), "GET", "/a", {}},
      {"an empty one folded is none", with("Host: \r\n \r\n"), "GET", "/a", {}},
      {"an empty one before another", with("Host: \r\nHost: www.example.com\r\n")},
      {"two",
       with("Host: a.example\r\n" + other + "Host: b.example\r\n"),
       "GET",
       "/a",
       {"a.example", "b.example"}},
      {"nine: eight are kept", with(repeated("Host: a.example\r\n", 9)), "GET", "/a",
       std::vector<std::string>(8, "a.example")},
      {"last of many", with(repeated(other, 95) + "Host: www.example.com\r\n")},
      {"after a garbage line", with("garbage\r\nHost: www.example.com\r\n")},
      {"after a line of binary", with(std::string("\x00\xff\x01:\x02\r\n", 7) + "Host: www.example.com\r\n")},
      {"after 24 KiB of headers", with("X: " + std::string(24576, 'x') + "\r\nHost: www.example.com\r\n")},
      {"names that only contain it",
       with("X-Host: b.example\r\nHosts: b.example\r\nHos: b.example\r\n"),
       "GET",
       "/a",
       {}},
      {"X-Forwarded-Host is another header",
       with("X-Forwarded-Host: b.example\r\nHost: www.example.com\r\n")},
      {"colons in the value", with("Host: [2001:db8::1]:80\r\n"), "GET", "/a", {"[2001:db8::1]:80"}},
      {"a line of blanks does not end the head", with("X: y\r\n \r\nHost: www.example.com\r\n")},
      {"a line of two CR does not end the head", with("X: y\r\n\r\r\nHost: www.example.com\r\n")},
  });
}

TEST(HttpRequest, MoreHostHeadersThanAreKept) {
  const std::string first = "GET /a HTTP/1.1\r\n" + repeated("Host: a.example\r\n", kMaxHostHeaders);
  struct Case {
    const char* description;
    std::string headers;
    std::vector<std::string> hosts;
  };
  const Case rows[] = {
      {"none", "X: y\r\n", {}},
      {"two, and others between them",
       "Host: b.example\r\nX: y\r\nhost : c.example\r\n",
       {"b.example", "c.example"}},
      {"bare LF", "Host: b.example\nHost: c.example\n", {"b.example", "c.example"}},
      {"folded", "Host:\r\n b.example\r\nHost: c.example\r\n", {"b.example", "c.example"}},
      {"after a bare CR", "X: y\rHost: b.example\r\nX: y\rHost: c.example\r\n", {"b.example", "c.example"}},
      {"empty ones", "Host:\r\nHost: \r\nHost: b.example\r\n", {"b.example"}},
  };
  for (const Case& row : rows) {
    SCOPED_TRACE(row.description);
    const Parsed parsed(first + row.headers + "\r\nHost: other.example\r\n");
    EXPECT_EQ(parsed.parse.request.host_count, kMaxHostHeaders);
    std::vector<std::string> hosts;
    std::string_view headers = parsed.parse.request.more_headers;
    for (std::string_view host; next_host(headers, host);) hosts.emplace_back(host);
    EXPECT_EQ(hosts, row.hosts);
  }
}

TEST(HttpRequest, ABareCrAtTheBeginOfALineMayEndTheHead) {
  const std::string first = "GET /a HTTP/1.1\r\nHost: a.example\r\n\r";
  EXPECT_EQ(Parsed(first).parse.request.doubtful_end, 0U);
  EXPECT_EQ(Parsed(first + "\n").parse.request.doubtful_end, 0U);
  const Parsed going_on(first + "GET /b");
  EXPECT_EQ(to_string(going_on.parse.status), "need_more");
  EXPECT_EQ(going_on.parse.request.doubtful_end, first.size());
  const Parsed whole(first + "GET /b HTTP/1.1\r\nHost: b.example\r\n\r\n");
  EXPECT_EQ(to_string(whole.parse.status), "found");
  EXPECT_EQ(whole.parse.request.doubtful_end, first.size());
  EXPECT_EQ(whole.parse.request.framing, BodyFraming::ambiguous);
  EXPECT_THAT(hosts_of(whole.parse.request), ElementsAre("a.example", "b.example"));
}

TEST(HttpRequest, TheHeadEndsAtTheEmptyLine) {
  const std::string first = "\r\nGET /a HTTP/1.1\r\nHost: a.example\r\n\r\n";
  for (const std::string_view after :
       {"GET /b HTTP/1.1\r\nHost: b.example\r\n\r\n", "Host: b.example\r\n", "\n"}) {
    const Parsed parsed(first + std::string(after));
    EXPECT_EQ(to_string(parsed.parse.status), "found");
    EXPECT_EQ(parsed.parse.request.head_bytes, first.size());
    EXPECT_THAT(hosts_of(parsed.parse.request), ElementsAre("a.example"));
  }
}

TEST(HttpRequest, Http09) {
  struct Case {
    const char* description;
    std::string text;
    std::string target;
    std::vector<std::string> hosts;
    std::size_t doubtful_end;
    std::size_t head_bytes;
    std::string_view status = "need_more";
  };
  const Case rows[] = {
      {"path", "GET /a\r\n", "/a", {}, 8, 8},
      {"bare LF", "GET /a\n", "/a", {}, 7, 7},
      {"trailing blanks", "GET  /a \r\n", "/a", {}, 10, 10},
      {"absolute form", "GET HTTP://a.example/b\r\n", "HTTP://a.example/b", {}, 24, 24},
      {"absolute form of any scheme", "GET x+y://a.example/b\r\n", "x+y://a.example/b", {}, 23, 23},
      {"another version",
       "GET /a RTSP/1.0\r\nHost: a.example\r\n\r\n",
       "/a RTSP/1.0",
       {"a.example"},
       17,
       36,
       "found"},
      {"headers that some servers read",
       "GET /a\r\nHost: a.example\r\n\r\nrest",
       "/a",
       {"a.example"},
       8,
       27,
       "found"},
      {"a header that is there, one that is not",
       "GET /a\r\nHost: a.example\r\nX:",
       "/a",
       {"a.example"},
       8,
       25},
      {"a line that can be no header",
       "GET /a\r\nX: y\r\nGET /b HTTP/1.1\r\nHost: a.example\r\n",
       "/a",
       {},
       8,
       14,
       "found"},
      {"a URL is no header", "GET /a\r\nGET http://b.example/ HTTP/1.1\r\n", "/a", {}, 8, 8, "found"},
  };
  for (const Case& row : rows) {
    SCOPED_TRACE(row.description);
    const Parsed parsed(row.text);
    EXPECT_EQ(to_string(parsed.parse.status), row.status);
    EXPECT_EQ(parsed.parse.request.target, row.target);
    EXPECT_EQ(parsed.parse.request.version, "");
    EXPECT_EQ(parsed.parse.request.doubtful_end, row.doubtful_end);
    EXPECT_EQ(hosts_of(parsed.parse.request), row.hosts);
    EXPECT_EQ(parsed.parse.request.head_bytes, row.head_bytes);
  }
}

TEST(HttpRequest, WhatIsNoRequest) {
  struct Case {
    const char* description;
    std::string text;
    ParseStatus status;
  };
  const Case rows[] = {
      {"nothing", "", ParseStatus::need_more},
      {"line ends alone", "\r\n\r\n\n", ParseStatus::need_more},
      {"blanks alone", "  \t", ParseStatus::need_more},
      {"a method so far", "GET", ParseStatus::need_more},
      {"a word that could become a method", "EHLO", ParseStatus::need_more},
      {"a line that could get a version", "EHLO mail.example", ParseStatus::need_more},
      {"a target so far", "GET /a", ParseStatus::need_more},
      {"a request line alone", "GET /a HTTP/1.1\r\n", ParseStatus::need_more},
      {"no empty line", "GET /a HTTP/1.1\r\nHost: a.example\r\n", ParseStatus::need_more},
      {"half an empty line", "GET /a HTTP/1.1\r\nHost: a.example\r\n\r", ParseStatus::need_more},
      {"a response", "HTTP/1.1 200 OK\r\n\r\n", ParseStatus::absent},
      {"SMTP", "EHLO mail.example\r\n", ParseStatus::absent},
      {"FTP", "USER anonymous\r\n", ParseStatus::absent},
      {"SSH", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", ParseStatus::absent},
      {"SSH without comment", "SSH-2.0-OpenSSH_9.2p1\r\n", ParseStatus::absent},
      {"SIP", "INVITE sip:a@b.example SIP/2.0\r\n\r\n", ParseStatus::absent},
      {"RTSP", "DESCRIBE rtsp://a.example/b RTSP/1.0\r\n\r\n", ParseStatus::absent},
      {"a TLS record", "\x16\x03\x01", ParseStatus::absent},
      {"BitTorrent",
       "\x13"
       "BitTorrent protocol",
       ParseStatus::absent},
      {"a byte above 0x7f", "\xff", ParseStatus::absent},
      {"a byte that no token has", "G@T", ParseStatus::absent},
      {"NUL", std::string(1, '\0'), ParseStatus::absent},
      {"NUL inside the line", std::string("GET /a\0b HTTP/1.1\r\n\r\n", 21), ParseStatus::absent},
      {"NUL in an unfinished line", std::string("GET /a\0", 7), ParseStatus::absent},
      {"a control character where the target begins", "GET \x01", ParseStatus::absent},
      {"a method alone", "GET\r\n", ParseStatus::absent},
  };
  for (const Case& row : rows) {
    SCOPED_TRACE(row.description);
    EXPECT_EQ(to_string(Parsed(row.text).parse.status), to_string(row.status));
  }
}

// At every cut of a request the status is need_more.
TEST(HttpRequest, EveryPrefixNeedsMore) {
  const std::string text =
      "\r\nPOST  /a\tHTTP/1.1 \r\nX: y\r\n folded\r\nHost:\r\n www.example.com\r\nContent-Length: 5\r\n\r\n";
  for (std::size_t size = 0; size < text.size(); ++size) {
    ASSERT_EQ(to_string(Parsed(text.substr(0, size)).parse.status), "need_more") << text.substr(0, size);
  }
  EXPECT_EQ(to_string(Parsed(text).parse.status), "found");
}

struct FramingRow {
  const char* description;
  std::string headers;
  BodyFraming framing;
  std::uint64_t content_length = 0;
  std::string version = "HTTP/1.1";
};

TEST(HttpRequest, BodyFraming) {
  const FramingRow rows[] = {
      {"none", "", BodyFraming::none},
      {"length", "Content-Length: 12\r\n", BodyFraming::content_length, 12},
      {"length of zero", "content-length:0\r\n", BodyFraming::content_length, 0},
      {"leading zeroes", "Content-Length: 0012\r\n", BodyFraming::content_length, 12},
      {"the largest length", "Content-Length: 9223372036854775807\r\n", BodyFraming::content_length,
       9223372036854775807U},
      {"the same length twice", "Content-Length: 12\r\nContent-Length: 12\r\n", BodyFraming::content_length,
       12},
      {"chunked", "Transfer-Encoding: chunked\r\n", BodyFraming::chunked},
      {"chunked in any case", "transfer-encoding:  ChunKED \r\n", BodyFraming::chunked},
      {"length in HTTP/1.0", "Content-Length: 12\r\n", BodyFraming::content_length, 12, "HTTP/1.0"},
      {"both", "Content-Length: 12\r\nTransfer-Encoding: chunked\r\n", BodyFraming::ambiguous},
      {"both, the other way", "Transfer-Encoding: chunked\r\nContent-Length: 12\r\n", BodyFraming::ambiguous},
      {"two lengths", "Content-Length: 12\r\nContent-Length: 13\r\n", BodyFraming::ambiguous},
      {"a list of lengths", "Content-Length: 12, 12\r\n", BodyFraming::ambiguous},
      {"no length", "Content-Length:\r\n", BodyFraming::ambiguous},
      {"sign", "Content-Length: +12\r\n", BodyFraming::ambiguous},
      {"hexadecimal", "Content-Length: 0x12\r\n", BodyFraming::ambiguous},
      {"a blank inside", "Content-Length: 1 2\r\n", BodyFraming::ambiguous},
      {"folded inside", "Content-Length: 1\r\n 2\r\n", BodyFraming::ambiguous},
      {"too large by one", "Content-Length: 9223372036854775808\r\n", BodyFraming::ambiguous},
      {"minus one in 64 bits", "Content-Length: 18446744073709551615\r\n", BodyFraming::ambiguous},
      {"much too large", "Content-Length: " + std::string(40, '9') + "\r\n", BodyFraming::ambiguous},
      {"readable, then unreadable", "Content-Length: 12\r\nContent-Length: x\r\n", BodyFraming::ambiguous},
      {"unreadable, then readable", "Content-Length: x\r\nContent-Length: 0\r\n", BodyFraming::ambiguous},
      {"another coding", "Transfer-Encoding: gzip\r\n", BodyFraming::ambiguous},
      {"a list of codings", "Transfer-Encoding: gzip, chunked\r\n", BodyFraming::ambiguous},
      {"junk before", "Transfer-Encoding: xchunked\r\n", BodyFraming::ambiguous},
      {"chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
       BodyFraming::ambiguous},
      {"no coding", "Transfer-Encoding:\r\n", BodyFraming::ambiguous},
      {"a blank before the colon", "Transfer-Encoding : chunked\r\n", BodyFraming::ambiguous},
      {"a blank before the colon of a length", "Content-Length : 12\r\n", BodyFraming::ambiguous},
      {"odd bytes after the name", "Content-Length\xa0: 12\r\n", BodyFraming::ambiguous},
      {"after a bare LF", "X: y\nContent-Length: 12\r\n", BodyFraming::ambiguous},
      {"before a bare LF", "Transfer-Encoding: chunked\nX: y\r\n", BodyFraming::ambiguous},
      {"after a bare CR", "X: y\rContent-Length: 12\r\n", BodyFraming::ambiguous},
      {"no body, a bare LF", "X: y\nZ: z\r\n", BodyFraming::none},
      {"chunked in HTTP/1.0", "Transfer-Encoding: chunked\r\n", BodyFraming::ambiguous, 0, "HTTP/1.0"},
      {"a body in HTTP/0.9", "Content-Length: 12\r\n", BodyFraming::ambiguous, 0, ""},
  };
  for (const FramingRow& row : rows) {
    SCOPED_TRACE(row.description);
    const Parsed parsed("POST /a " + row.version + "\r\nHost: a.example\r\n" + row.headers + "\r\n");
    EXPECT_EQ(to_string(parsed.parse.status), "found");
    EXPECT_EQ(static_cast<int>(parsed.parse.request.framing), static_cast<int>(row.framing));
    EXPECT_EQ(parsed.parse.request.content_length, row.content_length);
  }
}

TEST(HttpRequest, ReadsWhatTheTestBuilderWrites) {
  const Parsed parsed(test::http_request_text(
      {.method = "POST", .target = "/a", .headers = {{"Accept", "*/*"}}, .body = "hello"}));
  EXPECT_EQ(to_string(parsed.parse.status), "found");
  EXPECT_EQ(parsed.parse.request.version, "HTTP/1.1");
  EXPECT_THAT(hosts_of(parsed.parse.request), ElementsAre("www.example.com"));
  EXPECT_EQ(parsed.parse.request.content_length, 5U);
  EXPECT_EQ(parsed.parse.request.head_bytes + 5, parsed.bytes.size());
}

TEST(SplitHttpTarget, Forms) {
  struct Case {
    const char* description;
    std::string_view method;
    std::string_view target;
    bool has_authority;
    std::string_view authority;
    std::string_view path_and_query;
  };
  const Case rows[] = {
      {"origin", "GET", "/a?b#c", false, "", "/a?b#c"},
      {"origin with a URL in its query", "GET", "/a?u=http://b.example/", false, "",
       "/a?u=http://b.example/"},
      {"origin with two slashes", "GET", "//b.example/a", false, "", "//b.example/a"},
      {"asterisk", "OPTIONS", "*", false, "", ""},
      {"relative", "GET", "a", false, "", "a"},
      {"empty", "GET", "", false, "", ""},
      {"absolute", "GET", "http://a.example/b?c", true, "a.example", "/b?c"},
      {"absolute in any case with port", "GET", "HtTpS://A.Example:443/b", true, "A.Example:443", "/b"},
      {"absolute without a path", "GET", "http://a.example", true, "a.example", ""},
      {"absolute with a query alone", "GET", "http://a.example?b/c", true, "a.example", "?b/c"},
      {"absolute with a fragment alone", "GET", "http://a.example#b", true, "a.example", "#b"},
      {"user information", "GET", "http://b.example:x@y@a.example/c@d", true, "b.example:x@y@a.example",
       "/c@d"},
      {"an at sign in the path alone", "GET", "http://a.example/@b", true, "a.example", "/@b"},
      {"any scheme", "GET", "coap+x://a.example/b", true, "a.example", "/b"},
      {"empty authority", "GET", "http:///b", true, "", "/b"},
      {"a scheme of digits is a path", "GET", "1://a.example", false, "", "1://a.example"},
      {"CONNECT", "CONNECT", "a.example:443", true, "a.example:443", ""},
      {"CONNECT to an address", "CONNECT", "[2001:db8::1]:443", true, "[2001:db8::1]:443", ""},
      {"CONNECT with a path", "CONNECT", "a.example:443/b", true, "a.example:443", "/b"},
      {"CONNECT with a URL", "CONNECT", "http://a.example/b", true, "a.example", "/b"},
      {"CONNECT with an origin form", "CONNECT", "/b", false, "", "/b"},
      {"methods have a case", "connect", "a.example:443", false, "", "a.example:443"},
  };
  for (const Case& row : rows) {
    SCOPED_TRACE(row.description);
    HttpRequest request;
    request.method = row.method;
    request.target = row.target;
    const HttpTarget parts = split_http_target(request);
    EXPECT_EQ(parts.has_authority, row.has_authority);
    EXPECT_EQ(parts.authority, row.authority);
    EXPECT_EQ(parts.path_and_query, row.path_and_query);
  }
}

}  // namespace
}  // namespace weir::proto
