#include "tests/scenario/catalogue/catalogue.h"
#include "tests/support/http_text.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::scenario {
namespace {

using test::http_get;

const std::string kListedRequest = http_get("listed.example.com");
const std::string kOther = http_get("www.example.org");
const auto kListedBytes = static_cast<std::uint32_t>(kListedRequest.size());
const auto kOtherBytes = static_cast<std::uint32_t>(kOther.size());

Bytes at(std::uint32_t sequence, std::string_view flags, std::string_view payload = {}) {
  return client().seq(sequence).flags(flags).payload(payload).build();
}

}  // namespace

std::vector<Scenario> connection_scenarios() {
  Scenario kept_alive{
      .name = "SecondRequestOfAConnection",
      .rules = {"listed.example.com"},
      .steps = {{"SYN", client().seq(999).flags("S").build(), "forward_not_candidate"},
                {"an acknowledgement", at(1000, "A"), "forward_not_candidate"},
                {"an unlisted request", at(1000, "PA", kOther), "forward_passed"},
                {"the listed one", at(1000 + kOtherBytes, "PA", kListedRequest), "drop_blocked",
                 Answer::page},
                {"it again", at(1000 + kOtherBytes, "PA", kListedRequest), "drop_blocked_flow", Answer::page},
                {"an acknowledgement of the page", at(1000 + kOtherBytes + kListedBytes, "A"),
                 "drop_blocked_flow"},
                {"FIN", at(1000 + kOtherBytes + kListedBytes, "FA"), "drop_blocked_flow", Answer::finish,
                 1000 + kOtherBytes},
                {"RST", at(1001 + kOtherBytes + kListedBytes, "R"), "drop_blocked_flow", Answer::server_reset,
                 1000 + kOtherBytes}},
      .requests = {"3 http pass www.example.org/ no_match", "4 http block listed.example.com/ listed 1"}};
  Scenario reuse{
      .name = "APortIsUsedAgain",
      .rules = {"listed.example.com"},
      .steps = {{"a listed request", at(1000, "PA", kListedRequest), "drop_blocked", Answer::page},
                {"data after it", at(1000 + kListedBytes, "PA", "more"), "drop_blocked_flow", Answer::finish},
                {"SYN of a new connection", client().seq(70000).flags("S").build(), "forward_not_candidate"},
                {"its unlisted request", at(70001, "PA", kOther), "forward_passed"}},
      .requests = {"1 http block listed.example.com/ listed 1", "4 http pass www.example.org/ no_match"}};
  Scenario fast_open{
      .name = "DataOnSyn",
      .rules = {"listed.example.com"},
      .steps = {{"SYN with a listed request", client().seq(1000).flags("S").payload(kListedRequest).build(),
                 "drop_blocked", Answer::client_reset},
                {"it again", client().seq(1000).flags("S").payload(kListedRequest).build(),
                 "drop_blocked_flow", Answer::client_reset},
                {"SYN with an unlisted request", client(81).seq(1000).flags("S").payload(kOther).build(),
                 "forward_passed"}},
      .requests = {"1 http block listed.example.com/ listed 1", "3 http pass www.example.org/ no_match"}};
  Scenario wrap{
      .name = "SequenceNumbersWrap",
      .rules = {"listed.example.com"},
      .steps = {{"a listed request", at(0xfffffff0, "PA", kListedRequest), "drop_blocked", Answer::page},
                {"it again, in part", at(0xfffffff0, "PA", kListedRequest), "drop_blocked_flow",
                 Answer::page},
                {"FIN", at(0xfffffff0 + kListedBytes, "FA"), "drop_blocked_flow", Answer::finish,
                 0xfffffff0}},
      .requests = {"1 http block listed.example.com/ listed 1"}};
  Scenario hello{
      .name = "ABlockedHelloAndWhatFollows",
      .rules = {"listed.example.com"},
      .steps = {{"the hello",
                 client(443).payload(test::TlsHelloBuilder().sni("listed.example.com").record()).build(),
                 "drop_blocked", Answer::alert},
                {"FIN", client(443).seq(1400).flags("FA").build(), "drop_blocked_flow", Answer::finish,
                 1000}},
      .requests = {"1 tls block listed.example.com listed 1"}};
  Scenario bypass{.name = "BypassSeesNothing",
                  .rules = {"listed.example.com"},
                  .steps = {{"a listed request", at(1000, "PA", kListedRequest), "forward_bypass"},
                            {"ARP", PacketBuilder().ethernet().arp_request("10.0.0.1", "10.0.0.2").build(),
                             "forward_bypass"}},
                  .requests = {},
                  .settings = "  enforcement: bypass\n"};
  // A source address can be forged: whoever has no connection gets no more than he sent.
  const auto from = [](std::uint16_t port) {
    return PacketBuilder().ethernet().ipv4("10.0.0.1", "192.0.2.1").tcp(port, 80).ack(5000);
  };
  Scenario handshake{
      .name = "WithoutAHandshakeTheAnswerIsOneReset",
      .rules = {"listed.example.com"},
      .steps = {{"a request without a SYN", at(1000, "PA", kListedRequest), "drop_blocked",
                 Answer::client_reset},
                {"it again", at(1000, "PA", kListedRequest), "drop_blocked_flow", Answer::client_reset},
                {"its FIN", at(1000 + kListedBytes, "FA"), "drop_blocked_flow", Answer::client_reset},
                {"an unlisted one", from(2).seq(1000).flags("PA").payload(kOther).build(), "forward_passed"},
                {"SYN", from(3).seq(999).flags("S").build(), "forward_not_candidate"},
                {"a request that acknowledges nothing",
                 from(3).seq(1000).flags("P").payload(kListedRequest).build(), "drop_blocked",
                 Answer::client_reset},
                {"SYN", from(4).seq(999).flags("S").build(), "forward_not_candidate"},
                {"a request far from it", from(4).seq(90000000).flags("PA").payload(kListedRequest).build(),
                 "drop_blocked", Answer::client_reset},
                {"SYN", from(5).seq(999).flags("S").build(), "forward_not_candidate"},
                {"a request of a connection", from(5).seq(1000).flags("PA").payload(kListedRequest).build(),
                 "drop_blocked", Answer::page},
                {"SYN", from(6).seq(999).flags("S").build(), "forward_not_candidate"},
                {"its twin", from(6).seq(1000).flags("PA").payload(kOther).build(), "forward_passed"}},
      .requests = {"1 http block listed.example.com/ listed 1", "4 http pass www.example.org/ no_match",
                   "6 http block listed.example.com/ listed 1", "8 http block listed.example.com/ listed 1",
                   "10 http block listed.example.com/ listed 1", "12 http pass www.example.org/ no_match"},
      .needs_handshake = true};
  return {kept_alive, reuse, fast_open, wrap, hello, bypass, handshake};
}

}  // namespace weir::scenario
