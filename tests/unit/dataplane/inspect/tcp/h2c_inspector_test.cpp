#include "dataplane/inspect/tcp/h2c_inspector.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/h2_builder.h"
#include "tests/unit/dataplane/inspect/inspect_fixture.h"

namespace weir::inspect {
namespace {

using base::Counter;
using base::index_of;
using base::ParseStatus;
using base::Protocol;
using std::chrono::seconds;
using test::Bytes;
using test::h2_connection;
using test::H2Builder;
using test::HpackWriter;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::chrono::nanoseconds kLifetime = seconds(60);

/// An H2cInspector whose decider reports requests in the same way as TestInspector.
class H2cTest {
 public:
  explicit H2cTest(const std::vector<std::string>& rules, std::size_t connections = 4)
      : snapshot_({{.name = "list", .lines = rules}}),
        decider_(counters_, &recorder_),
        inspector_(connections, kLifetime, counters_, decider_) {}

  H2cPiece piece(std::span<const std::byte> bytes, bool stop_at_block = true) const {
    return {.packet = packet_, .snapshot = snapshot_.view(), .bytes = bytes, .stop_at_block = stop_at_block};
  }
  H2cProgress read(H2cInspector::Handle handle, std::span<const std::byte> bytes) {
    findings = {};
    return inspector_.read(handle, piece(bytes), now, findings);
  }
  std::vector<std::string> requests() { return recorder_.take_requests(); }
  std::uint64_t parsed(ParseStatus status) const {
    return counters_.get(Counter::parse, index_of(Protocol::h2c), index_of(status));
  }
  H2cInspector& inspector() { return inspector_; }
  const base::Counters& counters() const { return counters_; }

  Findings findings;
  std::chrono::nanoseconds now{seconds(1000)};

