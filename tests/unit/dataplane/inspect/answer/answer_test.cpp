#include "dataplane/inspect/answer/answer.h"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/bytes.h"
#include "tests/support/frame_check.h"
#include "tests/support/packet_builder.h"

namespace weir::inspect {
namespace {

using test::Bytes;
using test::PacketBuilder;

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
  EXPECT_EQ(frames.next(buffer, towards), 0U) << "there are no more frames";
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
  struct Case {
    std::string what;
    PacketBuilder request;
    std::uint16_t client_mss;
    std::vector<std::size_t> segments;
  };
  const auto page = BlockPage::make({.body = std::string(3000, 'x')});
  ASSERT_TRUE(page);
  const std::size_t all = page.value().response(false).size();
  ASSERT_GT(all, 2440 + 536U);
  const std::vector<Case> cases{
      {"IPv4, what the client's SYN asked for", request(), 1460, {1220, 1220, all - 2440}},
      {"IPv4, less", request(), 1200, {1200, 1200, all - 2400}},
      {"IPv6, more than the setting", request_v6(), 8940, {1220, 1220, all - 2440}},
      {"IPv6, the SYN not seen", request_v6(), 0, {1220, 1220, all - 2440}},
      {"IPv4, the SYN not seen", request(), 0, {536, 536, 536, 536, 536, all - 2680}},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.what);
    PacketBuilder packet = test.request;
    Verdict verdict = verdict_of(AnswerKind::http_page);
    verdict.client_mss = test.client_mss;
    const auto sent = send(packet.payload("GET ").build(), verdict, page.value());
    const std::size_t last = test.segments.size() - 1;
    ASSERT_EQ(sent.size(), test.segments.size() + 1);
    std::string received;
    for (std::size_t i = 0; i <= last; ++i) {
      EXPECT_EQ(sent[i].view.payload.size(), test.segments[i]);
      EXPECT_EQ(sent[i].towards, base::Towards::client);
      EXPECT_EQ(sent[i].view.tcp.sequence, 5000 + received.size());
      EXPECT_EQ(sent[i].view.tcp.acknowledgement, 1004U);
      EXPECT_EQ(sent[i].view.tcp.flags, i == last ? kFinPshAck : proto::kTcpAck);
      EXPECT_EQ(sent[i].view.source_port, 80);
      EXPECT_EQ(sent[i].view.destination_port, 1234);
      received += test::to_text(sent[i].view.payload);
    }
    EXPECT_EQ(received, test::to_text(page.value().response(false)));
    EXPECT_EQ(sent[last + 1].towards, base::Towards::server);
    EXPECT_EQ(sent[last + 1].view.tcp.flags, kRstAck);
    EXPECT_EQ(sent[last + 1].view.tcp.sequence, 1000U);
    EXPECT_EQ(sent[last + 1].view.tcp.acknowledgement, 5000U);
    EXPECT_EQ(sent[last + 1].view.destination_port, 80);
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

TEST(AnswerFrames, TimestampsAreSwapped) {
  const auto page = BlockPage::make({.body = std::string(1500, 'x')});
  ASSERT_TRUE(page);
  const std::size_t all = page.value().response(false).size();
  struct Case {
    std::string what;
    std::string flags;
    std::string options;
    AnswerKind answer;
    bool carried;
  };
  const std::string both = "0101 080a 00000007 00000009";
  const std::vector<Case> cases{
      {"page", "PA", both, AnswerKind::http_page, true},
      {"alert", "PA", both, AnswerKind::tls_alert, true},
      {"acknowledgement", "FA", both, AnswerKind::finish, true},
      {"a reset needs none", "PA", both, AnswerKind::reset, false},
      {"not in use", "PA", "", AnswerKind::http_page, false},
      {"nothing to echo without ACK", "P", both, AnswerKind::http_page, false},
  };
  for (const Case& test : cases) {
    const Bytes frame =
        request().flags(test.flags).tcp_options(test::from_hex(test.options)).payload("GET ").build();
    Verdict verdict = verdict_of(test.answer);
    verdict.client_mss = 1000;
    const auto sent = send(frame, verdict, page.value());
    ASSERT_GE(sent.size(), 2U) << test.what;
    for (const Sent& one : sent) {
      const auto timestamps = proto::tcp_timestamps(one.view);
      const bool carried = test.carried && one.towards == base::Towards::client;
      ASSERT_EQ(timestamps.has_value(), carried) << test.what;
      if (carried) {
        EXPECT_EQ(*timestamps, (proto::TcpTimestamps{.value = 9, .echo = 7})) << test.what;
      }
    }
    if (test.answer != AnswerKind::http_page) continue;
    // Options count against the client's MSS (RFC 6691).
    const std::size_t most = test.carried ? 988 : 1000;
    ASSERT_EQ(sent.size(), 3U) << test.what;
    EXPECT_EQ(sent[0].view.payload.size(), most) << test.what;
    EXPECT_EQ(sent[1].view.payload.size(), all - most) << test.what;
    EXPECT_EQ(sent[1].view.tcp.sequence, sent[0].view.tcp.sequence + most) << test.what;
  }
}

TEST(AnswerFrames, AnswerToACopyFollowsWhatTheServerHas) {
  const auto page = BlockPage::make({.body = "x"});
  ASSERT_TRUE(page);
  const Bytes frame = request()
                          .flags("PA")
                          .tcp_options(test::from_hex("0101 080a 00000007 fffffff0"))
                          .payload("GET ")
                          .build();
  Verdict verdict = verdict_of(AnswerKind::http_page);
  verdict.server_has_packet = true;
  verdict.client_mss = 1000;
  const auto sent = send(frame, verdict, page.value());
  ASSERT_EQ(sent.size(), 2U);
  const auto timestamps = proto::tcp_timestamps(sent[0].view);
  ASSERT_TRUE(timestamps.has_value());
  // What the server sends in the same second is older, and stays older for hours; the value may wrap.
  EXPECT_EQ(timestamps->value, 0xfffffff0U + (1U << 24));
  EXPECT_EQ(timestamps->echo, 7U);
  EXPECT_EQ(sent[0].view.tcp.sequence, 5000U);
  EXPECT_EQ(sent[1].towards, base::Towards::server);
  EXPECT_EQ(sent[1].view.tcp.sequence, verdict.client_end);
}

TEST(AnswerFrames, OnlyAReset) {
  const auto page = BlockPage::make({});
  ASSERT_TRUE(page);
  const auto sent = send(request().flags("R").build(), verdict_of(AnswerKind::none), page.value());
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].towards, base::Towards::server);
  EXPECT_EQ(sent[0].view.tcp.flags, kRstAck);
  EXPECT_EQ(sent[0].view.tcp.sequence, 1000U);
}

