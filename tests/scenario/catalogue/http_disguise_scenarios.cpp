// Unusual requests that servers accept: each with a listed name, in one segment and in three, and with an
// unlisted name, which passes.
#include <string>
#include <string_view>
#include <vector>

#include "tests/scenario/catalogue/catalogue.h"
#include "tests/scenario/stream_script.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::scenario {
namespace {

using test::to_bytes;

struct Row {
  std::string what;
  std::string text;  // ~ stands for the name
  std::string_view form = "~/";
  std::string_view passed_form{};
};

void all_ways(Script& script, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const Shown shown{.form = row.form, .passed_form = row.passed_form};
    const bool large = row.text.size() > 1400;
    script.both(row.what, text_around(row.text), in_segments(), shown);
    script.both(row.what + ", in other segments", text_around(row.text),
                large ? in_segments(true) : ordered({0, 2, 1}), shown);
  }
}

std::string get(const std::string& host_line, const std::string& before = {}) {
  return "GET / HTTP/1.1\r\n" + before + host_line + "\r\nAccept: */*\r\n\r\n";
}
std::string first_line(const std::string& line) { return line + "\r\nHost: ~\r\nAccept: */*\r\n\r\n"; }
std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

Scenario hosts() {
  Script script("DisguisedHosts");
  all_ways(script,
           {{"mixed case of the header, no blank", get("hoSt:~")},
            {"a tab", get("Host:\t~")},
            {"1413 blanks", get("Host:" + std::string(1413, ' ') + "~")},
            {"trailing blanks and a tab", get("Host: ~  \t ")},
            {"trailing dot", get("Host: ~.")},
            {"port 80", get("Host: ~:80"), "~:80/"},
            {"an empty port", get("Host: ~:")},
            {"a junk port", get("Host: ~:junk")},
            {"a port too large", get("Host: ~:99999")},
            {"a dot and a port", get("Host: ~.:80"), "~:80/"},
            {"folded", get("Host:\r\n ~")},
            {"folded with bare LF and a tab", get("Host:\n\t~")},
            {"after other headers", get("Host: ~", "Accept-Encoding: gzip\r\nX-Host: a.example\r\n")}});
  script.both(
      "value in mixed case",
      [](std::string_view name) {
        std::string upper(name);
        upper[0] = static_cast<char>(upper[0] - 'a' + 'A');
        upper[9] = static_cast<char>(upper[9] - 'a' + 'A');
        return to_bytes(with_name(get("Host: ~"), upper));
      },
      ordered({1, 0}));
  return script.done();
}

Scenario lines() {
  Script script("DisguisedLines");
  std::string many;
  for (int i = 0; i < 95; ++i) many += "X-" + std::to_string(i) + ": " + std::string(240, 'v') + "\r\n";
  all_ways(script,
           {{"bare LF", "GET / HTTP/1.1\nHost: ~\n\n"},
            {"a leading LF", "\n" + first_line("GET / HTTP/1.1")},
            {"a leading CRLF", "\r\n" + first_line("GET / HTTP/1.1")},
            {"two blanks after the method", first_line("GET  / HTTP/1.1")},
            {"two blanks before the version", first_line("GET /  HTTP/1.1")},
            {"a blank after the version", first_line("GET / HTTP/1.1 ")},
            {"HTTP/1.10", first_line("GET / HTTP/1.10")},
            {"HTTP/1.2", first_line("GET / HTTP/1.2")},
            {"HTTP/1.0", first_line("GET / HTTP/1.0")},
            {"an unknown method", first_line("BREW / HTTP/1.1")},
            {"a method in small letters", first_line("get / HTTP/1.1")},
            {"a garbage line", get("Host: ~", "this is no header\r\n")},
            {"7 KiB of a garbage line", get("Host: ~", std::string(7168, 'x') + "\r\n")},
            {"95 headers of 24 KiB together", get("Host: ~", many)},
            {"Upgrade: h2c",
             get("Host: ~",
                 "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n")},
            {"conditional, X-Forwarded-Host",
             get("Host: ~", "If-None-Match: \"a\"\r\nX-Forwarded-Host: other.example.com\r\n")}});
  script.both("2000 empty lines first", text_around(repeated("\r\n", 2000) + first_line("GET / HTTP/1.1")),
              whole);
  script.both("2000 LF first", text_around(repeated("\n", 2000) + first_line("GET / HTTP/1.1")), whole);
  return script.done();
}

