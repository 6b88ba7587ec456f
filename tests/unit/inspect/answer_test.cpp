#include "inspect/answer.h"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/bytes.h"
#include "support/frame_check.h"
#include "support/packet_builder.h"

namespace weir::inspect {
namespace {

using test::Bytes;
using test::PacketBuilder;

std::string page_text(const BlockPage& page, bool head = false) {
  return std::string(test::to_text(page.response(head)));
}

TEST(BlockPage, DefaultIsNeutralAndFitsOneSegment) {
  const auto page = BlockPage::make({.blocked_by = "https://operator.example/blocking"});
  ASSERT_TRUE(page) << page.error().message;
  const std::string text = page_text(page.value());
  EXPECT_LE(text.size(), 1100U);
  EXPECT_TRUE(text.starts_with("HTTP/1.1 451 Unavailable For Legal Reasons\r\n"));
  for (const char* line :
       {"\r\nLink: <https://operator.example/blocking>; rel=\"blocked-by\"\r\n",
        "\r\nContent-Type: text/html; charset=utf-8\r\n", "\r\nCache-Control: no-store\r\n",
        "\r\nConnection: close\r\n", "<!doctype html>", "</html>"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
  const std::string body = text.substr(text.find("\r\n\r\n") + 4);
  EXPECT_NE(text.find("\r\nContent-Length: " + std::to_string(body.size()) + "\r\n"), std::string::npos);
  EXPECT_EQ(body.find("src="), std::string::npos) << "nothing may be fetched";
  EXPECT_EQ(body.find("href="), std::string::npos) << "nothing may be fetched";
}

TEST(BlockPage, HeadHasTheHeadersAlone) {
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
      {"a page that is too large", {.body = std::string(kMaxResponseBytes, 'x')}, "shorten the page"},
  };
  for (const Case& test : cases) {
    const auto page = BlockPage::make(test.settings);
    ASSERT_FALSE(page) << test.what;
    EXPECT_EQ(page.error().code, "block_page_invalid") << test.what;
    EXPECT_NE(page.error().message.find(test.message), std::string::npos) << page.error().message;
  }
}

struct Sent {
  base::Towards towards;
  proto::PacketView view;
  Bytes frame;
};

std::vector<Sent> send(const Bytes& frame, const Verdict& verdict, const BlockPage& page) {
  const proto::PacketView seen = proto::parse_packet(frame, proto::LinkType::ethernet);
  AnswerFrames frames(seen, verdict, page);
  std::vector<Sent> sent;
  std::array<std::byte, kAnswerFrameBytes> buffer{};
  auto towards = base::Towards::client;
  while (const std::size_t bytes = frames.next(buffer, towards)) {
    Sent answer{.towards = towards, .view = {}, .frame = Bytes(buffer.begin(), buffer.begin() + bytes)};
    answer.view = proto::parse_packet(answer.frame, proto::LinkType::ethernet);
    EXPECT_EQ(test::checksum_error(answer.frame, answer.view.ip_offset), "");
    sent.push_back(std::move(answer));
  }
  EXPECT_EQ(frames.next(buffer, towards), 0U) << "the end stays the end";
  return sent;
}

PacketBuilder request() {
  return PacketBuilder().ethernet().vlan(7).ipv4("10.0.0.1", "192.0.2.1").tcp(1234, 80).seq(1000).ack(5000);
}
PacketBuilder request_v6() {
  return PacketBuilder().ethernet().ipv6("2001:db8::1", "2001:db8::2").tcp(1234, 80).seq(1000).ack(5000);
}

Verdict verdict_of(AnswerKind answer, bool reset_server = true) {
  Verdict verdict;
  verdict.action = Action::drop;
  verdict.answer = answer;
  verdict.reset_server = reset_server;
  verdict.server_next = 1000;
  verdict.client_end = 1004;
  return verdict;
}

constexpr std::uint8_t kFinPshAck = proto::kTcpFin | proto::kTcpPsh | proto::kTcpAck;
constexpr std::uint8_t kRstAck = proto::kTcpRst | proto::kTcpAck;

TEST(AnswerFrames, SplitsThePageAndFinishesOnTheLastSegment) {
  const auto page = BlockPage::make({.body = std::string(3000, 'x')});
  ASSERT_TRUE(page);
  for (const Bytes& frame : {request().payload("GET ").build(), request_v6().payload("GET ").build()}) {
    const auto sent = send(frame, verdict_of(AnswerKind::http_page), page.value());
    ASSERT_EQ(sent.size(), 4U);
    std::string received;
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(sent[i].towards, base::Towards::client);
      EXPECT_EQ(sent[i].view.tcp.sequence, 5000 + received.size());
      EXPECT_EQ(sent[i].view.tcp.acknowledgement, 1004U);
      EXPECT_EQ(sent[i].view.tcp.flags, i == 2 ? kFinPshAck : proto::kTcpAck);
      EXPECT_EQ(sent[i].view.source_port, 80);
      EXPECT_EQ(sent[i].view.destination_port, 1234);
      received += test::to_text(sent[i].view.payload);
    }
    EXPECT_EQ(received, page_text(page.value()));
    EXPECT_EQ(sent[3].towards, base::Towards::server);
    EXPECT_EQ(sent[3].view.tcp.flags, kRstAck);
    EXPECT_EQ(sent[3].view.tcp.sequence, 1000U);
    EXPECT_EQ(sent[3].view.tcp.acknowledgement, 5000U);
    EXPECT_EQ(sent[3].view.destination_port, 80);
  }
}

TEST(AnswerFrames, EachKind) {
  const auto page = BlockPage::make({.body = "page"});
  ASSERT_TRUE(page);
  struct Case {
    std::string what;
    Verdict verdict;
    std::size_t frames;
    std::uint8_t client_flags;
    Bytes client_payload;
  };
  Verdict head = verdict_of(AnswerKind::http_page);
  head.head_request = true;
  const Bytes head_bytes(page.value().response(true).begin(), page.value().response(true).end());
  const std::vector<Case> cases{
      {"alert", verdict_of(AnswerKind::tls_alert), 2, kFinPshAck, test::from_hex("15 0303 0002 02 70")},
      {"reset", verdict_of(AnswerKind::reset), 2, kRstAck, {}},
      {"reset of a client that has no server yet", verdict_of(AnswerKind::reset, false), 1, kRstAck, {}},
      {"finish", verdict_of(AnswerKind::finish, false), 1, proto::kTcpAck, {}},
      {"page for HEAD", head, 2, kFinPshAck, head_bytes},
  };
  for (const Case& test : cases) {
    const auto sent = send(request().payload("GET ").build(), test.verdict, page.value());
    ASSERT_EQ(sent.size(), test.frames) << test.what;
    EXPECT_EQ(sent[0].view.tcp.flags, test.client_flags) << test.what;
    EXPECT_EQ(sent[0].view.tcp.sequence, 5000U) << test.what;
    EXPECT_EQ(sent[0].view.tcp.acknowledgement, 1004U) << test.what;
    EXPECT_EQ(Bytes(sent[0].view.payload.begin(), sent[0].view.payload.end()), test.client_payload)
        << test.what;
    if (test.frames == 2) {
      EXPECT_EQ(sent[1].towards, base::Towards::server) << test.what;
    }
  }
  EXPECT_TRUE(send(request().build(), verdict_of(AnswerKind::none, false), page.value()).empty());
}

TEST(AnswerFrames, ASynIsResetWithoutASequenceNumber) {
  const auto page = BlockPage::make({.body = "page"});
  ASSERT_TRUE(page);
  const Bytes syn = PacketBuilder()
                        .ethernet()
                        .ipv4("10.0.0.1", "192.0.2.1")
                        .tcp(1234, 80)
                        .seq(999)
                        .ack(77)
                        .flags("S")
                        .payload("GET ")
                        .build();
  const auto sent = send(syn, verdict_of(AnswerKind::reset, false), page.value());
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].view.tcp.sequence, 0U);
  EXPECT_EQ(sent[0].view.tcp.acknowledgement, 1004U);
  EXPECT_EQ(sent[0].view.tcp.flags, kRstAck);
}

