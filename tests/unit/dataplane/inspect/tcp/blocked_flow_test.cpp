#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/flow/accepted_connections.h"
#include "tests/support/http_text.h"
#include "tests/support/packet_builder.h"
#include "tests/support/tls_hello_builder.h"
#include "tests/unit/dataplane/inspect/inspect_fixture.h"

namespace weir::test {
namespace {

const TestSnapshot& rules() {
  static const TestSnapshot snapshot(std::vector<ListText>{{"hotline", {"listed.example.com"}}});
  return snapshot;
}

const std::string kListed = http_get("listed.example.com");
const auto kListedBytes = static_cast<std::uint32_t>(kListed.size());
const std::string kOther = http_get("www.example.org");

/// One segment of the client, and its outcome. Numbers count from the connection's sequence number.
struct Step {
  std::string what;
  std::uint32_t sequence = 0;
  std::string flags;
  std::string payload;
  std::string outcome;
  std::optional<std::uint32_t> server_next{};  // of the RST to the server, if one is expected
  std::optional<std::uint32_t> client_end{};   // what the answer acknowledges
  std::chrono::seconds later{0};
};

void run(const std::string& what, const std::vector<Step>& steps, std::uint32_t base,
         const inspect::InspectorSettings& settings = {}) {
  TestInspector inspector(settings);
  for (const Step& step : steps) {
    inspector.now += step.later;
    const Bytes frame = PacketBuilder()
                            .ethernet()
                            .ipv4("10.0.0.1", "192.0.2.1")
                            .tcp(1234, 80)
                            .seq(base + step.sequence)
                            .ack(5000)
                            .flags(step.flags)
                            .payload(step.payload)
                            .build();
    const auto verdict = inspector.inspect(frame, rules().view());
    const std::string where = what + ": " + step.what;
    EXPECT_EQ(summary(verdict), step.outcome) << where;
    EXPECT_EQ(verdict.reset_server, step.server_next.has_value()) << where;
    if (step.server_next) {
      EXPECT_EQ(verdict.server_next, base + *step.server_next) << where;
    }
    if (step.client_end) {
      EXPECT_EQ(verdict.client_end, base + *step.client_end) << where;
    }
  }
}

void run_around_the_wrap(const std::string& what, const std::vector<Step>& steps) {
  for (const std::uint32_t base : {1000U, 0xffffffffU, 0U - kListedBytes, 0x7fffffffU}) {
    run(what + " from " + std::to_string(base), steps, base);
  }
}

TEST(BlockedFlow, ThePageAndTheClientsClose) {
  const std::uint32_t end = kListedBytes;
  run_around_the_wrap(
      "page",
      {
          {"the request", 0, "PA", kListed, "drop_blocked http_page", 0, end},
          {"its retransmission", 0, "PA", kListed, "drop_blocked_flow http_page", 0, end},
          {"an acknowledgement of the page", end, "A", "", "drop_blocked_flow"},
          {"more data", end, "PA", "body", "drop_blocked_flow finish", {}, end + 4},
          {"data far ahead", end + 100, "PA", "body", "drop_blocked_flow finish", {}, end + 104},
          {"the data before it again: all is acknowledged",
           end,
           "PA",
           "body",
           "drop_blocked_flow finish",
           {},
           end + 104},
          {"FIN: the server is reset again", end + 104, "FA", "", "drop_blocked_flow finish", 0, end + 105},
          {"FIN again", end + 104, "FA", "", "drop_blocked_flow finish", 0, end + 105},
          {"RST: so is it by this one", end + 105, "R", "", "drop_blocked_flow", 0},
          {"an unlisted request on the same connection", end, "PA", kOther, "drop_blocked_flow finish"},
      });
}

TEST(BlockedFlow, RetransmissionsInOtherPieces) {
  run_around_the_wrap(
      "pieces",
      {
          {"the request", 0, "PA", kListed, "drop_blocked http_page", 0, kListedBytes},
          {"its first bytes", 0, "A", kListed.substr(0, 9), "drop_blocked_flow http_page", 0, kListedBytes},
          {"its last bytes", kListedBytes - 5, "PA", kListed.substr(kListedBytes - 5),
           "drop_blocked_flow http_page", 0, kListedBytes},
          {"joined with what follows", 0, "PA", kListed + "more", "drop_blocked_flow http_page", 0,
           kListedBytes + 4},
          {"data before it that was never acknowledged", 0U - 10, "PA", "0123456789",
           "drop_blocked_flow http_page", 0, kListedBytes + 4},
      });
}

TEST(BlockedFlow, KeptAlive) {
  const auto first = static_cast<std::uint32_t>(kOther.size());
  run_around_the_wrap("kept alive", {
                                        {"an unlisted request", 0, "PA", kOther, "forward_passed"},
                                        {"the listed one in a segment of its own", first, "PA", kListed,
                                         "drop_blocked http_page", first, first + kListedBytes},
                                        {"the unlisted one again", 0, "PA", kOther,
                                         "drop_blocked_flow http_page", first, first + kListedBytes},
                                    });
}

TEST(BlockedFlow, PipelinedRequestsAreReset) {
  const auto all = static_cast<std::uint32_t>(kOther.size()) + kListedBytes;
  run_around_the_wrap("pipelined",
                      {
                          {"both", 0, "PA", kOther + kListed, "drop_blocked reset", 0, all},
                          {"both again", 0, "PA", kOther + kListed, "drop_blocked_flow reset", 0, all},
                          {"what follows", all, "PA", "more", "drop_blocked_flow reset", 0, all + 4},
                          {"FIN", all + 4, "FA", "", "drop_blocked_flow reset", 0, all + 5},
                      });
}

TEST(BlockedFlow, ARequestWithFin) {
  run_around_the_wrap(
      "with FIN",
      {
          {"the request", 0, "FPA", kListed, "drop_blocked http_page", 0, kListedBytes + 1},
          {"FIN alone again", kListedBytes, "FA", "", "drop_blocked_flow http_page", 0, kListedBytes + 1},
      });
}

TEST(BlockedFlow, DataOnSyn) {
  run_around_the_wrap(
      "fast open",
      {
          {"SYN with the request", 0, "S", kListed, "drop_blocked reset", {}, kListedBytes + 1},
          {"SYN again, with it", 0, "S", kListed, "drop_blocked_flow reset", {}, kListedBytes + 1},
          {"SYN again, without it", 0, "S", "", "drop_blocked_flow reset", {}, kListedBytes + 1},
          {"a SYN of a number close by", 77, "S", "", "drop_blocked_flow"},
          {"another connection", 100077, "S", "", "forward_not_candidate"},
          {"its data", 100078, "PA", kOther, "forward_passed"},
          {"the blocked connection's", 1, "PA", kListed, "drop_blocked_flow reset"},
      });
}

TEST(BlockedFlow, ThePortIsUsedAgain) {
  run_around_the_wrap(
      "port reuse",
      {
          {"the request", 0, "PA", kListed, "drop_blocked http_page", 0, kListedBytes},
          {"SYN", 500000, "S", "", "forward_not_candidate"},
          {"an acknowledgement", 500001, "A", "", "forward_not_candidate"},
          {"an unlisted request", 500001, "PA", kOther, "forward_passed"},
          {"a listed request", 500001 + static_cast<std::uint32_t>(kOther.size()), "PA", kListed,
           "drop_blocked http_page", 500001 + static_cast<std::uint32_t>(kOther.size())},
          {"a SYN-ACK opens nothing near the blocked one", 20000, "SA", "", "drop_blocked_flow finish"},
      });
}

TEST(BlockedFlow, DistantNumbersAreAnotherConnectionEvenWithoutItsSyn) {
  // Its SYN took another path, or the table was full of connections with unfinished messages.
  run_around_the_wrap("no SYN",
                      {
                          {"the request", 0, "PA", kListed, "drop_blocked http_page", 0, kListedBytes},
                          {"an acknowledgement", 0x10000000, "A", "", "forward_not_candidate"},
                          {"an unlisted request", 0x10000000, "PA", kOther, "forward_passed"},
                          {"its FIN", 0x10000000, "FA", "", "forward_not_candidate"},
                          {"a listed one", 0x20000000, "PA", kListed, "drop_blocked http_page", 0x20000000},
                          {"the first again", 0, "PA", kListed, "drop_blocked_flow http_page", 0},
                      });
}

TEST(BlockedFlow, ThePortIsUsedAgainAfterSeveralBlocks) {
  // A busy client, or a carrier's NAT with few ports per subscriber, reuses the port while its blocked
  // connection is still remembered.
  std::vector<Step> steps;
  for (std::uint32_t turn = 0; turn < 5; ++turn) {
    const std::uint32_t first = 1 + turn * 400000000;
    steps.push_back({"SYN " + std::to_string(turn), first - 1, "S", "", "forward_not_candidate"});
    steps.push_back(
        {"a listed request", first, "PA", kListed, "drop_blocked http_page", first, first + kListedBytes});
    steps.push_back({"the client's FIN", first + kListedBytes, "FA", "", "drop_blocked_flow finish", first});
  }
  const std::uint32_t last = 1 + 5U * 400000000;
  steps.push_back({"SYN of one more", last - 1, "S", "", "forward_not_candidate"});
  steps.push_back({"an unlisted request", last, "PA", kOther, "forward_passed"});
  steps.push_back({"the first one's request again", 1, "PA", kListed, "drop_blocked_flow http_page", 1});
  run_around_the_wrap("port reuse", steps);
}

TEST(BlockedFlow, AListedRequestInARst) {
  run_around_the_wrap(
      "RST with data",
      {
          {"RST is dropped and never answered", 0, "RA", kListed, "drop_blocked", 0},
          {"the request itself", 0, "PA", kListed, "drop_blocked_flow http_page", 0, kListedBytes},
      });
}

TEST(BlockedFlow, IsForgottenAfterItsLifetime) {
  inspect::InspectorSettings settings;
  settings.flow_lifetime = std::chrono::seconds(60);
  run("lifetime",
      {
          {"the request", 0, "PA", kListed, "drop_blocked http_page", 0},
          {"an acknowledgement",
           kListedBytes,
           "A",
           "",
           "drop_blocked_flow",
           {},
           {},
           std::chrono::seconds(59)},
          {"another", kListedBytes, "A", "", "drop_blocked_flow", {}, {}, std::chrono::seconds(59)},
          {"after the lifetime",
           kListedBytes,
           "A",
           "",
           "forward_not_candidate",
           {},
           {},
           std::chrono::seconds(60)},
      },
      1000, settings);
}

TEST(BlockedFlow, RemembersTheClientsMss) {
  struct Case {
    std::string what;
    std::string options;  // of the SYN; empty: no SYN is seen
    std::uint16_t expected;
  };
  const std::vector<Case> cases{
      {"no SYN", "", 0},
      {"a SYN without the option", "01010402", 0},
      {"with it", "020405b4", 1460},
      {"after others", "010303070402020404c4", 1220},
  };
  for (const Case& test : cases) {
    TestInspector inspector;
    const auto look = [&inspector](PacketBuilder packet) {
      return inspector.inspect(packet.build(), rules().view());
    };
    if (!test.options.empty()) {
      PacketBuilder syn = segment().seq(999).flags("S").tcp_options(from_hex(test.options));
      EXPECT_EQ(summary(look(syn)), "forward_not_candidate") << test.what;
    }
    EXPECT_EQ(summary(look(segment().payload(kListed.substr(0, 20)))), "forward_incomplete") << test.what;
    const auto rest = segment().seq(1020).payload(kListed.substr(20));
    for (const char* outcome : {"drop_blocked http_page", "drop_blocked_flow http_page"}) {
      const auto verdict = look(rest);
      EXPECT_EQ(summary(verdict), outcome) << test.what;
      EXPECT_EQ(verdict.client_mss, test.expected) << test.what;
    }
  }
}

TEST(BlockedFlow, WithoutAHandshakeTheClientGetsOneResetAndTheServerNothing) {
  const inspect::InspectorSettings settings{.needs_handshake = true};
  const std::vector<Step> no_syn{{"the request", 0, "PA", kListed, "drop_blocked reset"},
                                 {"its retransmission", 0, "PA", kListed, "drop_blocked_flow reset"},
                                 {"FIN", kListedBytes, "FA", "", "drop_blocked_flow reset"},
                                 {"RST", kListedBytes + 1, "R", "", "drop_blocked_flow"}};
  run("no SYN", no_syn, 1000, settings);
  run("no ACK",
      {{"SYN", 0U - 1, "S", "", "forward_not_candidate"},
       {"the request", 0, "P", kListed, "drop_blocked reset"}},
      1000, settings);
  run("a handshake",
      {{"SYN", 0U - 1, "S", "", "forward_not_candidate"},
       {"the request", 0, "PA", kListed, "drop_blocked http_page", 0, kListedBytes}},
      1000, settings);
}

// A client that sees none of what the server sends has to guess what it acknowledges.
TEST(BlockedFlow, AHandshakeAcknowledgesWhatTheServerSent) {
  constexpr std::uint32_t kServerStart = 0xfffffff0;
  const auto run_connection = [](const std::string& what, std::uint32_t acknowledged, bool accepted,
                                 const std::string& outcome, std::chrono::seconds later = {}) {
    TestInspector inspector({.needs_handshake = true, .checks_acknowledgement = true});
    const auto from_server = [&](std::uint16_t port, std::uint32_t sequence, std::string_view flags) {
      const Bytes frame = PacketBuilder()
                              .ethernet()
                              .ipv4("192.0.2.1", "10.0.0.1")
                              .tcp(80, port)
                              .seq(sequence)
                              .flags(flags)
                              .build();
      EXPECT_EQ(summary(inspector.inspect(frame, rules().view(), inspect::Direction::from_network)),
                "forward_not_candidate");
    };
    from_server(1, 77, "SA");  // of another connection: what servers send passes here
    inspector.inspect(segment().seq(999).flags("S").build(), rules().view());
    from_server(1234, kServerStart + 5, "S");  // accepts nothing
    if (accepted) from_server(1234, kServerStart, "SA");
    inspector.now += later;
    const Bytes request = segment().seq(1000).ack(acknowledged).flags("PA").payload(kListed).build();
    EXPECT_EQ(summary(inspector.inspect(request, rules().view())), outcome) << what;
  };
  const std::string page = "drop_blocked http_page";
  const std::string reset = "drop_blocked reset";
  constexpr std::uint32_t kReceived = flow::AcceptedConnections::kReceivedBytes;
  run_connection("its SYN-ACK", kServerStart + 1, true, page);
  run_connection("and data", kServerStart + kReceived, true, page);
  run_connection("more than that", kServerStart + 1 + kReceived, true, reset);
  run_connection("less than its SYN-ACK", kServerStart, true, reset);
  run_connection("the server did not accept", kServerStart + 1, false, reset);
  run_connection("no SYN-ACK has passed for a minute", 0x50000000, false, page, std::chrono::seconds(60));
  run_connection("but the one of this connection", 0x50000000, true, reset, std::chrono::seconds(60));
}

TEST(BlockedFlow, OtherConnectionsAreNotAffected) {
  TestInspector inspector;
  const auto from = [](std::uint16_t port, std::string_view client) {
    return PacketBuilder().ethernet().ipv4(client, "192.0.2.1").tcp(port, 80).ack(5).flags("PA");
  };
  const auto look = [&inspector](const PacketBuilder& packet) {
    return summary(inspector.inspect(packet.build(), rules().view()));
  };
  EXPECT_EQ(look(from(1, "10.0.0.1").payload(kListed)), "drop_blocked http_page");
  EXPECT_EQ(look(from(2, "10.0.0.1").payload(kOther)), "forward_passed");
  EXPECT_EQ(look(from(1, "10.0.0.2").payload(kOther)), "forward_passed");
  EXPECT_EQ(look(from(1, "10.0.0.1").payload(kOther)), "drop_blocked_flow http_page");
  // The server's packets of the blocked connection.
  const Bytes response =
      PacketBuilder().ethernet().ipv4("192.0.2.1", "10.0.0.1").tcp(80, 1).flags("PA").payload("x").build();
  EXPECT_EQ(summary(inspector.inspect(response, rules().view(), inspect::Direction::from_network)),
            "forward_not_candidate");
}

TEST(BlockedFlow, MonitorTouchesNothing) {
  TestInspector inspector;
  const auto look = [&inspector](const std::string& payload, base::Enforcement enforcement) {
    return summary(inspector.inspect(http_segment(payload), rules().view(),
                                     inspect::Direction::from_subscriber, enforcement));
  };
  EXPECT_EQ(look(kListed, base::Enforcement::enforce), "drop_blocked http_page");
  EXPECT_EQ(look(kListed, base::Enforcement::monitor), "forward_monitor");
  EXPECT_EQ(look(kOther, base::Enforcement::monitor), "forward_monitor") << "conflicting bytes";
  EXPECT_EQ(look("", base::Enforcement::bypass), "forward_bypass");
}

TEST(BlockedFlow, TheOldestIsEvictedWhenTheTableIsFull) {
  inspect::InspectorSettings settings;
  settings.flow_capacity = 8;
  TestInspector inspector(settings);
  const auto look = [&inspector](std::uint16_t port, const std::string& payload) {
    inspector.now += std::chrono::seconds(1);
    const Bytes frame = PacketBuilder()
                            .ethernet()
                            .ipv4("10.0.0.1", "192.0.2.1")
                            .tcp(port, 80)
                            .ack(5)
                            .flags("PA")
                            .payload(payload)
                            .build();
    return summary(inspector.inspect(frame, rules().view()));
  };
  for (std::uint16_t port = 1; port <= 9; ++port) EXPECT_EQ(look(port, kListed), "drop_blocked http_page");
  EXPECT_EQ(inspector.counters().get(base::Counter::flow_evictions), 1U);
  EXPECT_EQ(look(2, kOther), "drop_blocked_flow http_page");
  EXPECT_EQ(inspector.inspector().blocked_flows(), 8U);
  EXPECT_EQ(look(1, kOther), "forward_passed");
  EXPECT_EQ(inspector.inspector().blocked_flows(), 7U);
}

}  // namespace
}  // namespace weir::test
