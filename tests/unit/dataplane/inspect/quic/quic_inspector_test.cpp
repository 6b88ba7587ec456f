#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/quic_packet_builder.h"
#include "tests/support/tls_hello_builder.h"
#include "tests/unit/dataplane/inspect/inspect_fixture.h"

namespace weir::test {
namespace {

using base::Counter;
using base::Enforcement;
using base::index_of;
using base::ParseStatus;
using base::Protocol;
using inspect::Direction;
using std::chrono::seconds;
using Requests = std::vector<std::string>;
using Type = QuicPacketBuilder::Type;

const TestSnapshot& rules() {
  static const TestSnapshot snapshot(
      {{"hotline", {"listed.example.com", "paths.example.com/dir/", "!ok.listed.example.com", "192.0.2.1"}}});
  return snapshot;
}

const std::string kListed = "quic block listed.example.com listed 1";
const std::string kPassed = "quic pass www.example.org no_match";

Bytes hello(std::string_view name, std::size_t padded_to = 0) {
  TlsHelloBuilder builder;
  builder.typical().alpn({"h3"});
  if (padded_to != 0) builder.pad_to(padded_to + 5);
  return builder.sni(name).handshake();
}
Bytes listed() { return hello("listed.example.com"); }
Bytes unlisted() { return hello("www.example.org"); }

/// Exactly this payload.
Bytes small_datagram(const Bytes& payload, std::uint16_t source_port = 50000, std::uint16_t port = 443) {
  return PacketBuilder()
      .ethernet()
      .ipv4("10.0.0.1", "192.0.2.1")
      .udp(source_port, port)
      .payload(payload)
      .build();
}
/// Padded as clients pad theirs (RFC 9000, 14.1).
Bytes datagram(Bytes payload, std::uint16_t source_port = 50000, std::uint16_t port = 443) {
  const bool long_header = !payload.empty() && (payload.front() & std::byte{0x80}) != std::byte{0};
  if (long_header) payload.resize(std::max<std::size_t>(payload.size(), 1200));
  return small_datagram(payload, source_port, port);
}
Bytes datagram(const QuicPacketBuilder& packet, std::uint16_t source_port = 50000) {
  return datagram(packet.build(), source_port);
}
Bytes joined(const std::vector<Bytes>& packets) {
  Bytes all;
  for (const Bytes& each : packets) append(all, each);
  return all;
}
QuicPacketBuilder initial(std::uint64_t number = 0) { return QuicPacketBuilder().number(number); }
QuicPacketBuilder whole(const Bytes& message) { return initial().crypto(0, message).pad_to(1200); }
QuicPacketBuilder piece(const Bytes& message, std::size_t begin, std::size_t end, std::uint64_t number = 0) {
  return initial(number).crypto(begin, std::span(message).subspan(begin, end - begin));
}

struct Step {
  Bytes frame;
  std::string outcome;
};
struct Conversation {
  std::string what;
  std::vector<Step> steps;
  Requests requests;
};

void run(const std::vector<Conversation>& cases) {
  for (const Conversation& c : cases) {
    TestInspector inspector;
    for (std::size_t i = 0; i < c.steps.size(); ++i) {
      const auto verdict = inspector.inspect(c.steps[i].frame, rules().view());
      EXPECT_EQ(summary(verdict), c.steps[i].outcome) << c.what << ", datagram " << i + 1;
    }
    EXPECT_EQ(inspector.take_requests(), c.requests) << c.what;
  }
}

TEST(QuicInspector, OneDatagram) {
  const Bytes v2 = whole(listed()).version(kQuicV2).build();
  const Bytes small = initial().crypto(0, listed()).pad_to(1199).build();
  const Bytes zero_rtt = QuicPacketBuilder().type(Type::zero_rtt).padding(200).build();
  run({
      {"a listed host", {{datagram(whole(listed())), "drop_blocked quic_close"}}, {kListed}},
      {"an unlisted host", {{datagram(whole(unlisted())), "forward_passed"}}, {kPassed}},
      {"an allowed host",
       {{datagram(whole(hello("ok.listed.example.com"))), "forward_allowed"}},
       {"quic pass ok.listed.example.com allow_rule 3"}},
      {"a path rule is never widened",
       {{datagram(whole(hello("paths.example.com"))), "forward_passed"}},
       {"quic pass paths.example.com no_match"}},
      {"no name: by address",
       {{datagram(whole(TlsHelloBuilder().typical().handshake())), "drop_blocked quic_close"}},
       {"quic block 192.0.2.1 listed 4"}},
      {"ECH and GREASE",
       {{datagram(whole(TlsHelloBuilder().typical().grease().ech().sni("listed.example.com").handshake())),
         "drop_blocked quic_close"}},
       {kListed}},
      {"version 2", {{datagram(v2), "drop_blocked quic_close"}}, {kListed}},
      {"draft 29", {{datagram(whole(listed()).version(kQuicDraft29)), "drop_blocked quic_close"}}, {kListed}},
      {"a token", {{datagram(whole(listed()).token(Bytes(64))), "drop_blocked quic_close"}}, {kListed}},
      {"the QUIC bit clear",
       {{datagram(whole(listed()).clear_quic_bit()), "drop_blocked quic_close"}},
       {kListed}},
      {"less than 1200 bytes", {{small_datagram(small), "forward_no_request"}}, {}},
      {"an odd port",
       {{datagram(whole(listed()).build(), 443, 50001), "drop_blocked quic_close"}},
       {kListed}},
      {"ACK, PING, PADDING and a close around the hello",
       {{datagram(initial().ping().padding(9).ack().crypto(0, listed()).connection_close().pad_to(1200)),
         "drop_blocked quic_close"}},
       {kListed}},
      {"a forbidden frame after the hello",
       {{datagram(initial().crypto(0, listed()).frames(from_hex("08 00"))), "drop_blocked quic_close"}},
       {kListed}},
      {"after 0-RTT",
       {{datagram(joined({zero_rtt, whole(listed()).build()})), "drop_blocked quic_close"}},
       {kListed}},
      {"before 0-RTT",
       {{datagram(joined({whole(listed()).build(), zero_rtt})), "drop_blocked quic_close"}},
       {kListed}},
      {"after a handshake packet",
       {{datagram(joined(
             {QuicPacketBuilder().type(Type::handshake).padding(50).build(), whole(listed()).build()})),
         "drop_blocked quic_close"}},
       {kListed}},
      {"after another connection's Initial: servers ignore it (RFC 9000, 12.2)",
       {{datagram(joined({whole(unlisted()).id("0102030405060708").build(), whole(listed()).build()})),
         "forward_passed"}},
       {kPassed}},
      {"after an Initial that is not authentic",
       {{datagram(joined({whole(unlisted()).keys_from("0102030405060708").build(), whole(listed()).build()})),
         "drop_blocked quic_close"}},
       {kListed}},
      {"an unknown version",
       {{datagram(whole(listed()).version(0x0a0a0a0a)), "forward_unknown_version"}},
       {}},
      {"an Initial that is not authentic",
       {{datagram(whole(listed()).keys_from("0102030405060708")), "forward_no_request"}},
       {}},
      {"an ACK alone", {{datagram(initial().ack().pad_to(1200)), "forward_no_request"}}, {}},
      {"another handshake message",
       {{datagram(initial().crypto(0, from_hex("02 000001 00")).pad_to(1200)), "forward_no_request"}},
       {}},
      {"a hello that is too long for any server",
       {{datagram(initial().crypto(0, from_hex("01 010000 00")).pad_to(1200)), "forward_no_request"}},
       {}},
      {"a broken hello",
       {{datagram(initial().crypto(0, from_hex("01 000002 0303")).pad_to(1200)), "forward_no_request"}},
       {}},
      {"0-RTT alone", {{datagram(zero_rtt), "forward_not_candidate"}}, {}},
      {"no QUIC", {{datagram(to_bytes("dns or whatever")), "forward_not_candidate"}}, {}},
      {"an empty datagram", {{datagram(Bytes{}), "forward_not_candidate"}}, {}},
  });
}

TEST(QuicInspector, WhatIsClosedAndHow) {
  const Bytes message = hello("listed.example.com", 1800);
  const auto close = [](std::uint64_t number) {
    return QuicPacketBuilder().from_server().number(1000 + number, 2).frames(from_hex("1c 4170 00 00"));
  };
  struct Case {
    std::string what;
    std::vector<Bytes> before;  // payloads
    Bytes payload;
    Bytes expected;  // empty: no answer
  };
  const std::string own = "f067a5502a4262b5";
  const auto from = [](QuicPacketBuilder packet) { return packet.source_id("0a0b0c0d"); };
  const Bytes zero_rtt = QuicPacketBuilder().type(Type::zero_rtt).padding(200).build();
  const Bytes blocked = from(whole(listed())).build();
  const Bytes first = close(0).id("0a0b0c0d").source_id(kQuicClientId).keys_from(kQuicClientId).build();
  const Bytes second = close(1).id("0a0b0c0d").source_id(kQuicClientId).keys_from(kQuicClientId).build();
  const std::vector<Case> cases{
      {"one datagram", {}, blocked, first},
      {"it again", {blocked}, blocked, first},
      {"the hello again under another number", {blocked}, from(whole(listed()).number(1)).build(), second},
      {"early data after it", {blocked}, zero_rtt, {}},
      {"an acknowledgement", {blocked}, from(initial(1).ack()).build(), {}},
      {"the client's own close", {blocked}, from(initial(1).connection_close()).build(), {}},
      {"a hello of two datagrams, the server's id known by then",
       {from(piece(message, 0, 900)).build()},
       from(piece(message, 900, message.size(), 1)).id(own).keys_from(kQuicClientId).build(),
       close(1).id("0a0b0c0d").source_id(own).keys_from(kQuicClientId).build()},
      {"after a Retry",
       {from(piece(message, 0, 900)).build()},
       from(initial(1).crypto(0, message)).id(own).token(Bytes(40)).build(),
       close(1).id("0a0b0c0d").source_id(own).keys_from(own).build()},
      {"not listed", {}, from(whole(unlisted())).build(), {}},
  };
  for (const Case& c : cases) {
    for (const bool wanted : {true, false}) {
      TestInspector inspector({.quic_close = wanted});
      for (const Bytes& payload : c.before) inspector.inspect(datagram(payload), rules().view());
      const auto verdict = inspector.inspect(datagram(c.payload), rules().view());
      const bool closed = wanted && !c.expected.empty();
      EXPECT_EQ(verdict.answer, closed ? inspect::AnswerKind::quic_close : inspect::AnswerKind::none)
          << c.what;
      EXPECT_FALSE(verdict.reset_server) << c.what;
      EXPECT_EQ(difference(closed ? c.expected : Bytes{}, verdict.datagram), "") << c.what;
    }
  }
  TestInspector monitor;
  const auto verdict =
      monitor.inspect(datagram(blocked), rules().view(), Direction::from_subscriber, Enforcement::monitor);
  EXPECT_EQ(verdict.answer, inspect::AnswerKind::none);
  EXPECT_TRUE(verdict.datagram.empty());
}

TEST(QuicInspector, HellosInPieces) {
  // The listed name is at the end, after the padding: without the last bytes it is unknown.
  const Bytes large = hello("listed.example.com", 2500);
  std::vector<Conversation> cases;
  for (std::size_t count : {2U, 3U, 5U, 10U}) {
    for (std::uint32_t seed = 0; seed < 4; ++seed) {
      Conversation in_datagrams{
          std::to_string(count) + " datagrams, order " + std::to_string(seed), {}, {kListed}};
      QuicPacketBuilder one;
      const auto pieces = shuffled(quic_pieces(large, count), seed);
      for (std::size_t i = 0; i < count; ++i) {
        in_datagrams.steps.push_back({datagram(initial(i).ping().crypto(pieces[i].offset, pieces[i].data)),
                                      i + 1 < count ? "forward_incomplete" : "drop_blocked quic_close"});
        one.padding(i).crypto(pieces[i].offset, pieces[i].data).ping();
      }
      cases.push_back(in_datagrams);
      cases.push_back(
          {"one packet, " + in_datagrams.what, {{datagram(one), "drop_blocked quic_close"}}, {kListed}});
    }
  }
  const Bytes small = listed();
  QuicPacketBuilder bytes;
  for (const QuicPiece& each : shuffled(quic_pieces(small, small.size()), 3))
    bytes.crypto(each.offset, each.data);
  cases.push_back({"a byte a frame", {{datagram(bytes), "drop_blocked quic_close"}}, {kListed}});
  cases.push_back(
      {"start and end first",
       {{datagram(
             initial().crypto(0, std::span(large).first(40)).crypto(2000, std::span(large).subspan(2000))),
         "forward_incomplete"},
        {datagram(piece(large, 40, 2000, 1)), "drop_blocked quic_close"}},
       {kListed}});
  cases.push_back(
      {"two Initials in one datagram",
       {{datagram(joined({piece(small, 0, 50).build(), piece(small, 50, small.size(), 1).build()})),
         "drop_blocked quic_close"}},
       {kListed}});
  run(cases);
}

TEST(QuicInspector, OneConnectionOverDatagrams) {
  const Bytes message = hello("listed.example.com", 1500);
  const Bytes passed = hello("www.example.org", 1500);
  const Bytes first = datagram(piece(message, 0, 700));
  const Bytes last = datagram(piece(message, 700, message.size(), 1));
  const std::string server_id = "5e5e5e5e5e";
  const Bytes second_hello = hello("listed.example.com");
  run({
      {"the blocked Initial again, in other packets, its 0-RTT and acknowledgements too",
       {{first, "forward_incomplete"},
        {last, "drop_blocked quic_close"},
        {last, "drop_blocked_flow quic_close"},
        {datagram(piece(message, 700, message.size(), 2)), "drop_blocked_flow quic_close"},
        {first, "drop_blocked_flow quic_close"},
        {datagram(QuicPacketBuilder().type(Type::zero_rtt).padding(100)), "drop_blocked_flow"},
        {datagram(initial(3).ack()), "drop_blocked_flow"}},
       {kListed}},
      {"another connection of the same addresses and ports",
       {{datagram(whole(listed())), "drop_blocked quic_close"},
        {datagram(whole(unlisted()).id("0102030405060708")), "forward_passed"},
        {datagram(whole(listed())), "drop_blocked_flow quic_close"}},
       {kListed, kPassed}},
      {"the server's id for the rest, keys as before",
       {{first, "forward_incomplete"},
        {datagram(piece(message, 700, message.size(), 1).id(server_id).keys_from(kQuicClientId)),
         "drop_blocked quic_close"},
        {datagram(piece(message, 700, message.size(), 2).id(server_id).keys_from(kQuicClientId)),
         "drop_blocked_flow quic_close"}},
       {kListed}},
      {"a server's id without bytes",
       {{first, "forward_incomplete"},
        {datagram(piece(message, 700, message.size(), 1).id("").keys_from(kQuicClientId)),
         "drop_blocked quic_close"}},
       {kListed}},
      {"a new id and new keys after a Retry",
       {{first, "forward_incomplete"},
        {datagram(piece(message, 0, 700, 1).id(server_id).token(Bytes(40))), "forward_incomplete"},
        {datagram(piece(message, 700, message.size(), 2).id(server_id).token(Bytes(40))),
         "drop_blocked quic_close"}},
       {kListed}},
      {"version 2 by compatible negotiation, in the middle",
       {{datagram(whole(unlisted())), "forward_passed"},
        {datagram(whole(listed()).version(kQuicV2).id(server_id).keys_from(kQuicClientId)),
         "drop_blocked quic_close"}},
       {kPassed, kListed}},
      {"a greased version first",
       {{datagram(whole(listed()).version(0x1a2a3a4a)), "forward_unknown_version"},
        {datagram(whole(listed())), "drop_blocked quic_close"}},
       {kListed}},
      {"a second hello after a HelloRetryRequest",
       {{datagram(whole(unlisted())), "forward_passed"},
        {datagram(initial(1).crypto(unlisted().size(), std::span(second_hello).first(60))),
         "forward_incomplete"},
        {datagram(initial(2).crypto(unlisted().size() + 60, std::span(second_hello).subspan(60))),
         "drop_blocked quic_close"}},
       {kPassed, kListed}},
      {"an unlisted hello again",
       {{datagram(piece(passed, 0, 700)), "forward_incomplete"},
        {datagram(piece(passed, 700, passed.size(), 1)), "forward_passed"},
        {datagram(piece(passed, 0, 700, 2)), "forward_no_request"},
        {datagram(initial(3).ack().pad_to(1200)), "forward_no_request"}},
       {kPassed}},
      {"packet numbers that wrap the byte that is sent",
       {{datagram(piece(message, 0, 700, 0xff)), "forward_incomplete"},
        {datagram(piece(message, 700, message.size(), 0x100)), "drop_blocked quic_close"}},
       {kListed}},
  });
}

TEST(QuicInspector, DropsUnknownVersionsIfConfigured) {
  struct Case {
    std::string what;
    Bytes payload;
    Enforcement enforcement;
    std::string outcome;
  };
  const std::vector<Case> cases{
      {"a version of the future", whole(unlisted()).version(0x1a2a3a4a).build(), Enforcement::enforce,
       "drop_unknown_version"},
      {"monitor", whole(unlisted()).version(0x1a2a3a4a).build(), Enforcement::monitor, "forward_monitor"},
      {"a known version", whole(unlisted()).build(), Enforcement::enforce, "forward_passed"},
      {"a listed request before it in its datagram",
       joined({whole(listed()).build(), whole(unlisted()).version(0x1a2a3a4a).build()}), Enforcement::enforce,
       "drop_blocked quic_close"},
      {"no QUIC", to_bytes("a datagram of something else"), Enforcement::enforce, "forward_not_candidate"},
  };
  for (const Case& test : cases) {
    TestInspector inspector({.drop_unknown_quic = true});
    const auto verdict = inspector.inspect(datagram(test.payload), rules().view(), Direction::from_subscriber,
                                           test.enforcement);
    EXPECT_EQ(summary(verdict), test.outcome) << test.what;
  }
}

TEST(QuicInspector, Decoys) {
  const Bytes message = hello("listed.example.com", 1500);
  const Bytes decoy = hello("decoyx.example.com", 1500);
  ASSERT_EQ(message.size(), decoy.size());
  const std::string passed = "quic pass decoyx.example.com no_match";
  run({
      {"garbage",
       {{datagram(Bytes(1200, std::byte{0xc5})), "forward_not_candidate"},
        {datagram(whole(listed())), "drop_blocked quic_close"}},
       {kListed}},
      {"an Initial that nobody can read",
       {{datagram(whole(listed()).keys_from("00")), "forward_no_request"},
        {datagram(whole(listed())), "drop_blocked quic_close"}},
       {kListed}},
      {"a good hello under another id",
       {{datagram(whole(unlisted()).id("0102030405060708")), "forward_passed"},
        {datagram(whole(listed())), "drop_blocked quic_close"}},
       {kPassed, kListed}},
      {"a good hello under the same id, then another",
       {{datagram(piece(decoy, 0, 1500)), "forward_passed"},
        {datagram(piece(message, 0, 1500)), "drop_conflict"}},
       {passed}},
      {"the same for the piece with the name alone",
       {{datagram(piece(message, 0, 700)), "forward_incomplete"},
        {datagram(piece(decoy, 700, decoy.size(), 1)), "forward_passed"},
        {datagram(piece(message, 700, message.size(), 2)), "drop_conflict"}},
       {passed}},
      {"a broken Initial of a known connection",
       {{datagram(piece(message, 0, 700)), "forward_incomplete"},
        {datagram(piece(message, 700, message.size(), 1).keys_from("00")), "drop_conflict"},
        {datagram(piece(message, 700, message.size(), 1)), "drop_blocked quic_close"}},
       {kListed}},
      {"another message first",
       {{datagram(initial().crypto(0, from_hex("04000000"))), "forward_no_request"},
        {datagram(whole(listed())), "drop_conflict"}},
       {}},
  });
}

TEST(QuicInspector, PiecesNearlyAMinuteApart) {
  const Bytes message = hello("listed.example.com", 1500);
  TestInspector inspector({.flow_lifetime = seconds(1)});
  inspector.inspect(datagram(piece(message, 0, 700)), rules().view());
  inspector.now += seconds(59);
  const auto verdict = inspector.inspect(datagram(piece(message, 700, message.size(), 1)), rules().view());
  EXPECT_EQ(summary(verdict), "drop_blocked quic_close");
  inspector.now += seconds(59);
  EXPECT_EQ(summary(inspector.inspect(datagram(initial(2).ack()), rules().view())), "drop_blocked_flow");
  inspector.now += seconds(60);
  EXPECT_EQ(summary(inspector.inspect(datagram(initial(2).ack()), rules().view())), "forward_no_request");
}

TEST(QuicInspector, EnforcementDirectionsAndPorts) {
  struct Case {
    std::string what;
    inspect::InspectorSettings settings;
    Direction direction;
    Enforcement enforcement;
    std::string outcome;
    std::string again;
  };
  const auto with = [](bool quic, inspect::PortSet ports) {
    inspect::InspectorSettings settings;
    settings.inspect_quic = quic;
    settings.quic_ports = std::move(ports);
    return settings;
  };
  const auto from = Direction::from_subscriber;
  for (const Case& c : std::vector<Case>{
           {"a capture", with(true, {}), Direction::unknown, Enforcement::enforce, "drop_blocked quic_close",
            "drop_blocked_flow quic_close"},
           {"from the network", with(true, {}), Direction::from_network, Enforcement::enforce,
            "forward_not_candidate", "forward_not_candidate"},
           {"monitor", with(true, {}), from, Enforcement::monitor, "forward_monitor", "forward_no_request"},
           {"bypass", with(true, {}), from, Enforcement::bypass, "forward_bypass", "forward_bypass"},
           {"its port", with(true, {8443, 443}), from, Enforcement::enforce, "drop_blocked quic_close",
            "drop_blocked_flow quic_close"},
           {"another port", with(true, {8443, 444}), from, Enforcement::enforce, "forward_not_candidate",
            "forward_not_candidate"},
           {"switched off", with(false, {}), from, Enforcement::enforce, "forward_not_candidate",
            "forward_not_candidate"}}) {
    TestInspector inspector(c.settings);
    const Bytes frame = datagram(whole(listed()));
    EXPECT_EQ(summary(inspector.inspect(frame, rules().view(), c.direction, c.enforcement)), c.outcome)
        << c.what;
    EXPECT_EQ(summary(inspector.inspect(frame, rules().view(), c.direction, c.enforcement)), c.again)
        << c.what;
  }
}

TEST(QuicInspector, Counters) {
  TestInspector inspector({.quic_connections = 8});
  const auto parse = [&](ParseStatus status) {
    return inspector.counters().get(Counter::parse, index_of(Protocol::quic), index_of(status));
  };
  const Bytes message = hello("www.example.org", 1500);
  inspector.inspect(datagram(piece(message, 0, 700)), rules().view());
  EXPECT_EQ(parse(ParseStatus::need_more), 1U);
  inspector.inspect(datagram(piece(message, 700, message.size(), 1)), rules().view());
  EXPECT_EQ(parse(ParseStatus::found), 1U);
  inspector.inspect(datagram(initial(2).ack()), rules().view());
  EXPECT_EQ(parse(ParseStatus::absent), 1U);
  inspector.inspect(datagram(whole(unlisted()).keys_from("00").id("01")), rules().view());
  EXPECT_EQ(parse(ParseStatus::malformed), 1U);
  EXPECT_EQ(inspector.counters().get(Counter::requests, index_of(Protocol::quic), 0), 1U);
  const Bytes ech = TlsHelloBuilder().typical().ech().sni("www.example.org").handshake();
  inspector.inspect(datagram(whole(ech).id("0102030405060708")), rules().view());
  EXPECT_EQ(inspector.counters().get(Counter::ech), 1U);
  EXPECT_EQ(inspector.counters().get(Counter::quic_evictions), 0U);
  for (std::uint16_t port = 1; port <= 100; ++port) {
    inspector.inspect(datagram(piece(message, 0, 700), port), rules().view());
  }
  EXPECT_EQ(inspector.counters().get(Counter::quic_evictions), 92U) << "the table holds eight";
}

// As many as fit into an ordinary datagram.
TEST(QuicInspector, AfterTwentyInitialsThatAreNotAuthentic) {
  Bytes payload;
  for (unsigned i = 0; i < 20; ++i) append(payload, QuicPacketBuilder().keys_from("00").build());
  append(payload, initial().crypto(0, listed()).build());
  ASSERT_LE(payload.size(), 1500U);
  TestInspector inspector;
  EXPECT_EQ(summary(inspector.inspect(datagram(payload), rules().view())), "drop_blocked quic_close");
}

// RFC 9000, 12.2 and 14.1 let servers ignore packets. That must hide nothing of a connection that they have.
TEST(QuicInspector, WhatServersIgnore) {
  const Bytes message = hello("listed.example.com", 1500);
  const Bytes passed = hello("www.example.org", 1500);
  const Bytes first = datagram(piece(message, 0, 700));
  const Bytes rest = piece(message, 700, message.size(), 1).build();
  ASSERT_LT(rest.size(), 1200U);
  const std::string server_id = "5e5e5e5e5e";
  const Bytes other = initial().id("0102030405060708").ping().build();
  run({
      {"a small datagram that begins nothing",
       {{small_datagram(piece(message, 0, 700).build()), "forward_no_request"},
        {small_datagram(rest), "forward_no_request"},
        {datagram(whole(listed())), "drop_blocked quic_close"}},
       {kListed}},
      {"a small datagram that continues",
       {{first, "forward_incomplete"}, {small_datagram(rest), "drop_blocked quic_close"}},
       {kListed}},
      {"a small datagram that continues under the server's id",
       {{first, "forward_incomplete"},
        {small_datagram(
             piece(message, 700, message.size(), 1).id(server_id).keys_from(kQuicClientId).build()),
         "drop_blocked quic_close"}},
       {kListed}},
      {"a small datagram that continues, unlisted",
       {{datagram(piece(passed, 0, 700)), "forward_incomplete"},
        {small_datagram(piece(passed, 700, passed.size(), 1).build()), "forward_passed"}},
       {kPassed}},
      {"small datagrams after the decision",
       {{datagram(whole(listed())), "drop_blocked quic_close"},
        {small_datagram(initial(1).ack().build()), "drop_blocked_flow"}},
       {kListed}},
      {"coalesced after a packet with another id",
       {{first, "forward_incomplete"}, {datagram(joined({other, rest})), "drop_blocked quic_close"}},
       {kListed}},
      {"a new id after another one, in one datagram",
       {{datagram(joined({other, whole(listed()).build()})), "forward_no_request"}},
       {}},
  });
}

/// Initials that nobody can read, as many as fit, each with the id `id_of(number)`.
template <class Id>
Bytes junk_datagram(const Id& id_of) {
  Bytes payload;
  for (std::size_t i = 0;; ++i) {
    const Bytes packet = initial(0).id(id_of(i)).keys_from("00").padding(3).build();
    if (payload.size() + packet.size() > 1472) return payload;
    append(payload, packet);
  }
}
std::string id_of(std::size_t number) {
  const std::string digits = std::to_string(10000000 + number);
  return digits + digits;
}

TEST(QuicInspector, ADatagramWithMoreThanAnyClientSendsIsDropped) {
  for (const bool closed : {false, true}) {
    TestInspector inspector({.close_quic_budget = closed});
    const auto outcome = [&](const Bytes& payload, Enforcement enforcement = Enforcement::enforce) {
      return summary(
          inspector.inspect(datagram(payload), rules().view(), Direction::from_subscriber, enforcement));
    };
    EXPECT_EQ(outcome(junk_datagram([](std::size_t i) { return id_of(i); })), "forward_no_request")
        << "servers ignore all but the first";
    EXPECT_EQ(outcome(junk_datagram([](std::size_t) { return id_of(0); })), "forward_no_request")
        << "one key, and as many attempts as fit";
    // Decoys that are connections of their own: their keys would have to be tried for each packet.
    for (std::size_t i = 1; i <= 8; ++i) {
      EXPECT_EQ(outcome(piece(hello("decoy.example.org"), 0, 50).id(id_of(i)).build()), "forward_incomplete");
    }
    Bytes payload = junk_datagram([](std::size_t) { return id_of(0); });
    EXPECT_EQ(outcome(payload), "drop_quic_budget");
    EXPECT_EQ(outcome(payload, Enforcement::monitor), "forward_monitor");
    EXPECT_EQ(outcome(whole(listed()).id(id_of(9)).build()), "drop_blocked quic_close");
  }
}

/// Datagrams of new ids from one host until its budget is spent; the number of those that were read.
std::size_t flood(TestInspector& inspector, const std::string& from, const std::string& beyond) {
  std::size_t read = 0;
  for (std::size_t i = 0; i < 400; ++i) {
    const Bytes frame = PacketBuilder()
                            .ethernet()
                            .ipv4(from, "192.0.2.1")
                            .udp(static_cast<std::uint16_t>(1024 + i), 443)
                            .payload(whole(unlisted()).id(id_of(i)).keys_from("00").build())
                            .build();
    const std::string outcome = summary(inspector.inspect(frame, rules().view()));
    const bool was_read = outcome == "forward_no_request";
    read += was_read ? 1U : 0U;
    EXPECT_TRUE(was_read || outcome == beyond) << outcome;
  }
  return read;
}

TEST(QuicInspector, EachSourceHasABudget) {
  const Bytes message = hello("listed.example.com", 1500);
  for (const bool closed : {false, true}) {
    const std::string beyond = closed ? "drop_quic_budget" : "forward_quic_budget";
    TestInspector inspector({.close_quic_budget = closed, .quic_initials_per_source = 100});
    EXPECT_EQ(summary(inspector.inspect(datagram(piece(message, 0, 700)), rules().view())),
              "forward_incomplete");
    EXPECT_EQ(flood(inspector, "10.0.0.9", beyond), 100U);
    EXPECT_EQ(summary(inspector.inspect(datagram(whole(listed()), 40000), rules().view())),
              "drop_blocked quic_close")
        << "a neighbour is inspected";
    EXPECT_LT(flood(inspector, "10.0.0.1", beyond), 100U);
    EXPECT_EQ(summary(inspector.inspect(datagram(whole(listed()), 40001), rules().view())), beyond);
    EXPECT_EQ(summary(inspector.inspect(datagram(piece(message, 700, message.size(), 1)), rules().view())),
              "drop_blocked quic_close")
        << "a connection that is known is read on";
    inspector.now += seconds(1);
    EXPECT_EQ(summary(inspector.inspect(datagram(whole(listed()), 40001), rules().view())),
              "drop_blocked quic_close");
    const auto monitored = inspector.inspect(datagram(whole(unlisted()), 40002), rules().view(),
                                             Direction::from_subscriber, Enforcement::monitor);
    EXPECT_EQ(summary(monitored), "forward_passed");
  }
}

TEST(QuicInspector, AFloodOfHalfHellosHidesNobodyElsesHello) {
  const Bytes message = hello("listed.example.com", 1500);
  const Bytes junk = hello("www.example.org", 1500);
  TestInspector inspector({.quic_connections = 64, .quic_initials_per_source = 100000});
  inspector.inspect(datagram(piece(message, 0, 700)), rules().view());
  for (std::size_t i = 0; i < 1000; ++i) {
    inspector.inspect(PacketBuilder()
                          .ethernet()
                          .ipv4("10.0.0.9", "192.0.2.1")
                          .udp(static_cast<std::uint16_t>(1024 + i), 443)
                          .payload(piece(junk, 0, 700).id(id_of(i)).pad_to(1200).build())
                          .build(),
                      rules().view());
  }
  EXPECT_EQ(summary(inspector.inspect(datagram(piece(message, 700, message.size(), 1)), rules().view())),
            "drop_blocked quic_close");
}

}  // namespace
}  // namespace weir::test
