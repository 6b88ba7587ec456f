#include "dataplane/inspect/inspector.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/http_text.h"
#include "tests/support/packet_builder.h"
#include "tests/support/tls_hello_builder.h"
#include "tests/unit/dataplane/inspect/inspect_fixture.h"

namespace weir::test {
namespace {

using base::Counter;
using base::Enforcement;
using base::index_of;
using base::Protocol;
using base::RequestVerdict;
using inspect::Direction;
using Requests = std::vector<std::string>;

/// The first list is `hotline`, the second `local`.
const TestSnapshot& rules() {
  static const TestSnapshot snapshot({
      {"hotline",
       {"listed.example.com", "*.below.example.com", "paths.example.com/dir/", "paths.example.com/page",
        "paths.example.com/q?id=7", "port.example.com:8080", "192.0.2.1", "[2001:db8::2]",
        "port.example.com:443"}},
      {"local", {"!ok.listed.example.com", "listed.example.com", "192.0.2.9/only"}},
  });
  return snapshot;
}

std::string pad(const std::string& text) { return text + "\r\n\r\n"; }

TEST(Inspector, CountsThePathsThatAreAddedToAConnection) {
  TestInspector inspector;
  const Bytes join = from_hex("1e0c 10 05 00000001 00000002");
  const auto send = [&](const Bytes& options, Direction direction) {
    inspector.inspect(segment().flags("S").tcp_options(options).build(), rules().view(), direction);
    return inspector.counters().get(Counter::mptcp_joins);
  };
  EXPECT_EQ(send(from_hex("020405b4"), Direction::from_subscriber), 0U);
  EXPECT_EQ(send(join, Direction::from_network), 0U);
  EXPECT_EQ(send(join, Direction::from_subscriber), 1U);
}

TEST(Inspector, HttpRequests) {
  struct Case {
    std::string what;
    std::string payload;
    std::string outcome;
    Requests requests;
    std::uint16_t port = 80;
  };
  const std::string other = http_get("www.example.org");
  const std::string other_seen = "http pass www.example.org/ no_match";
  const std::vector<Case> cases{
      {"an unlisted host", other, "forward_passed", {other_seen}},
      {"a listed host",
       http_get("listed.example.com", "/a?b"),
       "drop_blocked http_page",
       {"http block listed.example.com/a?b listed 1"}},
      {"a host below a listed domain",
       http_get("www.listed.example.com"),
       "drop_blocked http_page",
       {"http block www.listed.example.com/ listed 1"}},
      {"an allow rule on another list wins",
       http_get("ok.listed.example.com"),
       "forward_allowed",
       {"http pass ok.listed.example.com/ allow_rule 1"}},
      {"the apex of a wildcard",
       http_get("below.example.com"),
       "forward_passed",
       {"http pass below.example.com/ no_match"}},
      {"below the apex of a wildcard",
       http_get("x.below.example.com"),
       "drop_blocked http_page",
       {"http block x.below.example.com/ listed 2"}},
      {"under a prefix",
       http_get("paths.example.com", "/dir/x"),
       "drop_blocked http_page",
       {"http block paths.example.com/dir/x listed 3"}},
      {"beside a prefix",
       http_get("paths.example.com", "/directory"),
       "forward_passed",
       {"http pass paths.example.com/directory no_match"}},
      {"a path",
       http_get("paths.example.com", "/x/../%70age?any"),
       "drop_blocked http_page",
       {"http block paths.example.com/page?any listed 4"}},
      {"a path with its query",
       http_get("paths.example.com", "/q?id=7"),
       "drop_blocked http_page",
       {"http block paths.example.com/q?id=7 listed 5"}},
      {"a path with another query",
       http_get("paths.example.com", "/q?id=8"),
       "forward_passed",
       {"http pass paths.example.com/q?id=8 no_match"}},
      {"a rule with a port, by the connection's",
       http_get("port.example.com"),
       "drop_blocked http_page",
       {"http block port.example.com/ listed 6"},
       8080},
      {"a rule with a port, by the written one",
       http_get("port.example.com:8080"),
       "drop_blocked http_page",
       {"http block port.example.com:8080/ listed 6"},
       3128},
      {"a rule with a port, on another",
       http_get("port.example.com"),
       "forward_passed",
       {"http pass port.example.com/ no_match"}},
      {"the port of the scheme, as written",
       http_get("listed.example.com:80"),
       "drop_blocked http_page",
       {"http block listed.example.com:80/ listed 1"}},
      {"HEAD",
       http_request_text({.method = "HEAD", .host = "listed.example.com"}),
       "drop_blocked http_page",
       {"http block listed.example.com/ listed 1"}},
      {"absolute form, its host listed",
       http_request_text({.target = "http://listed.example.com/a", .host = "www.example.org"}),
       "drop_blocked http_page",
       {"http block listed.example.com/a listed 1"}},
      {"absolute form, Host listed",
       http_request_text({.target = "http://www.example.org/a", .host = "listed.example.com"}),
       "drop_blocked http_page",
       {"http block listed.example.com/a listed 1"}},
      {"absolute form, nothing listed: it goes to the target's host",
       http_request_text({.target = "http://www.example.org/a", .host = "other.example.org"}),
       "forward_passed",
       {"http pass www.example.org/a no_match"}},
      {"an allowed name does not cover a listed one",
       http_request_text({.target = "http://ok.listed.example.com/", .host = "listed.example.com"}),
       "drop_blocked http_page",
       {"http block listed.example.com/ listed 1"}},
      {"the second of two Host headers",
       "GET / HTTP/1.1\r\nHost: www.example.org\r\nHost: listed.example.com\r\n\r\n",
       "drop_blocked http_page",
       {"http block listed.example.com/ listed 1"}},
      {"CONNECT to a listed host",
       pad("CONNECT listed.example.com:443 HTTP/1.1"),
       "drop_blocked http_page",
       {"http block listed.example.com:443 listed 1"},
       3128},
      {"CONNECT to a host with path rules: the path is not known",
       pad("CONNECT paths.example.com:443 HTTP/1.1\r\nHost: paths.example.com:443"),
       "forward_passed",
       {"http pass paths.example.com:443 no_match"},
       3128},
      {"HTTP/1.0 without Host to a listed address",
       pad("GET / HTTP/1.0"),
       "drop_blocked http_page",
       {"http block 192.0.2.1/ listed 7"}},
      {"an empty Host to a listed address",
       pad("GET / HTTP/1.1\r\nHost: "),
       "drop_blocked http_page",
       {"http block 192.0.2.1/ listed 7"}},
      {"a Host that can be no name",
       pad("GET / HTTP/1.1\r\nHost: " + std::string(300, 'a')),
       "forward_passed",
       {"http pass  invalid_host"}},
      {"a Host that can be no name beside a listed one",
       pad("GET / HTTP/1.1\r\nHost: " + std::string(300, 'a') + "\r\nHost: listed.example.com"),
       "drop_blocked http_page",
       {"http block listed.example.com/ listed 1"}},
      {"pipelined, the second listed",
       other + http_get("listed.example.com"),
       "drop_blocked reset",
       {other_seen, "http block listed.example.com/ listed 1"}},
      {"pipelined, the first listed: the rest is dropped unseen",
       http_get("listed.example.com") + other,
       "drop_blocked http_page",
       {"http block listed.example.com/ listed 1"}},
      {"after a body",
       http_request_text({.method = "POST", .host = "www.example.org", .body = "GET / HTTP/1.1"}) +
           http_get("listed.example.com"),
       "drop_blocked reset",
       {other_seen, "http block listed.example.com/ listed 1"}},
      {"within a body: no request",
       http_request_text(
           {.method = "POST", .host = "www.example.org", .body = http_get("listed.example.com")}),
       "forward_passed",
       {other_seen}},
      {"empty lines first",
       "\r\n\r\n" + http_get("listed.example.com"),
       "drop_blocked http_page",
       {"http block listed.example.com/ listed 1"}},
      {"the beginning of a request", "GET / HTTP/1.1\r\nHost: listed.exam", "forward_incomplete", {}},
      {"a request and the beginning of another",
       other + "GET / HTTP/1.1\r\nHo",
       "forward_passed",
       {other_seen}},
      {"no request", std::string("\x06\x01\x00", 3), "forward_no_request", {}},
      {"nothing", "", "forward_not_candidate", {}},
  };
  for (const Case& test : cases) {
    TestInspector inspector;
    const auto verdict = inspector.inspect(http_segment(test.payload, test.port), rules().view());
    EXPECT_EQ(summary(verdict), test.outcome) << test.what;
    EXPECT_EQ(inspector.take_requests(), test.requests) << test.what;
    EXPECT_EQ(verdict.action == inspect::Action::drop, test.outcome.starts_with("drop")) << test.what;
  }
}

TEST(Inspector, ClientHellos) {
  struct Case {
    std::string what;
    Bytes hello;
    std::string outcome;
    Requests requests;
    bool v6 = false;
  };
  const auto hello = [](std::string_view name) { return TlsHelloBuilder().sni(name).record(); };
  const std::string listed = "tls block listed.example.com listed 1";
  const std::vector<Case> cases{
      {"an unlisted name", hello("www.example.org"), "forward_passed", {"tls pass www.example.org no_match"}},
      {"a listed name", hello("listed.example.com"), "drop_blocked tls_alert", {listed}},
      {"in mixed case with a dot", hello("LISTED.example.COM."), "drop_blocked tls_alert", {listed}},
      {"with a port",
       hello("listed.example.com:443"),
       "drop_blocked tls_alert",
       {"tls block listed.example.com:443 listed 1"}},
      {"an allowed name",
       hello("ok.listed.example.com"),
       "forward_allowed",
       {"tls pass ok.listed.example.com allow_rule 1"}},
      {"a rule with this port",
       hello("port.example.com"),
       "drop_blocked tls_alert",
       {"tls block port.example.com listed 9"}},
      {"the second of two names",
       TlsHelloBuilder().server_names({"www.example.org", "listed.example.com"}).record(),
       "drop_blocked tls_alert",
       {listed}},
      {"a host with path rules is never blocked whole",
       hello("paths.example.com"),
       "forward_passed",
       {"tls pass paths.example.com no_match"}},
      {"no name, a listed address",
       TlsHelloBuilder().alpn({"h2"}).record(),
       "drop_blocked tls_alert",
       {"tls block 192.0.2.1 listed 7"}},
      {"no name, a listed IPv6 address",
       TlsHelloBuilder().alpn({"h2"}).record(),
       "drop_blocked tls_alert",
       {"tls block [2001:db8::2] listed 8"},
       true},
      {"no extensions, a listed address",
       TlsHelloBuilder().without_extensions().record(),
       "drop_blocked tls_alert",
       {"tls block 192.0.2.1 listed 7"}},
      {"a name that can be none", hello(std::string(300, 'a')), "forward_passed", {"tls pass  invalid_host"}},
  };
  for (const Case& test : cases) {
    TestInspector inspector;
    const Bytes frame = test.v6 ? PacketBuilder()
                                      .ethernet()
                                      .ipv6("2001:db8::1", "2001:db8::2")
                                      .tcp(1234, 443)
                                      .payload(test.hello)
                                      .build()
                                : segment(443).payload(test.hello).build();
    EXPECT_EQ(summary(inspector.inspect(frame, rules().view())), test.outcome) << test.what;
    EXPECT_EQ(inspector.take_requests(), test.requests) << test.what;
  }
}

TEST(Inspector, AnIncompleteHelloPasses) {
  const Bytes hello = TlsHelloBuilder().sni("listed.example.com").record();
  for (std::size_t cut = 1; cut < hello.size(); ++cut) {
    TestInspector inspector;
    const Bytes frame = segment(443).payload(std::span(hello).first(cut)).build();
    EXPECT_EQ(summary(inspector.inspect(frame, rules().view())), "forward_incomplete") << cut;
  }
}

TEST(Inspector, TheSecondHelloAfterARetryRequest) {
  TestInspector inspector;
  Bytes payload = from_hex("14 0303 0001 01");
  append(payload, TlsHelloBuilder().sni("listed.example.com").record());
  const auto verdict = inspector.inspect(segment(443).payload(payload).build(), rules().view());
  EXPECT_EQ(summary(verdict), "drop_blocked tls_alert");
}

TEST(Inspector, AHelloRightAfterConnect) {
  TestInspector inspector;
  Bytes payload = to_bytes("CONNECT www.example.org:443 HTTP/1.1\r\n\r\n");
  append(payload, TlsHelloBuilder().sni("listed.example.com").record());
  const auto verdict = inspector.inspect(segment(3128).payload(payload).build(), rules().view());
  EXPECT_EQ(summary(verdict), "drop_blocked reset");
  EXPECT_EQ(inspector.take_requests(),
            (Requests{"http pass www.example.org:443 no_match", "tls block listed.example.com listed 1"}));
}

TEST(Inspector, PacketsThatAreNotCandidates) {
  struct Case {
    std::string what;
    Bytes frame;
    std::string outcome;
    Direction direction = Direction::from_subscriber;
    Enforcement enforcement = Enforcement::enforce;
  };
  const Bytes listed = http_segment(http_get("listed.example.com"));
  const auto ip = [] { return PacketBuilder().ethernet().ipv4("10.0.0.1", "192.0.2.1"); };
  const std::vector<Case> cases{
      {"ARP", PacketBuilder().ethernet().arp_request("10.0.0.1", "10.0.0.2").build(), "forward_not_ip"},
      {"a runt", Bytes(5), "forward_malformed"},
      {"an empty frame", {}, "forward_malformed"},
      {"a fragment", ip().fragment(0, true).tcp(1, 80).payload("GET / HTTP/1.1\r\n\r\n").build(),
       "forward_fragment"},
      {"ICMP", ip().protocol(1).payload("ping").build(), "forward_not_candidate"},
      {"UDP", ip().udp(1, 443).payload("x").build(), "forward_not_candidate"},
      {"from the network", listed, "forward_not_candidate", Direction::from_network},
      {"of unknown direction", listed, "drop_blocked http_page", Direction::unknown},
      {"bypass", listed, "forward_bypass", Direction::from_subscriber, Enforcement::bypass},
      {"monitor", listed, "forward_monitor", Direction::from_subscriber, Enforcement::monitor},
  };
  for (const Case& test : cases) {
    TestInspector inspector;
    const auto verdict = inspector.inspect(test.frame, rules().view(), test.direction, test.enforcement);
    EXPECT_EQ(summary(verdict), test.outcome) << test.what;
  }
}

TEST(Inspector, WithoutASnapshotRequestsAreCountedAndPass) {
  TestInspector inspector;
  EXPECT_EQ(summary(inspector.inspect(http_segment(http_get("listed.example.com")), nullptr)),
            "forward_passed");
  EXPECT_EQ(inspector.take_requests(), Requests{"http pass listed.example.com/ no_match"});
}

TEST(Inspector, InspectsOnlyTheConfiguredPorts) {
  const Bytes hello = TlsHelloBuilder().sni("listed.example.com").record();
  const std::string request = http_get("listed.example.com");
  struct Case {
    std::string what;
    inspect::InspectorSettings settings;
    std::string http_80, http_81, tls_443, tls_80;
  };
  const std::string no = "forward_not_candidate";
  std::vector<Case> cases(5);
  cases[0] = {"any port",
              {},
              "drop_blocked http_page",
              "drop_blocked http_page",
              "drop_blocked tls_alert",
              "drop_blocked tls_alert"};
  cases[1] = {"ports", {}, "drop_blocked http_page", no, "drop_blocked tls_alert", "forward_no_request"};
  cases[1].settings.http_ports = {8080, 80};
  cases[1].settings.tls_ports = {443};
  cases[2] = {"no HTTP",
              {},
              "forward_no_request",
              "forward_no_request",
              "drop_blocked tls_alert",
              "drop_blocked tls_alert"};
  cases[2].settings.inspect_http = false;
  cases[3] = {"no TLS",
              {},
              "drop_blocked http_page",
              "drop_blocked http_page",
              "forward_no_request",
              "forward_no_request"};
  cases[3].settings.inspect_tls = false;
  cases[4] = {"a reset for TLS",        {},
              "drop_blocked http_page", "drop_blocked http_page",
              "drop_blocked reset",     "drop_blocked reset"};
  cases[4].settings.tls_alert = false;
  for (const Case& test : cases) {
    const auto outcome = [&test](const Bytes& frame) {
      TestInspector inspector(test.settings);
      return summary(inspector.inspect(frame, rules().view()));
    };
    EXPECT_EQ(outcome(http_segment(request, 80)), test.http_80) << test.what;
    EXPECT_EQ(outcome(http_segment(request, 81)), test.http_81) << test.what;
    EXPECT_EQ(outcome(segment(443).payload(hello).build()), test.tls_443) << test.what;
    EXPECT_EQ(outcome(segment(80).payload(hello).build()), test.tls_80) << test.what;
  }
}

TEST(Inspector, PrefetchesTheFlowsThatItWillRead) {
  TestInspector inspector;
  struct Case {
    std::string what;
    Bytes frame;
    bool has_flow;
  };
  const std::vector<Case> cases{
      {"data", segment(80).payload("GET / HTTP/1.1").build(), true},
      {"a SYN", segment(80).flags("S").build(), true},
      {"a bare acknowledgement", segment(80).flags("A").build(), false},
      {"a datagram",
       PacketBuilder().ethernet().ipv4("10.0.0.1", "192.0.2.1").udp(4000, 443).payload("text").build(),
       false},
  };
  const auto prefetches = [&inspector](const Bytes& frame) {
    return inspector.inspector().prefetch(proto::parse_packet(frame, proto::LinkType::ethernet)) != 0;
  };
  for (const Case& test : cases) EXPECT_EQ(prefetches(test.frame), test.has_flow) << test.what;
  // Once a connection is blocked, any packet may belong to it.
  inspector.inspect(http_segment(http_get("listed.example.com")), rules().view());
  EXPECT_TRUE(prefetches(cases[2].frame));
}

TEST(Inspector, CountsWhatItSaw) {
  TestInspector inspector;
  const auto see = [&inspector](const Bytes& frame) { inspector.inspect(frame, rules().view()); };
  std::uint16_t port = 443;
  const auto see_hello = [&see, &port](const TlsHelloBuilder& hello) {
    see(segment(port++).payload(hello.record()).build());
  };
  see(http_segment(http_get("www.example.org") + http_get("www.example.org")));
  see(http_segment("GET /", 81));
  see_hello(TlsHelloBuilder().sni("www.example.org").ech());
  see_hello(TlsHelloBuilder().sni("paths.example.com"));
  see_hello(TlsHelloBuilder().sni("listed.example.com"));

  const base::Counters& counters = inspector.counters();
  const auto requests = [&counters](Protocol protocol, RequestVerdict verdict) {
    return counters.get(Counter::requests, index_of(protocol), index_of(verdict));
  };
  const auto parses = [&counters](Protocol protocol, base::ParseStatus status) {
    return counters.get(Counter::parse, index_of(protocol), index_of(status));
  };
  EXPECT_EQ(requests(Protocol::http, RequestVerdict::pass), 2U);
  EXPECT_EQ(requests(Protocol::http, RequestVerdict::block), 0U);
  EXPECT_EQ(requests(Protocol::tls, RequestVerdict::pass), 2U);
  EXPECT_EQ(requests(Protocol::tls, RequestVerdict::block), 1U);
  EXPECT_EQ(counters.get(Counter::blocked, index_of(Protocol::tls), 0), 1U);
  EXPECT_EQ(counters.get(Counter::blocked, index_of(Protocol::tls), 1), 0U);
  EXPECT_EQ(parses(Protocol::http, base::ParseStatus::found), 2U);
  EXPECT_EQ(parses(Protocol::http, base::ParseStatus::need_more), 1U);
  EXPECT_EQ(parses(Protocol::http, base::ParseStatus::absent), 0U);
  EXPECT_EQ(parses(Protocol::tls, base::ParseStatus::found), 3U);
  EXPECT_EQ(counters.get(Counter::ech), 1U);
  EXPECT_EQ(counters.get(Counter::unenforceable, 0), 1U);
}

TEST(Inspector, MonitorCountsEveryListedRequestAndRemembersNothing) {
  TestInspector inspector;
  for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{81}}) {
    const Bytes frame = http_segment(http_get("listed.example.com") + http_get("listed.example.com"), port);
    const auto look = [&inspector, &frame] {
      return inspector.inspect(frame, rules().view(), Direction::from_subscriber, Enforcement::monitor);
    };
    const auto verdict = look();
    EXPECT_EQ(summary(verdict), "forward_monitor");
    EXPECT_EQ(verdict.rule.value, 1U);
    EXPECT_EQ(summary(look()), "forward_no_request") << "a retransmission is not another request";
  }
  EXPECT_EQ(inspector.counters().get(Counter::blocked, index_of(Protocol::http), 0), 4U);
  EXPECT_EQ(inspector.inspector().blocked_flows(), 0U);
}

}  // namespace
}  // namespace weir::test
