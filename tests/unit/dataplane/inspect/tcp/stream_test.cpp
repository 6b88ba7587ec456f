// What real clients do passes unchanged. What is sent to confuse does not let a listed request pass.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/http_text.h"
#include "tests/support/tls_hello_builder.h"
#include "tests/unit/dataplane/inspect/tcp/stream_steps.h"

namespace weir::test {
namespace {

const TestSnapshot& rules() {
  static const TestSnapshot snapshot(
      std::vector<ListText>{{"hotline", {"listed.example.com", "paths.example.com/page"}}});
  return snapshot;
}

const std::string kListed = http_get("listed.example.com");
const std::string kOther = http_get("ok.abcd.example.com");
const std::uint32_t kOtherBytes = static_cast<std::uint32_t>(kOther.size());
const std::uint32_t kListedBytes = static_cast<std::uint32_t>(kListed.size());
const std::string kPassed = "forward_passed";
const std::string kIncomplete = "forward_incomplete";
const std::string kNone = "forward_no_request";
const std::string kNoPayload = "forward_not_candidate";
const std::string kPage = "drop_blocked http_page";

std::string text(const Bytes& bytes) { return std::string(to_text(bytes)); }
std::string hello(std::string_view name) { return text(TlsHelloBuilder().sni(name).typical().record()); }

StreamStep syn(std::uint32_t before = 1) { return {"SYN", 0U - before, "", kNoPayload, "S"}; }

TEST(Stream, OrdinaryTrafficPasses) {
  const std::string chunked =
      "POST / HTTP/1.1\r\nHost: www.example.org\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nabcdefgh\r\n";
  const auto chunked_bytes = static_cast<std::uint32_t>(chunked.size());
  const std::string post =
      "POST / HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: 3000\r\n\r\n" + std::string(1000, 'x');
  const auto post_bytes = static_cast<std::uint32_t>(post.size());
  const std::string tls = hello("www.example.org");
  const auto tls_bytes = static_cast<std::uint32_t>(tls.size());
  run_streams(
      rules().view(),
      {
          {"retransmission of a whole request",
           {syn(),
            {"request", 0, kOther, kPassed},
            {"again", 0, kOther, kNone},
            {"again", 0, kOther, kNone}}},
          {"retransmission in other pieces",
           {syn(),
            {"first half", 0, kOther.substr(0, 20), kIncomplete},
            {"first half again", 0, kOther.substr(0, 20), kIncomplete},
            {"a smaller piece of it", 5, kOther.substr(5, 3), kIncomplete},
            {"joined with the rest", 0, kOther, kPassed},
            {"a piece across the cut", 15, kOther.substr(15, 20), kNone}}},
          {"reordering, with SACK",
           {syn(),
            {"third", 40, kOther.substr(40), kIncomplete},
            {"first", 0, kOther.substr(0, 20), kIncomplete},
            {"third again", 40, kOther.substr(40), kIncomplete},
            {"second", 20, kOther.substr(20, 20), kPassed},
            {"an acknowledgement", kOtherBytes, "", kNoPayload, "A"}}},
          {"keep-alive probes with a byte of garbage",
           {syn(),
            {"request", 0, kOther, kPassed},
            {"probe", kOtherBytes - 1, std::string(1, '\0'), kNone, "A"},
            {"probe of another value", kOtherBytes - 1, "x", kNone, "A"},
            {"probe with the byte itself", kOtherBytes - 1, "\n", kNone, "A"},
            {"probe without a byte", kOtherBytes - 1, "", kNoPayload, "A"},
            {"the next request", kOtherBytes, kOther, kPassed},
            {"probe", 2 * kOtherBytes - 1, std::string(1, '\0'), kNone, "A"},
            {"the listed one", 2 * kOtherBytes, kListed, kPage}}},
          {"keep-alive probe before any data",
           {syn(), {"probe", 0U - 1, std::string(1, '\0'), kNone, "A"}, {"request", 0, kOther, kPassed}}},
          {"zero-window probes send the next byte",
           {syn(),
            {"request", 0, kOther, kPassed},
            {"probe", kOtherBytes, "G", kIncomplete, "A"},
            {"probe again", kOtherBytes, "G", kIncomplete, "A"},
            {"the rest with it", kOtherBytes, kOther, kPassed}}},
          {"a smaller MTU found on the way",
           {syn(),
            {"large segment", 0, kOther + kOther, kPassed},
            {"its first half again", 0, kOther, kNone},
            {"its second half again", kOtherBytes, kOther, kNone},
            {"what follows", 2 * kOtherBytes, kOther, kPassed}}},
          {"data on the SYN, ignored by the server and sent again",
           {{"SYN with data", 0U - 1, kOther, kPassed, "S"},
            {"SYN again", 0U - 1, kOther, kNone, "S"},
            {"the data again", 0, kOther, kNone},
            {"what follows", kOtherBytes, kOther, kPassed}}},
          {"a body over many segments, reordered and sent again",
           {syn(),
            {"head", 0, post, kPassed},
            {"third part", post_bytes + 1000, std::string(1000, 'z'), kNone},
            {"second part", post_bytes, std::string(1000, 'y'), kNone},
            {"second part again", post_bytes, std::string(1000, 'y'), kNone},
            {"the next request", post_bytes + 2000, kOther, kPassed},
            {"third part again", post_bytes + 1000, std::string(1000, 'z'), kNone},
            {"the next request again", post_bytes + 2000, kOther, kNone}}},
          {"chunks over segments",
           {syn(),
            {"head and a chunk", 0, chunked, kPassed},
            {"half a size", chunked_bytes, "1", kIncomplete},
            {"its other half and data", chunked_bytes + 1, "0\r\n0123456789", kNone},
            {"more data", chunked_bytes + 14, "abcdef\r\n0\r\n", kNone},
            {"trailer", chunked_bytes + 25, "A: b\r\n\r\n", kNone},
            {"the next request", chunked_bytes + 33, kOther, kPassed}}},
          {"a TLS connection",
           {syn(),
            {"half of the hello", 0, tls.substr(0, 100), kIncomplete},
            {"the rest", 100, tls.substr(100), kPassed},
            {"change_cipher_spec and finished", tls_bytes, text(from_hex("140303000101 1703030004")) + "abcd",
             kNone},
            {"half a record", tls_bytes + 15, text(from_hex("1703030020")) + "abcd", kNone},
            {"the rest", tls_bytes + 24, std::string(28, 'x'), kNone},
            {"a retransmission", tls_bytes + 24, std::string(28, 'x'), kNone}}},
          {"picked up in the middle",
           {{"the end of something", 0, "ef\x01\x02\r\n", kNone},
            {"a request", 6, kOther, kPassed},
            {"the listed one", 6 + kOtherBytes, kListed, kPage}}},
          {"the port is used again while the old connection is known",
           {syn(),
            {"request", 0, kOther, kPassed},
            {"SYN", 49, "", kNoPayload, "S"},
            {"other bytes where the old connection's were", 50, kListed, kPage}}},
          {"the port is used again, another first number, without trace of its SYN",
           {syn(),
            {"request", 0, kOther, kPassed},
            {"request", 0x70000000, kOther, kPassed},
            {"listed request", 0x70000000 + kOtherBytes, kListed, kPage}}},
      });
}

TEST(Stream, FindsListedRequestsInEveryForm) {
  const std::string chunked =
      "POST / HTTP/1.1\r\nHost: www.example.org\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n";
  const auto chunked_bytes = static_cast<std::uint32_t>(chunked.size());
  const std::string large_head = "GET / HTTP/1.1\r\nX-A: " + std::string(60000, 'a') + "\r\n";
  const auto large_bytes = static_cast<std::uint32_t>(large_head.size());
  run_streams(
      rules().view(),
      {
          {"a minute between pieces",
           {syn(),
            {"first", 0, kListed.substr(0, 30), kIncomplete},
            {"second", 30, kListed.substr(30, 10), kIncomplete, "PA", std::chrono::seconds(59)},
            {"third", 40, kListed.substr(40), kPage, "PA", std::chrono::seconds(59), 40, kListedBytes}}},
          {"the first piece last",
           {syn(),
            {"the rest", 10, kListed.substr(10), kIncomplete},
            {"the first", 0, kListed.substr(0, 10), kPage, "PA", {}, 0, kListedBytes}}},
          {"a gap in the middle",
           {syn(),
            {"first", 0, kListed.substr(0, 10), kIncomplete},
            {"third", 20, kListed.substr(20), kIncomplete},
            {"second", 10, kListed.substr(10, 10), kPage, "PA", {}, 10, kListedBytes}}},
          {"without a SYN, the first piece last",
           {{"the rest", 10, kListed.substr(10), kNone}, {"the first", 0, kListed.substr(0, 10), kPage}}},
          {"overlapping pieces that agree",
           {syn(),
            {"first", 0, kListed.substr(0, 30), kIncomplete},
            {"second", 20, kListed.substr(20, 20), kIncomplete},
            {"third", 5, kListed.substr(5), kPage, "PA", {}, 40, kListedBytes}}},
          {"old data joined with the listed request",
           {syn(),
            {"unlisted", 0, kOther, kPassed},
            {"both", 0, kOther + kListed, "drop_blocked reset", "PA", {}, kOtherBytes}}},
          {"on the SYN and after it",
           {{"SYN with the first half", 0U - 1, kListed.substr(0, 20), kIncomplete, "S"},
            {"second half", 20, kListed.substr(20), kPage}}},
          {"several SYNs before the true one's data",
           {syn(),
            {"SYN of another number", 12345, "", kNoPayload, "S"},
            {"SYN of another number", 0x40000000, "", kNoPayload, "S"},
            {"first half", 0, kListed.substr(0, 20), kIncomplete},
            {"second half", 20, kListed.substr(20), kPage}}},
          {"a SYN between the halves",
           {syn(),
            {"first half", 0, kListed.substr(0, 20), kIncomplete},
            {"SYN of a near number", 18, "", kNoPayload, "S"},
            {"SYN of a far number", 0x40000000, "", kNoPayload, "S"},
            {"second half", 20, kListed.substr(20), kPage}}},
          {"SYN-ACK from the client: split handshake, simultaneous open",
           {syn(),
            {"SYN-ACK", 0U - 1, "", kNoPayload, "SA"},
            {"first half", 0, kListed.substr(0, 20), kIncomplete},
            {"second half", 20, kListed.substr(20), kPage}}},
          {"RST and FIN that the server does not take",
           {syn(),
            {"RST", 0, "", kNoPayload, "RA"},
            {"first half", 0, kListed.substr(0, 20), kIncomplete},
            {"RST of another number", 777777, "", kNoPayload, "R"},
            {"FIN", 20, "", kNoPayload, "FA"},
            {"second half", 20, kListed.substr(20), kPage}}},
          {"flags of every kind on the pieces",
           {syn(),
            {"no flag at all", 0, kListed.substr(0, 20), kIncomplete, ""},
            {"FIN, URG, PSH", 20, kListed.substr(20), kPage, "FUP"}}},
          {"after a chunked body whose chunk is cut",
           {syn(),
            {"head", 0, chunked, kPassed},
            {"data", chunked_bytes, std::string(60, 'x'), kNone},
            {"rest of the data, end, the listed request", chunked_bytes + 60, "xxxx\r\n0\r\n\r\n" + kListed,
             "drop_blocked reset"}}},
          {"a head of 60 KiB",
           {syn(),
            {"first part", 0, large_head.substr(0, 30000), kIncomplete},
            {"second part", 30000, large_head.substr(30000), kIncomplete},
            {"Host", large_bytes, "Host: listed.example.com\r\n", kIncomplete},
            {"the end", large_bytes + 26, "\r\n", kPage}}},
          {"a head beyond 64 KiB whose name has been seen",
           {syn(),
            {"first part", 0, "GET / HTTP/1.1\r\nHost: listed.example.com\r\nX: " + std::string(40000, 'a'),
             kIncomplete},
            {"second part", 40045, std::string(40000, 'a'), kPage}}},
          {"a garbage line, then the request over segments",
           {syn(),
            {"garbage", 0, "\x01\x02garbage\r\n", kNone},
            {"first half", 11, kListed.substr(0, 20), kIncomplete},
            {"second half", 31, kListed.substr(20), kPage}}},
      });
}

TEST(Stream, DecoysDoNotHideARequest) {
  const std::string half = kListed.substr(0, 30);
  const std::string rest = kListed.substr(30);
  const std::string decoy_half = kOther.substr(0, 30);
  const std::string tls = hello("listed.example.com");
  const std::string decoy_tls = hello("ok.abc.example.com");
  const std::string zeros(40, '\0');
  const std::string conflict = "drop_conflict";
  run_streams(rules().view(),
              {
                  {"a whole decoy, then the request in halves",
                   {syn(),
                    {"decoy", 0, kOther, kPassed},
                    {"first half: as far as it agrees", 0, kListed.substr(0, 10), kNone},
                    {"second half", 10, kListed.substr(10), conflict},
                    {"again", 10, kListed.substr(10), conflict}}},
                  {"a whole decoy, then the whole request",
                   {syn(), {"decoy", 0, kOther, kPassed}, {"request", 0, kListed, conflict}}},
                  {"a decoy for the second half",
                   {syn(),
                    {"first half", 0, half, kIncomplete},
                    {"decoy", 30, kOther.substr(30), kPassed},
                    {"second half", 30, rest, conflict}}},
                  {"the decoy ahead of the gap",
                   {syn(),
                    {"decoy", 30, kOther.substr(30), kIncomplete},
                    {"the whole request", 0, kListed, conflict},
                    {"its first half", 0, half, kPassed},
                    {"its second half", 30, rest, conflict}}},
                  {"a decoy of zeros",
                   {syn(),
                    {"decoy", 0, zeros, kNone},
                    {"first half", 0, half, conflict},
                    {"second half", 30, rest, conflict}}},
                  {"a decoy hello, then the listed one in pieces",
                   {syn(),
                    {"decoy", 0, decoy_tls, kPassed},
                    {"decoys of what follows", static_cast<std::uint32_t>(decoy_tls.size()),
                     text(from_hex("140303000101 16030300020010")), kNone},
                    {"all of it", 0, tls, conflict},
                    {"the piece with the name", 50, tls.substr(50), conflict}}},
                  {"two decoys one after the other",
                   {syn(),
                    {"first", 0, kOther, kPassed},
                    {"second", kOtherBytes, kOther, kPassed},
                    {"the request's part that differs", 30, rest, conflict}}},
                  {"a decoy with a wrong checksum, then the request in halves",
                   {syn(),
                    {"decoy", 0, kOther, kPassed, "PA", {}, {}, {}, std::uint16_t{0x1234}},
                    {"first half, and the decoy's rest after it", 0, half, kPassed},
                    {"second half", 30, rest, kPage}}},
                  {"half a decoy with a wrong checksum",
                   {syn(),
                    {"decoy", 0, decoy_half, kIncomplete, "PA", {}, {}, {}, std::uint16_t{0x1234}},
                    {"first half", 0, half, kIncomplete},
                    {"second half", 30, rest, kPage}}},
                  {"every checksum is wrong: an unfinished one hides nothing",
                   {syn(),
                    {"first half", 0, half, kIncomplete, "PA", {}, {}, {}, std::uint16_t{0x1234}},
                    {"second half", 30, rest, kPage, "PA", {}, {}, {}, std::uint16_t{0x1234}}}},
                  {"a decoy far outside the window",
                   {syn(),
                    {"first half", 0, half, kIncomplete},
                    {"decoy", 0x30000000, decoy_half, kIncomplete},
                    {"decoy", 0xb0000000, kOther, kPassed},
                    {"second half", 30, rest, kPage}}},
                  {"decoys left of the window",
                   {syn(),
                    {"decoy", 0U - 500, kOther, kPassed},
                    {"first half", 0, half, kIncomplete},
                    {"decoy", 0U - 20, "01234567890123456789" + half, kIncomplete},
                    {"second half", 30, rest, kPage}}},
              });
}

TEST(Stream, UrgentBytes) {
  std::string with_urgent = kListed;
  with_urgent.insert(30, "X");
  run_streams(
      rules().view(),
      {
          {"within the name, in one segment",
           {syn(), {"request", 0, with_urgent, kPage, "UPA", {}, {}, {}, {}, 31}}},
          {"within the name, in two segments",
           {syn(),
            {"first", 0, with_urgent.substr(0, 31), kIncomplete, "UPA", {}, {}, {}, {}, 31},
            {"second", 31, with_urgent.substr(31), kPage}}},
          {"alone",
           {syn(),
            {"first", 0, with_urgent.substr(0, 30), kIncomplete},
            {"urgent", 30, "X", kIncomplete, "UPA", {}, {}, {}, {}, 1},
            {"second", 31, with_urgent.substr(31), kPage}}},
          {"a byte of the request itself, left in by the server",
           {syn(), {"request", 0, kListed, kPage, "UPA", {}, {}, {}, {}, 31}}},
          {"in an unlisted request", {syn(), {"request", 0, kOther, kPassed, "UPA", {}, {}, {}, {}, 31}}},
      });
}

TEST(Stream, SecondHelloAfterARetryRequest) {
  const std::string first = hello("www.example.org");
  const auto first_bytes = static_cast<std::uint32_t>(first.size());
  const std::string second = text(from_hex("140303000101")) + hello("listed.example.com");
  const std::string early = text(from_hex("1703030190")) + std::string(400, 'e');
  run_streams(
      rules().view(),
      {
          {"in a segment of its own",
           {syn(), {"first", 0, first, kPassed}, {"second", first_bytes, second, "drop_blocked tls_alert"}}},
          {"in pieces",
           {syn(),
            {"first", 0, first, kPassed},
            {"second", first_bytes, second.substr(0, 9), kIncomplete},
            {"third", first_bytes + 9, second.substr(9, 100), kIncomplete},
            {"fourth", first_bytes + 109, second.substr(109), "drop_blocked tls_alert"}}},
          {"after early data",
           {syn(),
            {"first", 0, first + early.substr(0, 100), kPassed},
            {"early data", first_bytes + 100, early.substr(100), kNone},
            {"second", first_bytes + 405, second, "drop_blocked tls_alert"}}},
      });
}

// Records before a hello are read once and not held, so that no number of them hides it.
TEST(Stream, RecordsBeforeAHello) {
  const std::string empty = text(from_hex("1603010000 1403010000"));
  const std::string listed = hello("listed.example.com");
  StreamCase many{"100 KiB of them", {syn()}};
  std::string thousand;
  while (thousand.size() < 1000) thousand += empty;
  std::uint32_t at = 0;
  for (; at < 100 * 1024; at += 1000) many.steps.push_back({"empty records", at, thousand, kIncomplete});
  many.steps.push_back({"the hello", at, listed, "drop_blocked tls_alert"});
  run_streams(rules().view(),
              {
                  many,
                  {"cut within a record",
                   {syn(),
                    {"a record and a half", 0, empty.substr(0, 7), kIncomplete},
                    {"the other half and the hello", 7, empty.substr(7) + listed, "drop_blocked tls_alert"}}},
                  {"out of order",
                   {syn(),
                    {"the hello", 10, listed, kIncomplete},
                    {"the records", 0, empty, "drop_blocked tls_alert", "PA", {}, 0, {}, {}}}},
                  {"sent twice",
                   {syn(),
                    {"the records", 0, empty, kIncomplete},
                    {"the records again", 0, empty, kNone},
                    {"all of it", 0, empty + listed, "drop_blocked reset"}}},
                  {"not of a hello at all",
                   {syn(),
                    {"records", 0, empty, kIncomplete},
                    {"something else", 10, "\x17\x03\x01 abc\r\n", kNone}}},
                  {"a decoy of them, then a request",
                   {syn(),
                    {"records", 0, empty, kIncomplete},
                    {"a request in their place", 0, kListed, "drop_conflict"}}},
              });
}

// The outcome of a segment of the connection from `port`.
std::string send_from(TestInspector& inspector, std::uint16_t port, std::uint32_t sequence,
                      const std::string& payload) {
  return summary(inspector.inspect(PacketBuilder()
                                       .ethernet()
                                       .ipv4("10.0.0.1", "192.0.2.1")
                                       .tcp(port, 80)
                                       .seq(sequence)
                                       .ack(1)
                                       .flags("PA")
                                       .payload(payload)
                                       .build(),
                                   rules().view()));
}

TEST(Stream, AFloodOfNewConnectionsDegradesToSegments) {
  TestInspector inspector({.flow_capacity = 64, .reassembly_bytes = 0});
  const auto send = [&inspector](std::uint16_t port, std::uint32_t sequence, const std::string& payload) {
    inspector.now += std::chrono::microseconds(1);
    return send_from(inspector, port, sequence, payload);
  };
  EXPECT_EQ(send(1, 0, kListed.substr(0, 30)), kIncomplete);
  for (std::uint16_t port = 2; port < 5000; ++port)
    EXPECT_EQ(send(port, 0, "GET / HTTP/1.1\r\n"), kIncomplete);
  EXPECT_GT(inspector.counters().get(base::Counter::flow_evictions), 4000U);
  EXPECT_EQ(send(1, 30, kListed.substr(30)), kNone) << "its beginning was given up";
  EXPECT_EQ(send(6000, 0, kListed), kPage) << "a complete request is still found";
  EXPECT_EQ(send(6001, 0, kListed.substr(0, 30)), kIncomplete);
  EXPECT_EQ(send(6001, 30, kListed.substr(30)), kPage) << "and so is one whose beginning was not evicted";
}

TEST(Stream, WithoutMemoryTheOldestMessageIsGivenUp) {
  TestInspector inspector({.flow_capacity = 1024, .reassembly_bytes = 0});
  const auto send = [&inspector](std::uint16_t port, std::uint32_t sequence, const std::string& payload) {
    return send_from(inspector, port, sequence, payload);
  };
  const std::string part = "GET / HTTP/1.1\r\nX: " + std::string(20000, 'a');
  for (std::uint16_t port = 1; port <= 20; ++port) EXPECT_EQ(send(port, 0, part), kIncomplete);
  EXPECT_GT(inspector.counters().get(base::Counter::stream_evictions), 0U);
  const std::string end = "\r\nHost: listed.example.com\r\n\r\n";
  EXPECT_NE(send(1, static_cast<std::uint32_t>(part.size()), end), kPage);
  EXPECT_EQ(send(20, static_cast<std::uint32_t>(part.size()), end), kPage);
  EXPECT_EQ(send(1, static_cast<std::uint32_t>(part.size() + end.size()), kListed), kPage)
      << "the next request at the start of a segment is found";
}

class FullMemory : public testing::Test {
 protected:
  static constexpr std::uint16_t kLast = 4;  // the last connection whose part fits: one sender gets half
  std::string send(std::uint16_t port, std::uint32_t sequence, const std::string& payload) {
    return send_from(inspector_, port, sequence, payload);
  }
  void SetUp() override {
    for (std::uint16_t port = 1; port <= kLast; ++port) ASSERT_EQ(send(port, 0, part_), kIncomplete);
  }
  std::string end(std::uint16_t port) { return send(port, static_cast<std::uint32_t>(part_.size()), end_); }

