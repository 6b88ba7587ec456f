// Bytes after the end of a PPPoE payload that the IP length includes: Ethernet padding, or an evasion
// attempt.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/http_text.h"
#include "tests/support/tls_hello_builder.h"
#include "tests/unit/dataplane/inspect/inspect_fixture.h"

namespace weir::test {
namespace {

constexpr std::size_t kPppoeLengthAt = 14 + 4;
constexpr std::size_t kIpLengthAt = 14 + 8 + 2;

const std::string kZeros(6, '\0');
const std::string kListed = http_get("listed.example.com");
const std::string kOther = http_get("www.example.org");

/// Where the segment ends according to its checksum.
enum class Checksum { with_payload, without_payload };

struct Step {
  std::string payload;
  std::string outcome;
  bool after_pppoe = false;
  Checksum checksum = Checksum::with_payload;
  int back = 0;  // bytes to go back first, since unacknowledged data is sent again
};

void add_to_u16(Bytes& frame, std::size_t at, int count) {
  const int value = std::to_integer<int>(frame[at]) * 256 + std::to_integer<int>(frame[at + 1]) + count;
  frame[at] = static_cast<std::byte>(value >> 8);
  frame[at + 1] = static_cast<std::byte>(value);
}

Bytes frame_of(const Step& step, std::uint32_t sequence, std::uint16_t port) {
  PacketBuilder builder = PacketBuilder().ethernet().pppoe().ipv4("10.0.0.1", "192.0.2.1").tcp(1234, port);
  builder.seq(sequence).ack(5000).flags(step.after_pppoe ? "A" : "PA");
  if (!step.after_pppoe) return builder.payload(step.payload).build();
  const auto count = static_cast<int>(step.payload.size());
  if (step.checksum == Checksum::with_payload) {
    Bytes frame = builder.payload(step.payload).build();
    add_to_u16(frame, kPppoeLengthAt, -count);
    return frame;
  }
  Bytes frame = builder.build();
  frame.resize(14 + 8 + 40);  // without the builder's padding
  for (const char each : step.payload) frame.push_back(static_cast<std::byte>(each));
  add_to_u16(frame, kIpLengthAt, count);
  return frame;
}

TEST(Padding, IsNotHeldAgainstDataAndHidesNone) {
  const TestSnapshot rules(std::vector<ListText>{{"hotline", {"listed.example.com"}}});
  const std::string tls(to_text(TlsHelloBuilder().sni("www.example.org").typical().record()));
  const std::string record("\x17\x03\x03\x00\x05hello", 10);
  const std::string page = "drop_blocked http_page";
  struct Row {
    std::string description;
    std::vector<Step> steps;
    std::uint16_t port = 80;
  };
  std::vector<Row> rows;
  for (const Checksum checksum : {Checksum::with_payload, Checksum::without_payload}) {
    const bool with = checksum == Checksum::with_payload;
    const Step pad{kZeros, with ? "forward_no_request" : "forward_not_candidate", true, checksum};
    const std::string kind = with ? ", in the checksum" : ", not in the checksum";
    const auto back = [](std::string payload, std::string outcome) {
      return Step{.payload = std::move(payload), .outcome = std::move(outcome), .back = 6};
    };
    rows.push_back({"before a request" + kind, {pad, back(kOther, "forward_passed")}});
    rows.push_back({"before a listed one" + kind, {pad, back(kListed, page)}});
    rows.push_back(
        {"between requests" + kind,
         {{kOther, "forward_passed"}, pad, back(kOther, "forward_passed"), pad, back(kListed, page)}});
    rows.push_back({"again and again" + kind,
                    {{kOther, "forward_passed"},
                     pad,
                     {kZeros, pad.outcome, true, checksum, 6},
                     {kZeros, pad.outcome, true, checksum, 6},
                     back(kOther, "forward_passed")}});
    rows.push_back(
        {"after a ClientHello" + kind,
         {{tls, "forward_passed"}, pad, back(record, "forward_no_request"), {record, "forward_no_request"}},
         443});
  }
  const auto data = Checksum::with_payload;
  rows.push_back({"the start of a request",
                  {{kListed.substr(0, 6), "forward_incomplete", true, data}, {kListed.substr(6), page}}});
  rows.push_back({"the end of a request",
                  {{kListed.substr(0, kListed.size() - 2), "forward_incomplete"},
                   {kListed.substr(kListed.size() - 2), page, true, data}}});
  rows.push_back({"a whole request", {{kListed, page, true, data}}});
  rows.push_back({"a decoy that no server takes",
                  {{kOther, "forward_not_candidate", true, Checksum::without_payload},
                   {.payload = kListed, .outcome = page, .back = static_cast<int>(kOther.size())}}});
  for (const Row& row : rows) {
    SCOPED_TRACE(row.description);
    TestInspector inspector;
    std::uint32_t sequence = 1000;
    for (const Step& step : row.steps) {
      sequence -= static_cast<std::uint32_t>(step.back);
      const Bytes frame = frame_of(step, sequence, row.port);
      EXPECT_EQ(summary(inspector.inspect(frame, rules.view())), step.outcome);
      sequence += static_cast<std::uint32_t>(step.payload.size());
    }
  }
}

// Without PPPoE: somebody on the way counted the padding of a bare acknowledgement into the IP length.
TEST(Padding, InTheIpLength) {
  const TestSnapshot rules(std::vector<ListText>{{"hotline", {"listed.example.com"}}});
  const std::string page = "drop_blocked http_page";
  const std::string passed = "forward_passed";
  const std::string none = "forward_no_request";
  const std::string incomplete = "forward_incomplete";
  struct Piece {
    std::uint32_t at;
    std::string payload;
    std::string outcome;
    bool urgent = false;
  };
  struct Row {
    std::string description;
    std::vector<Piece> pieces;
  };
  std::vector<Row> rows;
  const auto listed_bytes = static_cast<std::uint32_t>(kListed.size());
  const auto other_bytes = static_cast<std::uint32_t>(kOther.size());
  for (const std::uint32_t count : {1U, 2U, 6U}) {
    const std::string zeros(count, '\0');
    const std::string kind = ", " + std::to_string(count);
    rows.push_back({"before a request" + kind, {{0, zeros, none}, {0, kOther, passed}}});
    rows.push_back({"before a listed one" + kind, {{0, zeros, none}, {0, kListed, page}}});
    rows.push_back(
        {"before a listed one in pieces" + kind,
         {{0, zeros, none}, {0, kListed.substr(0, 20), incomplete}, {20, kListed.substr(20), page}}});
    rows.push_back(
        {"before one whose end comes first" + kind,
         {{0, zeros, none}, {20, kListed.substr(20), incomplete}, {0, kListed.substr(0, 20), page}}});
    rows.push_back({"between requests" + kind,
                    {{0, kOther, passed},
                     {other_bytes, zeros, none},
                     {other_bytes, kOther, passed},
                     {2 * other_bytes, zeros, none},
                     {2 * other_bytes, kListed, page}}});
    rows.push_back({"taken as data by the server" + kind, {{0, zeros, none}, {count, kListed, page}}});
    rows.push_back({"taken as data, in pieces" + kind,
                    {{0, zeros, none},
                     {count, "\r\n" + kListed.substr(0, 20), incomplete},
                     {count + 22, kListed.substr(20), page}}});
    rows.push_back({"taken as data, the end first" + kind,
                    {{0, zeros, none},
                     {count + 22, kListed.substr(20), incomplete},
                     {count, "\r\n" + kListed.substr(0, 20), page}}});
    rows.push_back({"taken as data, unlisted" + kind, {{0, zeros, none}, {count, kOther, passed}}});
    // The server has the zeros: of the next segment it takes what follows them.
    const std::string hello("\x16\x03\x01\x40\x00\x01", 6);
    rows.push_back({"in place of what hides a request" + kind,
                    {{0, zeros, none}, {0, hello.substr(0, count) + kListed, page}}});
  }
  rows.push_back({"an urgent byte", {{0, std::string(1, '\0'), none, true}, {1, kListed, page}}});
  rows.push_back({"within a message it is data like any other",
                  {{0, kListed.substr(0, 30), incomplete},
                   {30, std::string(6, '\0'), incomplete},
                   {30, kListed.substr(30), "drop_conflict"}}});
  rows.push_back(
      {"more zeros are no padding", {{0, std::string(7, '\0'), none}, {0, kListed, "drop_conflict"}}});
  rows.push_back(
      {"one by one", {{0, std::string(1, '\0'), none}, {0, std::string(2, '\0'), none}, {1, kListed, page}}});
  ASSERT_GT(listed_bytes, 30U);
  for (const Row& row : rows) {
    SCOPED_TRACE(row.description);
    TestInspector inspector;
    EXPECT_EQ(summary(inspector.inspect(segment().seq(999).flags("S").build(), rules.view())),
              "forward_not_candidate");
    for (const Piece& piece : row.pieces) {
      PacketBuilder packet = segment().seq(1000 + piece.at).flags(piece.urgent ? "UA" : "A");
      if (piece.urgent) packet.urgent(1);
      EXPECT_EQ(summary(inspector.inspect(packet.payload(piece.payload).build(), rules.view())),
                piece.outcome)
          << piece.at;
    }
  }
}

}  // namespace
}  // namespace weir::test