 private:
  test::TestSnapshot snapshot_;
  base::Counters counters_;
  test::TestInspector recorder_;
  RequestDecider decider_;
  H2cInspector inspector_;
  Bytes frame_ = test::segment(8080).build();
  proto::PacketView packet_ = proto::parse_packet(frame_, proto::LinkType::ethernet);
};

TEST(H2cInspector, Verdicts) {
  struct Row {
    std::string description;
    Bytes block;
    std::string request;
  };
  const auto get = [](std::string_view authority, std::string_view path) {
    return HpackWriter().indexed(2).indexed(6).literal(1, authority).literal(4, path);
  };
  const std::vector<std::string> rules{"listed.example.com",    "p.example.com/dir/",
                                       "port.example.com:8080", "!ok.listed.example.com",
                                       "192.0.2.1/by-address",  "tls.example.com"};
  const std::vector<Row> rows{
      {"a listed host", get("listed.example.com", "/a?b").bytes(),
       "h2c block listed.example.com/a?b listed 1"},
      {"as written by none", get("LISTED.example.com.:81", "/").bytes(),
       "h2c block listed.example.com:81/ listed 1"},
      {"below a prefix", get("p.example.com", "/x/../dir/%61").bytes(),
       "h2c block p.example.com/dir/a listed 2"},
      {"beside it", get("p.example.com", "/other").bytes(), "h2c pass p.example.com/other no_match"},
      {"the connection's port", get("port.example.com", "/").bytes(), "h2c block port.example.com/ listed 3"},
      {"an allowed host", get("ok.listed.example.com", "/").bytes(),
       "h2c pass ok.listed.example.com/ allow_rule 4"},
      {"Host against :authority", get("www.example.org", "/").literal("host", "listed.example.com").bytes(),
       "h2c block listed.example.com/ listed 1"},
      {"an absolute path", get("www.example.org", "http://listed.example.com/a").bytes(),
       "h2c block listed.example.com/a listed 1"},
      {"no name", HpackWriter().indexed(2).literal(4, "/by-address").bytes(),
       "h2c block 192.0.2.1/by-address listed 5"},
      {"CONNECT", HpackWriter().literal(2, "CONNECT").literal(1, "listed.example.com:443").bytes(),
       "h2c block listed.example.com:443 listed 1"},
      {"CONNECT to a host with path rules",
       HpackWriter().literal(2, "CONNECT").literal(1, "p.example.com:80").bytes(),
       "h2c pass p.example.com:80 no_match"},
      {"a WebSocket",
       HpackWriter()
           .literal(2, "CONNECT")
           .literal(":protocol", "websocket")
           .literal(1, "p.example.com")
           .literal(4, "/dir/")
           .bytes(),
       "h2c block p.example.com/dir/ listed 2"},
      {"OPTIONS *", HpackWriter().literal(2, "OPTIONS").literal(1, "p.example.com").literal(4, "*").bytes(),
       "h2c pass p.example.com/ no_match"},
      {"a name that is none", get(std::string(300, 'a'), "/").bytes(), "h2c pass  invalid_host"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.description);
    H2cTest h2c(rules);
    const auto handle = h2c.inspector().open({}, h2c.now);
    h2c.read(handle, h2_connection().headers(row.block).bytes());
    EXPECT_THAT(h2c.requests(), ElementsAre(row.request));
    EXPECT_EQ(h2c.findings.block, row.request.find(" block ") != std::string::npos);
    EXPECT_EQ(h2c.findings.found, true);
  }
}

// The piece with the last byte of the listed request's header block is blocked.
TEST(H2cInspector, SplitAnywhere) {
  const Bytes before =
      h2_connection().get("www.example.org", "/a").frame(test::kH2Data, 0, 1, Bytes(50)).bytes();
  const Bytes block =
      HpackWriter().indexed(2).indexed(6).incremental(1, "listed.example.com").indexed(4).bytes();
  const Bytes stream =
      H2Builder().raw(before).headers(block, {.stream = 3, .padding = 20, .fragment_bytes = 7}).bytes();
  H2cTest h2c({"listed.example.com"});
  for (std::size_t first = 1; first < stream.size(); ++first) {
    const auto handle = h2c.inspector().open({}, h2c.now);
    const auto all = std::span<const std::byte>(stream);
    h2c.read(handle, all.first(first));
    ASSERT_FALSE(h2c.findings.block) << first;
    h2c.read(handle, all.subspan(first));
    ASSERT_TRUE(h2c.findings.block) << first;
    ASSERT_THAT(h2c.requests(),
                ElementsAre("h2c pass www.example.org/a no_match", "h2c block listed.example.com/ listed 1"))
        << first;
    h2c.inspector().close(handle);
  }
}

TEST(H2cInspector, WhatFollowsABlockedRequest) {
  const Bytes stream = h2_connection().get("listed.example.com").get("www.example.org", "/", 3).bytes();
  const std::string blocked = "h2c block listed.example.com/ listed 1";
  for (const bool stop : {true, false}) {
    H2cTest h2c({"listed.example.com"});
    h2c.inspector().read_alone(h2c.piece(stream, stop), h2c.findings);
    EXPECT_TRUE(h2c.findings.block);
    EXPECT_EQ(h2c.findings.protocol, Protocol::h2c);
    EXPECT_EQ(h2c.requests(),
              stop ? std::vector<std::string>{blocked}
                   : std::vector<std::string>({blocked, "h2c pass www.example.org/ no_match"}));
  }
}

TEST(H2cInspector, ReportsHowAPieceEnds) {
  struct Row {
    std::string description;
    Bytes stream;
    H2cState state;
    bool incomplete;
    bool doubtful = false;
  };
  const Bytes whole = h2_connection().get("www.example.org").bytes();
  const auto first = [&](std::size_t count) {
    return Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(count));
  };
  const std::vector<Row> rows{
      {"after a request", whole, H2cState::followed, false},
      {"inside the preface", first(10), H2cState::followed, true},
      {"after the preface", first(24), H2cState::followed, false},
      {"inside a frame's header", first(30), H2cState::followed, true},
      {"inside SETTINGS", first(40), H2cState::followed, false},
      {"inside a header block", first(whole.size() - 1), H2cState::followed, true},
      {"HTTP/1", test::to_bytes("PRI * HTTP/2.0\r\n\r\nGET "), H2cState::ended, false},
      {"no SETTINGS first", H2Builder().preface().get("www.example.org").bytes(), H2cState::followed, false,
       true},
      {"HTTP/1 after the preface", H2Builder().preface().raw(test::to_bytes("GET / HTTP/1.1")).bytes(),
       H2cState::followed, false, true},
      {"broken", h2_connection().headers(test::from_hex("80")).bytes(), H2cState::ended, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.description);
    H2cTest h2c({});
    const auto handle = h2c.inspector().open({}, h2c.now);
    const H2cProgress progress = h2c.read(handle, row.stream);
    EXPECT_EQ(progress.state, row.state);
    EXPECT_EQ(progress.incomplete, row.incomplete);
    EXPECT_EQ(progress.doubtful, row.doubtful);
    EXPECT_EQ(h2c.inspector().in_use(), row.state == H2cState::followed ? 1U : 0U);
    EXPECT_EQ(h2c.parsed(ParseStatus::need_more), row.incomplete ? 1U : 0U);
  }
}

TEST(H2cInspector, CountsWhatItReads) {
  H2cTest h2c({"listed.example.com"});
  const auto handle = h2c.inspector().open({}, h2c.now);
  h2c.read(handle, h2_connection().get("www.example.org").get("listed.example.com", "/", 3).bytes());
  h2c.read(handle, H2Builder().headers(test::from_hex("80")).bytes());
  EXPECT_EQ(h2c.parsed(ParseStatus::found), 2U);
  EXPECT_EQ(h2c.parsed(ParseStatus::malformed), 1U);
  const auto requests = [&](base::RequestVerdict verdict) {
    return h2c.counters().get(Counter::requests, index_of(Protocol::h2c), index_of(verdict));
  };
  EXPECT_EQ(requests(base::RequestVerdict::pass), 1U);
  EXPECT_EQ(requests(base::RequestVerdict::block), 1U);
  EXPECT_EQ(h2c.counters().get(Counter::blocked, index_of(Protocol::h2c), 0), 1U);
}

TEST(H2cInspector, ConnectionsDoNotMix) {
  H2cTest h2c({});
  const auto a = h2c.inspector().open({}, h2c.now);
  const auto b = h2c.inspector().open({}, h2c.now);
  h2c.read(a, h2_connection().get("a.example.org").bytes());
  h2c.read(b, h2_connection().get("b.example.org").bytes());
  const Bytes again = H2Builder().headers(HpackWriter().indexed(2).indexed(64).indexed(4).bytes()).bytes();
  h2c.read(a, again);
  h2c.read(b, again);
  EXPECT_THAT(h2c.requests(),
              ElementsAre("h2c pass a.example.org/ no_match", "h2c pass b.example.org/ no_match",
                          "h2c pass a.example.org/ no_match", "h2c pass b.example.org/ no_match"));
}

TEST(H2cInspector, AllStatesInUse) {
  H2cTest h2c({"listed.example.com"}, 2);
  const auto unfollowed = [&] { return h2c.counters().get(Counter::h2c_unfollowed); };
  const Bytes whole = h2_connection().get("www.example.org").bytes();
  const Bytes half(whole.begin(), whole.end() - 1);
  const Bytes listed = h2_connection().get("listed.example.com").bytes();
  const auto waiting = h2c.inspector().open({}, h2c.now);
  h2c.read(waiting, half);
  const auto idle = h2c.inspector().open({}, h2c.now);
  h2c.read(idle, whole);
  h2c.now += seconds(1);
  EXPECT_EQ(h2c.inspector().open({}, h2c.now), H2cInspector::kNoHandle) << "both are in use";
  EXPECT_EQ(unfollowed(), 1U);
  EXPECT_EQ(h2c.inspector().read_alone(h2c.piece(listed), h2c.findings).state, H2cState::followed);
  EXPECT_TRUE(h2c.findings.block) << "a whole segment needs no state";

  h2c.now += seconds(1);
  const auto third = h2c.inspector().open({}, h2c.now);
  EXPECT_NE(third, H2cInspector::kNoHandle) << "the idle one gives way";
  EXPECT_EQ(h2c.read(idle, listed).state, H2cState::ended) << "its handle is stale";
  EXPECT_FALSE(h2c.findings.block);
  EXPECT_EQ(unfollowed(), 2U);
  h2c.read(third, half);

  h2c.now += seconds(57);
  EXPECT_EQ(h2c.inspector().open({}, h2c.now), H2cInspector::kNoHandle)
      << "both are in the middle of a header block";
  h2c.now += seconds(1);
  EXPECT_NE(h2c.inspector().open({}, h2c.now), H2cInspector::kNoHandle)
      << "the first has been silent for 60 s";
  EXPECT_EQ(h2c.read(waiting, listed).state, H2cState::ended);
  EXPECT_EQ(h2c.read(third, Bytes(whole.end() - 1, whole.end())).state, H2cState::followed);

  EXPECT_EQ(h2c.inspector().in_use(), 2U);
  h2c.inspector().close(waiting);
  EXPECT_EQ(h2c.inspector().in_use(), 2U) << "a stale handle closes nothing";
  h2c.inspector().close(third);
  h2c.inspector().close(third);
  EXPECT_EQ(h2c.inspector().in_use(), 1U);
}

TEST(H2cInspector, AcceptsAnyNumberAsHandle) {
  H2cTest h2c({}, 1);
  const auto handle = h2c.inspector().open({}, h2c.now);
  const Bytes stream = h2_connection().bytes();
  for (const H2cInspector::Handle other : {0U, 1U, 1023U, handle + 1, handle + 1024, 0xffffffffU}) {
    EXPECT_EQ(h2c.read(other, stream).state, H2cState::ended) << other;
    h2c.inspector().close(other);
  }
  EXPECT_EQ(h2c.inspector().in_use(), 1U);
  EXPECT_EQ(h2c.read(handle, stream).state, H2cState::followed);
}

TEST(H2cInspector, WhoeverHasMostGivesWay) {
  H2cTest h2c({"listed.example.com"}, 4);
  proto::IpAddress flooder;
  flooder.bytes[0] = std::byte{9};
  proto::IpAddress other;
  other.bytes[0] = std::byte{10};
  std::vector<H2cInspector::Handle> flood;
  for (int i = 0; i < 4; ++i) flood.push_back(h2c.inspector().open(flooder, h2c.now));
  EXPECT_EQ(h2c.inspector().open(flooder, h2c.now), H2cInspector::kNoHandle) << "not for the same sender";
  const auto first = h2c.inspector().open(other, h2c.now);
  EXPECT_NE(first, H2cInspector::kNoHandle);
  const auto second = h2c.inspector().open(other, h2c.now);
  EXPECT_NE(second, H2cInspector::kNoHandle);
  EXPECT_EQ(h2c.inspector().open(other, h2c.now), H2cInspector::kNoHandle) << "both have two";
  EXPECT_EQ(h2c.inspector().open(flooder, h2c.now), H2cInspector::kNoHandle);
  EXPECT_EQ(h2c.inspector().in_use(), 4U);
}

}  // namespace
}  // namespace weir::inspect