Scenario names() {
  Script script("NamesInTargets");
  const auto proxied = [](const std::string& target) {
    return "GET " + target + " HTTP/1.1\r\nHost: www.example.org\r\n\r\n";
  };
  all_ways(script,
           {{"absolute form against Host", proxied("http://~/a"), "~/a"},
            {"its scheme in capitals", proxied("HTTP://~/a"), "~/a"},
            {"with a port", proxied("http://~:8080/a"), "~:8080/a"},
            {"with user info", proxied("http://user:word@~/a"), "~/a"},
            {"https over cleartext", proxied("https://~/a"), "~/a"},
            {"no Host", "GET http://~/a HTTP/1.1\r\nAccept: */*\r\n\r\n", "~/a"},
            {"Host against absolute form", "GET http://www.example.org/a HTTP/1.1\r\nHost: ~\r\n\r\n", "~/a",
             "www.example.org/a"},
            {"the second Host", get("Host: ~", "Host: www.example.org\r\n"), "~/", "www.example.org/"},
            {"the first Host", get("Host: www.example.org", "Host: ~\r\n")},
            {"CONNECT", "CONNECT ~:443 HTTP/1.1\r\nHost: www.example.org\r\n\r\n", "~:443"}});
  return script.done();
}

Scenario paths() {
  Script script("PathsInOtherSpellings");
  script.rules({"listed.example.com/dir/page"});
  const auto row = [](const std::string& target, std::string_view form = "~/dir/page") {
    return Row{target, "GET " + target + " HTTP/1.1\r\nHost: ~\r\n\r\n", form};
  };
  all_ways(script, {row("/dir/p%61ge"), row("/%64ir/%70age"), row("/d%69r%2fpage"), row("//dir//page"),
                    row("/./dir/./page"), row("/x/../dir/page"), row("/x/%2e%2e/dir/page"),
                    row("/x%2f..%2fdir/page"), row("/../dir/page"), row("/dir/page#part"), row("/dir/page?"),
                    row("/dir/page?a=b", "~/dir/page?a=b"), row("/x/..//dir/./%70age#a?b")});
  return script.done();
}

/// Without a name, the address is the host.
Scenario addresses() {
  Script script("RequestsWithoutAName");
  script.rules({"192.0.2.1"});
  const auto sent = [&script](const std::string& what, const Bytes& payload, const std::string& rest,
                              Answer answer) {
    for (const bool listed : {true, false}) {
      const std::uint16_t port = script.new_port();
      const std::string address = listed ? "192.0.2.1" : "192.0.2.2";
      const Bytes frame = PacketBuilder()
                              .ethernet()
                              .ipv4("10.0.0.1", address)
                              .tcp(40000, port)
                              .seq(kFirst)
                              .ack(5000)
                              .flags("PA")
                              .payload(payload)
                              .build();
      const std::string protocol = answer == Answer::alert ? "tls " : "http ";
      std::string request = protocol;
      request += listed ? "block " : "pass ";
      request += address + rest;
      request += listed ? " listed 1" : " no_match";
      script.exchange(what,
                      {{address,
                        frame,
                        listed ? "drop_blocked" : "forward_passed",
                        listed ? answer : Answer::none,
                        {request}}},
                      false);
    }
  };
  sent("HTTP/0.9", to_bytes("GET /a\r\n"), "/a", Answer::page);
  sent("HTTP/0.9 with bare LF", to_bytes("GET /a\n"), "/a", Answer::page);
  sent("HTTP/1.0 without Host", to_bytes("GET /a HTTP/1.0\r\nAccept: */*\r\n\r\n"), "/a", Answer::page);
  sent("an empty Host", to_bytes("GET /a HTTP/1.1\r\nHost:\r\n\r\n"), "/a", Answer::page);
  sent("a hello without a name", test::TlsHelloBuilder().typical().record(), "", Answer::alert);
  sent("a hello without extensions", test::TlsHelloBuilder().without_extensions().record(), "",
       Answer::alert);
  return script.done();
}

}  // namespace

std::vector<Scenario> http_disguise_scenarios() { return {hosts(), lines(), names(), paths(), addresses()}; }

}  // namespace weir::scenario
