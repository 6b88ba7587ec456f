#include "tests/scenario/catalogue/catalogue.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::scenario {
namespace {

using test::TlsHelloBuilder;

Bytes frame(const TlsHelloBuilder& hello, std::uint16_t port) {
  return client(port).payload(hello.record()).build();
}
Step passed(const std::string& what, const TlsHelloBuilder& hello, std::uint16_t port) {
  return {what, frame(hello, port), "forward_passed"};
}
Step blocked(const std::string& what, const TlsHelloBuilder& hello, std::uint16_t port) {
  return {what, frame(hello, port), "drop_blocked", Answer::alert};
}
TlsHelloBuilder hello(std::string_view name) {
  return TlsHelloBuilder().typical().sni(name).alpn({"h2", "http/1.1"});
}

}  // namespace

std::vector<Scenario> tls_scenarios() {
  Scenario kinds{
      .name = "TlsRuleKinds",
      .rules = {"domain.example.com", "*.below.example.com", "host.example.com/dir/", "port.example.com:8443",
                "192.0.2.1", "[2001:db8::2]"},
      .steps = {blocked("domain: the host", hello("domain.example.com"), 443),
                blocked("domain: a host below", hello("a.domain.example.com"), 444),
                passed("wildcard: the apex passes", hello("below.example.com"), 445),
                blocked("wildcard: below", hello("a.below.example.com"), 446),
                passed("a path rule is never widened to its host", hello("host.example.com"), 447),
                blocked("port: this one", hello("port.example.com"), 8443),
                passed("port: another", hello("port.example.com"), 448),
                blocked("no name: by address", TlsHelloBuilder().typical(), 449),
                {"no name: by IPv6 address",
                 client_v6(443).payload(TlsHelloBuilder().typical().record()).build(), "drop_blocked",
                 Answer::alert}},
      .requests = {"1 tls block domain.example.com listed 1", "2 tls block a.domain.example.com listed 1",
                   "3 tls pass below.example.com no_match", "4 tls block a.below.example.com listed 2",
                   "5 tls pass host.example.com no_match", "6 tls block port.example.com listed 4",
                   "7 tls pass port.example.com no_match", "8 tls block 192.0.2.1 listed 5",
                   "9 tls block [2001:db8::2] listed 6"}};
  const Bytes cut = hello("listed.example.com").record();
  Scenario disguises{
      .name = "TlsDisguises",
      .rules = {"listed.example.com"},
      .steps = {blocked("mixed case and a dot", hello("LiStEd.example.com."), 443),
                blocked("with a port", hello("listed.example.com:443"), 444),
                blocked("the second of two names",
                        TlsHelloBuilder().typical().server_names({"www.example.org", "listed.example.com"}),
                        445),
                blocked("record version 3.0", hello("listed.example.com").record_version(0x0300), 446),
                blocked("GREASE and ECH", hello("listed.example.com").grease().ech(), 447),
                passed("ECH with an unlisted outer name", hello("www.example.org").ech(), 448),
                {"a hello that goes on",
                 client(449).payload(std::span<const std::byte>(cut).first(90)).build(),
                 "forward_incomplete"}},
      .requests = {"1 tls block listed.example.com listed 1", "2 tls block listed.example.com:443 listed 1",
                   "3 tls block listed.example.com listed 1", "4 tls block listed.example.com listed 1",
                   "5 tls block listed.example.com listed 1 ech", "6 tls pass www.example.org no_match ech"}};
  Scenario reset{
      .name = "TlsAnsweredByReset",
      .rules = {"listed.example.com"},
      .steps = {{"the hello", frame(hello("listed.example.com"), 443), "drop_blocked", Answer::reset},
                {"again", frame(hello("listed.example.com"), 443), "drop_blocked_flow", Answer::reset}},
      .requests = {"1 tls block listed.example.com listed 1"},
      .settings = "  block: {tls: reset}\n"};
  Scenario allow{.name = "TlsAllowRules",
                 .rules = {"listed.example.com", "!ok.listed.example.com"},
                 .steps = {blocked("listed", hello("www.listed.example.com"), 443),
                           {"allowed", frame(hello("ok.listed.example.com"), 444), "forward_allowed"}},
                 .requests = {"1 tls block www.listed.example.com listed 1",
                              "2 tls pass ok.listed.example.com allow_rule 2"}};
  return {kinds, disguises, reset, allow};
}

}  // namespace weir::scenario