TEST(AnswerFrames, ACloseOfQuicIsOneDatagram) {
  const auto page = BlockPage::make({.body = "page"});
  ASSERT_TRUE(page);
  const Bytes closing = test::to_bytes("close");
  Verdict verdict = verdict_of(AnswerKind::quic_close, false);
  verdict.datagram = closing;
  const Bytes frame = PacketBuilder()
                          .ethernet()
                          .vlan(7)
                          .pppoe()
                          .ipv6("2001:db8::1", "2001:db8::2")
                          .udp(1234, 443)
                          .payload("hello")
                          .build();
  const Bytes expected = PacketBuilder()
                             .ethernet(test::kServerMac, test::kClientMac)
                             .vlan(7)
                             .pppoe()
                             .ipv6("2001:db8::2", "2001:db8::1")
                             .udp(443, 1234)
                             .payload("close")
                             .build();
  const auto sent = send(frame, verdict, page.value());
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].towards, base::Towards::client);
  EXPECT_EQ(test::difference(expected, sent[0].frame), "");
  // In a packet that was reassembled from fragments.
  const auto whole = proto::parse_packet(frame, proto::LinkType::ethernet);
  verdict.reassembled = &whole;
  const Bytes fragment = PacketBuilder().ethernet().ipv6("::1", "::2").fragment(8, true).payload("x").build();
  const auto again = send(fragment, verdict, page.value());
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(test::difference(expected, again[0].frame), "");
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

TEST(AnswerFrames, TagsReduceThePayload) {
  struct Case {
    std::string what;
    unsigned tags;
    std::vector<std::size_t> payloads;  // of the frames to the client
  };
  const auto page = BlockPage::make({.body = std::string(1200, 'x')});
  ASSERT_TRUE(page);
  const std::size_t all = page.value().response(false).size();
  const std::vector<Case> cases{
      {"few", 2, {1220, all - 1220}},
      {"80", 80, {1514 - 54 - 320, all - (1514 - 54 - 320)}},
      {"no room for more than the headers", 365, {}},
      {"no room for the headers", 400, {}},
  };
  for (const Case& test : cases) {
    PacketBuilder builder = PacketBuilder().ethernet();
    for (unsigned i = 0; i < test.tags; ++i) builder.vlan(5);
    const Bytes frame = builder.ipv4("10.0.0.1", "192.0.2.1").tcp(1234, 80).ack(1).payload("GET ").build();
    ASSERT_EQ(proto::parse_packet(frame, proto::LinkType::ethernet).packet_class, proto::PacketClass::tcp);
    Verdict verdict = verdict_of(AnswerKind::http_page);
    verdict.client_mss = 1460;
    const auto sent = send(frame, verdict, page.value());
    ASSERT_EQ(sent.size(), test.payloads.empty() ? 0 : test.payloads.size() + 1) << test.what;
    for (std::size_t i = 0; i < test.payloads.size(); ++i) {
      EXPECT_EQ(sent[i].view.payload.size(), test.payloads[i]) << test.what;
      EXPECT_LE(sent[i].frame.size(), 1514U) << test.what;
    }
  }
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
