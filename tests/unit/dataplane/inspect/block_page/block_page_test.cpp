#include "dataplane/inspect/block_page/block_page.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/bytes.h"

namespace weir::inspect {
namespace {

std::string page_text(const BlockPage& page, bool head = false) {
  return std::string(test::to_text(page.response(head)));
}

const PageTexts kTexts{{.name = "operator", .text = "A & B <Networks>"},
                       {.name = "reason", .text = "It is on \"the\" list."},
                       {.name = "contact", .text = "Write to 'objections@isp.example'."}};

TEST(BlockPage, DefaultIsNeutralAndFitsOneSegment) {
  const auto page = BlockPage::make({.blocked_by = "https://operator.example/blocking"});
  ASSERT_TRUE(page) << page.error().message;
  const std::string text = page_text(page.value());
  EXPECT_LE(text.size(), 1220U);
  EXPECT_TRUE(text.starts_with("HTTP/1.1 451 Unavailable For Legal Reasons\r\n"));
  for (const char* line :
       {"\r\nLink: <https://operator.example/blocking>; rel=\"blocked-by\"\r\n",
        "\r\nContent-Type: text/html; charset=utf-8\r\n", "\r\nCache-Control: no-store\r\n",
        "\r\nConnection: close\r\n", "<!doctype html>", "</html>"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
  const std::string body = text.substr(text.find("\r\n\r\n") + 4);
  EXPECT_NE(text.find("\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"), std::string::npos);
  EXPECT_EQ(body.find("src="), std::string::npos) << "the page must not fetch anything";
  EXPECT_EQ(body.find("href="), std::string::npos) << "the page must not fetch anything";
}

TEST(BlockPage, AnswerToHeadIsTheHeadersOnly) {
  const auto page = BlockPage::make({.body = "<p>blocked"});
  ASSERT_TRUE(page);
  const std::string full = page_text(page.value());
  const std::string head = page_text(page.value(), true);
  EXPECT_EQ(full, head + "<p>blocked");
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  EXPECT_NE(head.find("Content-Length: 10\r\n"), std::string::npos);
}

TEST(BlockPage, StatusesAndTheirHeaders) {
  struct Case {
    BlockPage::Settings settings;
    std::string start;
  };
  const std::vector<Case> cases{
      {{.status = 451, .body = "x"}, "HTTP/1.1 451 Unavailable For Legal Reasons\r\nContent-Type:"},
      {{.status = 403, .body = "x", .blocked_by = "https://operator.example/"},
       "HTTP/1.1 403 Forbidden\r\nContent-Type:"},
      {{.status = 302, .body = "x", .redirect = "https://splash.example/a?b=c"},
       "HTTP/1.1 302 Found\r\nLocation: https://splash.example/a?b=c\r\nContent-Type:"},
  };
  for (const Case& test : cases) {
    const auto page = BlockPage::make(test.settings);
    ASSERT_TRUE(page) << test.start;
    EXPECT_TRUE(page_text(page.value()).starts_with(test.start)) << page_text(page.value());
  }
}

TEST(BlockPage, RefusesWhatWouldBreakTheResponse) {
  struct Case {
    std::string what;
    BlockPage::Settings settings;
    std::string message;  // part of it
  };
  const std::vector<Case> cases{
      {"another status", {.status = 200}, "expected 451, 403 or 302"},
      {"302 without a target", {.status = 302}, "needs a redirect"},
      {"a relative target", {.status = 302, .redirect = "/blocked"}, "http:// or https://"},
      {"a scheme that runs code", {.status = 302, .redirect = "javascript:alert(1)"}, "http:// or https://"},
      {"a redirect with 451", {.status = 451, .redirect = "https://splash.example/"}, "needs status 302"},
      {"a header in the redirect",
       {.status = 302, .redirect = "https://splash.example/\r\nSet-Cookie: a=b"},
       "redirect: has a character"},
      {"a blank in the redirect",
       {.status = 302, .redirect = "https://splash.example/a b"},
       "has a character"},
      {"a header in blocked_by", {.blocked_by = "https://operator.example/\nA: b"}, "blocked_by"},
      {"a second link in blocked_by", {.blocked_by = "https://a.example/>; rel=x, <b"}, "blocked_by"},
      {"no scheme in blocked_by", {.blocked_by = "operator.example/a:b"}, "blocked_by"},
      {"segments that are too small", {.segment_bytes = 215}, "expected 216 to 1460"},
      {"segments that are too large", {.segment_bytes = 1461}, "expected 216 to 1460"},
      {"an unknown variable",
       {.body = "<p>\n{{url}}", .body_name = "/etc/b.html"},
       "/etc/b.html:2: unknown variable 'url'"},
      {"a page that is too large", {.body = std::string(kMaxResponseBytes, 'x')}, "shorten the page"},
  };
  for (const Case& test : cases) {
    const auto page = BlockPage::make(test.settings);
    ASSERT_FALSE(page) << test.what;
    EXPECT_EQ(page.error().code, "block_page_invalid") << test.what;
    EXPECT_NE(page.error().message.find(test.message), std::string::npos) << page.error().message;
  }
}

TEST(BlockPage, ShowsTheTextsOfTheOperator) {
  const auto built_in = BlockPage::make({.texts = kTexts});
  const auto own = BlockPage::make(
      {.body = "<p>{{operator}}|{{ reason }}|\r\n{{\tcontact}}|{ {x}}{{reason}}</p>", .texts = kTexts});
  ASSERT_TRUE(built_in) << built_in.error().message;
  ASSERT_TRUE(own) << own.error().message;
  for (const char* shown : {"<dd>A &amp; B &lt;Networks&gt;</dd>", "<dd>It is on &quot;the&quot; list.</dd>",
                            "<dd>Write to &#39;objections@isp.example&#39;.</dd>"}) {
    EXPECT_NE(page_text(built_in.value()).find(shown), std::string::npos) << shown;
  }
  EXPECT_TRUE(page_text(own.value())
                  .ends_with("\r\n\r\n<p>A &amp; B &lt;Networks&gt;|It is on &quot;the&quot; list.|\r\n"
                             "Write to &#39;objections@isp.example&#39;.|{ {x}}"
                             "It is on &quot;the&quot; list.</p>"))
      << page_text(own.value());
  EXPECT_EQ(page_text(BlockPage::make({}).value()).find("{{"), std::string::npos);
}

TEST(FillPage, RefusalsNameTheLine) {
  struct Case {
    std::string what;
    std::string page;
    std::string message;
  };
  const std::vector<Case> cases{
      {"another variable", "a\nb\n{{host}}",
       "f:3: unknown variable 'host': expected operator, reason or contact (no page may carry the blocked "
       "address)"},
      {"no name", "{{}}", "f:1: unknown variable ''"},
      {"two names in one variable", "{{operator reason}}", "f:1: unknown variable 'operator reason'"},
      {"no end", "\n{{operator}", "f:2: '{{' without '}}' after it"},
      {"a text that is not set", "{{operator}}{{contact}}",
       "f:1: the page shows 'contact', but dataplane.block.http.contact is not set: set it"},
      {"a NUL", std::string("a\n\0b", 4), "f:2: byte 0x00 is not text"},
      {"a control character", "\x1b[0m", "f:1: byte 0x1b is not text"},
      {"Latin 1", "\n\nM\xfcller", "f:3: byte 0xfc is not text"},
      {"a character cut short", "\xe2\x82", "f:1: byte 0xe2 is not text"},
      {"an overlong form", "\xc0\xaf", "f:1: byte 0xc0 is not text"},
      {"an overlong form of three", "\xe0\x80\xaf", "f:1: byte 0xe0 is not text"},
      {"a surrogate", "\xed\xa0\x80", "f:1: byte 0xed is not text"},
      {"beyond Unicode", "\xf4\x90\x80\x80", "f:1: byte 0xf4 is not text"},
      {"a picture", "\xff\xd8\xff\xe0", "f:1: byte 0xff is not text"},
  };
  const PageTexts texts{
      {.name = "operator", .text = "x"}, {.name = "reason", .text = "y"}, {.name = "contact", .text = ""}};
  for (const Case& test : cases) {
    const auto filled = fill_page(test.page, texts, "f");
    ASSERT_FALSE(filled) << test.what;
    EXPECT_EQ(filled.error().code, "block_page_invalid") << test.what;
    EXPECT_EQ(filled.error().message.substr(0, test.message.size()), test.message) << test.what;
  }
}

TEST(FillPage, AcceptsEveryLanguage) {
  const std::string page =
      "M\xc3\xbcller \xe0\xa4\xa8 \xed\x9f\xbf \xef\xbf\xbd \xf0\x9f\x9a\xab \xf4\x8f\xbf\xbf\t\r\n";
  const auto filled = fill_page(page, {}, "f");
  ASSERT_TRUE(filled) << filled.error().message;
  EXPECT_EQ(filled.value(), page);
}

TEST(BlockPage, SegmentsFitTheClientsMss) {
  struct Case {
    std::string what;
    std::uint16_t setting;
    std::uint16_t client_mss;
    bool is_v6;
    std::size_t expected;
  };
  const std::vector<Case> cases{
      {"the client accepts more", 1220, 1460, false, 1220},
      {"the client accepts less", 1220, 1000, false, 1000},
      {"IPv4, MSS unknown", 1220, 0, false, 536},
      {"IPv6, MSS unknown", 1220, 0, true, 1220},
      {"IPv6, MSS unknown, a small setting", 700, 0, true, 700},
      {"a larger setting", 1460, 1440, true, 1440},
      {"the smallest setting", 216, 1460, false, 216},
      {"a client that asks for tiny segments", 1220, 1, false, 216},
      {"the largest MSS", 1220, 65535, false, 1220},
  };
  for (const Case& test : cases) {
    const auto page = BlockPage::make({.segment_bytes = test.setting});
    ASSERT_TRUE(page);
    EXPECT_EQ(page.value().segment_bytes(test.client_mss, test.is_v6), test.expected) << test.what;
  }
}

}  // namespace
}  // namespace weir::inspect