  const std::string part_ = "GET / HTTP/1.1\r\nX: " + std::string(20000, 'a');
  const std::string end_ = "\r\nHost: listed.example.com\r\n\r\n";
  TestInspector inspector_{{.close_reassembly = true, .flow_capacity = 1024, .reassembly_bytes = 0}};
};

TEST_F(FullMemory, PartsAreDroppedAndNothingIsGivenUp) {
  for (std::uint16_t port = 9; port <= 20; ++port) EXPECT_EQ(send(port, 0, part_), "drop_reassembly_full");
  EXPECT_EQ(inspector_.counters().get(base::Counter::stream_evictions), 0U);
  for (std::uint16_t port = 1; port <= kLast; ++port) EXPECT_EQ(end(port), kPage) << port;
}

TEST_F(FullMemory, AnotherSenderStillHasRoom) {
  const auto other = [this](std::uint32_t sequence, std::string_view text) {
    return summary(inspector_.inspect(PacketBuilder()
                                          .ethernet()
                                          .ipv4("10.0.0.77", "192.0.2.1")
                                          .tcp(1234, 80)
                                          .seq(sequence)
                                          .ack(5000)
                                          .flags("PA")
                                          .payload(text)
                                          .build(),
                                      rules().view()));
  };
  EXPECT_EQ(other(1000, kListed.substr(0, 30)), kIncomplete);
  EXPECT_EQ(other(1030, kListed.substr(30)), kPage);
}

TEST_F(FullMemory, CompleteRequestsNeedNone) {
  EXPECT_EQ(send(30, 0, kListed), kPage);
  EXPECT_EQ(send(31, 0, "GET / HTTP/1.1\r\nHost: passed.example.com\r\n\r\n"), "forward_passed");
}

TEST_F(FullMemory, ADroppedPartIsReadWhenSentAgain) {
  const std::string first = kListed.substr(0, 30);
  EXPECT_EQ(send(30, 0, first), "drop_reassembly_full");
  EXPECT_EQ(send(30, 30, kListed.substr(30)), "drop_reassembly_full") << "its end does not pass either";
  EXPECT_EQ(end(1), kPage);
  EXPECT_EQ(send(30, 0, first), kIncomplete);
  EXPECT_EQ(send(30, 30, kListed.substr(30)), kPage);
}

TEST_F(FullMemory, TheEndOfAHeldRequestNeverPasses) {
  // The held part of the request fills its last chunk; the end needs another chunk.
  const std::string more(2000, 'b');
  EXPECT_EQ(send(1, static_cast<std::uint32_t>(part_.size()), more), "drop_reassembly_full");
  EXPECT_EQ(end(2), kPage);
  EXPECT_EQ(send(1, static_cast<std::uint32_t>(part_.size()), more), kIncomplete);
  EXPECT_EQ(send(1, static_cast<std::uint32_t>(part_.size() + more.size()), end_), kPage);
}

TEST_F(FullMemory, ALongSilentConnectionGivesWay) {
  inspector_.now += flow::kOpenFlowLifetime;
  EXPECT_EQ(send(9, 0, part_), kIncomplete);
  EXPECT_EQ(end(9), kPage);
}

TEST_F(FullMemory, MonitorDropsNothing) {
  const Bytes frame = PacketBuilder()
                          .ethernet()
                          .ipv4("10.0.0.1", "192.0.2.1")
                          .tcp(9, 80)
                          .ack(1)
                          .flags("PA")
                          .payload(part_)
                          .build();
  EXPECT_EQ(summary(inspector_.inspect(frame, rules().view(), inspect::Direction::from_subscriber,
                                       base::Enforcement::monitor)),
            "forward_monitor");
}

TEST(FullTable, DropsNewConnectionsAndKeepsThoseInUse) {
  TestInspector inspector({.close_flow_table = true, .flow_capacity = 8});
  const auto send = [&inspector](std::uint16_t port, std::uint32_t sequence, const std::string& payload) {
    inspector.now += std::chrono::milliseconds(1);
    return send_from(inspector, port, sequence, payload);
  };
  const auto syn = [&inspector](std::uint16_t port) {
    return summary(inspector.inspect(
        PacketBuilder().ethernet().ipv4("10.0.0.1", "192.0.2.1").tcp(port, 80).flags("S").build(),
        rules().view()));
  };
  const std::string first = kListed.substr(0, 30);
  for (std::uint16_t port = 1; port <= 6; ++port) EXPECT_EQ(send(port, 0, first), kIncomplete);
  EXPECT_EQ(send(7, 0, kListed), kPage);
  EXPECT_EQ(send(8, 0, "GET / HTTP/1.1\r\nHost: passed.example.com\r\n\r\n"), "forward_passed");
  EXPECT_EQ(send(9, 0, first), kIncomplete) << "replaces the one that waits for nothing";
  EXPECT_EQ(send(10, 0, first), "drop_flow_table_full");
  EXPECT_EQ(syn(11), "drop_flow_table_full");
  for (std::uint16_t port = 1; port <= 6; ++port)
    EXPECT_EQ(send(port, 30, kListed.substr(30)), kPage) << port;
  EXPECT_EQ(send(7, 0, kListed), "drop_blocked_flow http_page") << "it is remembered";
  EXPECT_EQ(syn(11), "drop_flow_table_full") << "blocked connections stay";
  inspector.now += std::chrono::minutes(5);
  EXPECT_EQ(syn(11), "forward_not_candidate");
}

}  // namespace
}  // namespace weir::test