TEST(AnswerFrames, TagsThatLeaveNoRoomEndTheAnswer) {
  const auto page = BlockPage::make({.body = std::string(1200, 'x')});
  ASSERT_TRUE(page);
  PacketBuilder builder = PacketBuilder().ethernet();
  for (int i = 0; i < 80; ++i) builder.vlan(5);
  const Bytes frame = builder.ipv4("10.0.0.1", "192.0.2.1").tcp(1234, 80).ack(1).payload("GET ").build();
  ASSERT_EQ(proto::parse_packet(frame, proto::LinkType::ethernet).packet_class, proto::PacketClass::tcp);
  const auto sent = send(frame, verdict_of(AnswerKind::http_page), page.value());
  // The page's first segment does not fit behind 320 bytes of tags; the small rest and the reset do.
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[1].towards, base::Towards::server);
}

TEST(AnswerFrames, ABufferThatIsTooSmallGetsNothing) {
  const auto page = BlockPage::make({});
  ASSERT_TRUE(page);
  const Bytes frame = request().payload("GET ").build();
  const proto::PacketView seen = proto::parse_packet(frame, proto::LinkType::ethernet);
  const Verdict verdict = verdict_of(AnswerKind::http_page);
  AnswerFrames frames(seen, verdict, page.value());
  std::array<std::byte, kAnswerFrameBytes - 1> buffer{};
  auto towards = base::Towards::client;
  EXPECT_EQ(frames.next(buffer, towards), 0U);
}

}  // namespace
}  // namespace weir::inspect
