#include "tests/scenario/catalogue/catalogue.h"
#include "tests/support/http_text.h"

namespace weir::scenario {
namespace {

using test::http_get;
using test::http_request_text;

Step passed(const std::string& what, const std::string& payload, std::uint16_t port = 80) {
  return {what, client(port).payload(payload).build(), "forward_passed"};
}
Step blocked(const std::string& what, const std::string& payload, std::uint16_t port = 80,
             Answer answer = Answer::page) {
  return {what, client(port).payload(payload).build(), "drop_blocked", answer};
}

/// Each request goes to its own port: the same client port twice would be the same connection.
Scenario one(const std::string& name, const std::vector<std::string>& rules, Step step,
             const std::vector<std::string>& requests) {
  return {.name = name, .rules = rules, .steps = {std::move(step)}, .requests = requests};
}

Scenario rule_kinds() {
  return {
      .name = "HttpRuleKinds",
      .rules = {"domain.example.com", "*.below.example.com", "host.example.com/dir/", "host.example.com/page",
                "host.example.com/q?id=7", "port.example.com:8080"},
      .steps = {blocked("domain: the host", http_get("domain.example.com", "/any?q"), 81),
                blocked("domain: a host below", http_get("a.b.domain.example.com"), 82),
                passed("wildcard: the apex passes", http_get("below.example.com"), 83),
                blocked("wildcard: below", http_get("a.below.example.com"), 84),
                blocked("prefix: below it", http_get("host.example.com", "/dir/a?b"), 85),
                passed("prefix: beside it", http_get("host.example.com", "/directory"), 86),
                blocked("url: with any query", http_get("host.example.com", "/page?x"), 87),
                passed("url: below it", http_get("host.example.com", "/page/x"), 88),
                blocked("url with query", http_get("host.example.com", "/q?id=7"), 89),
                passed("url with another query", http_get("host.example.com", "/q?id=8"), 90),
                passed("a path rule is not for hosts below", http_get("www.host.example.com", "/page"), 91),
                blocked("port: the connection's", http_get("port.example.com"), 8080),
                blocked("port: the written one", http_get("port.example.com:8080"), 93),
                passed("port: another", http_get("port.example.com"), 94)},
      .requests = {
          "1 http block domain.example.com/any?q listed 1", "2 http block a.b.domain.example.com/ listed 1",
          "3 http pass below.example.com/ no_match", "4 http block a.below.example.com/ listed 2",
          "5 http block host.example.com/dir/a?b listed 3", "6 http pass host.example.com/directory no_match",
          "7 http block host.example.com/page?x listed 4", "8 http pass host.example.com/page/x no_match",
          "9 http block host.example.com/q?id=7 listed 5", "10 http pass host.example.com/q?id=8 no_match",
          "11 http pass www.host.example.com/page no_match", "12 http block port.example.com/ listed 6",
          "13 http block port.example.com:8080/ listed 6", "14 http pass port.example.com/ no_match"}};
}

Scenario disguises() {
  const std::string seen = " http block host.example.com/page listed 1";
  const auto head = [](const std::string& text) { return text + "\r\n\r\n"; };
  return {
      .name = "HttpDisguises",
      .rules = {"host.example.com/page"},
      .steps = {blocked("header name in mixed case, no blank",
                        head("GET /page HTTP/1.1\r\nhoSt:host.example.com"), 81),
                blocked("tab and trailing blanks", head("GET /page HTTP/1.1\r\nHost:\thost.example.com   "),
                        82),
                blocked("mixed case and a dot", http_get("HOST.Example.Com.", "/page"), 83),
                blocked("bare LF", "GET /page HTTP/1.1\nHost: host.example.com\n\n", 84),
                blocked("empty lines first", "\r\n\n\r\n" + http_get("host.example.com", "/page"), 85),
                blocked("an unknown method", head("BREW /page HTTP/1.1\r\nHost: host.example.com"), 86),
                blocked("escapes and dots", http_get("host.example.com", "/x/..//%70a%67e"), 87),
                blocked("a fragment", http_get("host.example.com", "/page#part"), 88),
                blocked("Host after many headers",
                        "GET /page HTTP/1.1\r\nX-Long: " + std::string(900, 'x') +
                            "\r\nHost: host.example.com\r\n\r\n",
                        89),
                blocked("Upgrade: h2c on the request",
                        http_request_text({.target = "/page",
                                           .host = "host.example.com",
                                           .headers = {{"Upgrade", "h2c"}, {"HTTP2-Settings", "AAMAAABk"}}}),
                        90)},
      .requests = {"1" + seen, "2" + seen, "3" + seen, "4" + seen, "5" + seen, "6" + seen, "7" + seen,
                   "8" + seen, "9" + seen, "10" + seen}};
}

Scenario pipelined() {
  const std::string other = http_get("www.example.org");
  const std::string body = http_get("listed.example.com");
  return {
      .name = "HttpPipelined",
      .rules = {"listed.example.com"},
      .steps = {blocked("the second in the segment", other + http_get("listed.example.com"), 81,
                        Answer::reset),
                blocked("the first in the segment", http_get("listed.example.com") + other, 82),
                passed("a body that is a request",
                       http_request_text({.method = "POST", .host = "www.example.org", .body = body}), 83),
                blocked("after a chunked body",
                        "POST / HTTP/1.1\r\nHost: www.example.org\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabc\r\n0\r\n\r\n" +
                            body,
                        84, Answer::reset),
                blocked("in a body of ambiguous length",
                        "POST / HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: 400\r\n"
                        "Content-Length: 7\r\n\r\nabcde\r\n" +
                            body,
                        85, Answer::reset)},
      .requests = {"1 http pass www.example.org/ no_match", "1 http block listed.example.com/ listed 1",
                   "2 http block listed.example.com/ listed 1", "3 http pass www.example.org/ no_match",
                   "4 http pass www.example.org/ no_match", "4 http block listed.example.com/ listed 1",
                   "5 http pass www.example.org/ no_match", "5 http block listed.example.com/ listed 1"}};
}

}  // namespace

std::vector<Scenario> http_scenarios() {
  Scenario large = one(
      "HttpNamesAndForms", {"listed.example.com", "192.0.2.1"},
      blocked("HEAD", http_request_text({.method = "HEAD", .host = "listed.example.com"}), 81, Answer::head),
      {});
  large.steps.push_back(blocked(
      "absolute form against Host",
      http_request_text({.target = "HTTP://user@LISTED.example.com:82/a", .host = "www.example.org"}), 82));
  large.steps.push_back(
      blocked("Host against absolute form",
              http_request_text({.target = "http://www.example.org/a", .host = "listed.example.com"}), 83));
  large.steps.push_back(blocked(
      "the second Host", "GET / HTTP/1.1\r\nHost: a.example.org\r\nHost: listed.example.com\r\n\r\n", 84));
  large.steps.push_back(blocked("CONNECT", "CONNECT listed.example.com:443 HTTP/1.1\r\n\r\n", 3128));
  large.steps.push_back(blocked("HTTP/1.0 without Host, by address", "GET /a HTTP/1.0\r\n\r\n", 86));
  large.steps.push_back(
      passed("a Host that is no name", "GET / HTTP/1.1\r\nHost: " + std::string(300, 'a') + "\r\n\r\n", 87));
  large.requests = {"1 http block listed.example.com/ listed 1",
                    "2 http block listed.example.com:82/a listed 1",
                    "3 http block listed.example.com/a listed 1",
                    "4 http block listed.example.com/ listed 1",
                    "5 http block listed.example.com:443 listed 1",
                    "6 http block 192.0.2.1/a listed 2",
                    "7 http pass null invalid_host"};

  Scenario allow{
      .name = "HttpAllowRules",
      .rules = {"listed.example.com", "!ok.listed.example.com", "!listed.example.com/free/"},
      .steps = {blocked("listed", http_get("listed.example.com"), 81),
                {"an allowed host", client(82).payload(http_get("ok.listed.example.com")).build(),
                 "forward_allowed"},
                {"an allowed path", client(83).payload(http_get("listed.example.com", "/free/a")).build(),
                 "forward_allowed"}},
      .requests = {"1 http block listed.example.com/ listed 1",
                   "2 http pass ok.listed.example.com/ allow_rule 2",
                   "3 http pass listed.example.com/free/a allow_rule 3"}};

  Scenario monitor{
      .name = "MonitorTouchesNothing",
      .rules = {"listed.example.com"},
      .steps = {{"listed", client().payload(http_get("listed.example.com")).build(), "forward_monitor"},
                {"a retransmission", client().payload(http_get("listed.example.com")).build(),
                 "forward_no_request"},
                {"other bytes in its place", client().payload(http_get("other.example.com")).build(),
                 "forward_monitor"},
                passed("another", http_get("www.example.org"), 81)},
      .requests = {"1 http block listed.example.com/ listed 1", "4 http pass www.example.org/ no_match"},
      .settings = "  enforcement: monitor\n"};

  Scenario ports{.name = "HttpConfiguredPorts",
                 .rules = {"listed.example.com"},
                 .steps = {blocked("a port that is inspected", http_get("listed.example.com"), 8080),
                           {"a port that is not", client(81).payload(http_get("listed.example.com")).build(),
                            "forward_not_candidate"}},
                 .requests = {"1 http block listed.example.com/ listed 1"},
                 .settings = "  inspect: {http: [80, 8080], tls: [443]}\n"};
  return {rule_kinds(), disguises(), pipelined(), large, allow, monitor, ports};
}

}  // namespace weir::scenario
