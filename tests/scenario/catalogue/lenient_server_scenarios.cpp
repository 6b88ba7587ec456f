// Requests that only a lenient server takes for what they are: each with a listed name and with an unlisted
// one, which passes.
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "tests/scenario/catalogue/catalogue.h"
#include "tests/scenario/stream_script.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::scenario {
namespace {

using test::to_bytes;

// An authority of which a lenient server takes only the name; the record shows the reading that is listed,
// and the usual one if none is.
struct Reading {
  std::string what;
  std::string authority;  // ~ stands for the name
  std::string listed;
  std::string usual;
};

std::string get(const std::string& headers) { return "GET / HTTP/1.1\r\n" + headers + "\r\n\r\n"; }

Scenario authorities() {
  Script script("ReadingsOfAnAuthority");
  const std::vector<Reading> rows{
      {"before user info that begins after a colon", "~:@x.example", "~/", "x.example/"},
      {"a port before user info", "~:80@ok.example", "~:80/", "ok.example/"},
      {"a bracket after it", "~]:81", "~/", "~%5D:81/"},
      {"a wildcard with a question mark", "x?.~", "x%3F.~/", "x/"},
      {"a wildcard with a number sign", "x#.~", "x%23.~/", "x/"},
      {"a wildcard with a backslash", "x\\.~", "x%5C.~/", "x/"},
      {"a control byte after it", "~\x01", "~/", "~%01/"},
      {"DEL before it", "\x7f~", "~/", "%7F~/"},
      {"a byte of Latin-1 after it", "~\xa0", "~/", "~%A0/"},
      {"a blank within", "~ x", "~/", "~%20x/"},
      {"a bare CR within", "~\rx", "~/", "~x/"},
      {"folded", "~\r\n x", "~/", "~%20x/"}};
  for (const Reading& row : rows) {
    script.both(row.what, text_around(get("Host: " + row.authority)), ordered({1, 0}),
                {.form = row.listed, .passed_form = row.usual});
  }
  // Without the further reading, it is no name at all.
  for (const bool listed : {true, false}) {
    const std::string host = "Host: [" + std::string(listed ? kListedName : kUnlistedName) + "]";
    script.exchange("brackets around a name",
                    {{host,
                      client(script.new_port()).payload(get(host)).build(),
                      listed ? "drop_blocked" : "forward_passed",
                      listed ? Answer::page : Answer::none,
                      {listed ? "http block listed.example.com/ listed 1" : "http pass null invalid_host"}}});
  }
  script.both("in the absolute form",
              text_around("GET http://~:@x.example/ HTTP/1.1\r\nHost: x.example\r\n\r\n"), whole,
              {.form = "~/", .passed_form = "x.example/"});
  script.both("as SNI",
              [](std::string_view name) {
                return test::TlsHelloBuilder().typical().sni(std::string(name) + ":80@x.example").record();
              },
              ordered({1, 0}),
              {.protocol = "tls", .form = "~:80", .answer = Answer::alert, .passed_form = "x.example"});
  return script.done();
}

Scenario headers() {
  Script script("HeadersOnlySomeServersSee");
  const Shown by_more{.form = "~/", .passed_form = "a.example/"};
  std::string many;
  for (int i = 0; i < 20; ++i) many += "Host: a.example\r\n";
  script.both("the 21st Host", text_around(get(many + "Host: ~")), ordered({1, 0}), by_more);
  script.both("the name in odd bytes", text_around(get("\x01Host\xa0: ~")), ordered({1, 0}));
  script.both("after a bare CR", text_around(get("X: a\rHost: ~")), ordered({1, 0}));
  script.both("no target", text_around("GET HTTP/1.1\r\nHost: ~\r\n\r\n"), ordered({1, 0}));
  return script.done();
}

/// The server reads another request in what the usual reading skips.
Scenario framing() {
  Script script("RequestsAfterBodiesInDoubt");
  struct Row {
    std::string what;
    std::string framing;
    std::string body;
  };
  const std::vector<Row> rows{
      {"a list of equal lengths", "Content-Length: 3, 3", "a=b"},
      {"an empty coding", "Content-Length: 3\r\nTransfer-Encoding: ", "a=b"},
      {"two lengths", "Content-Length: 3\r\nContent-Length: 300", "a=b"},
      {"identity", "Content-Length: 300\r\nTransfer-Encoding: identity", "a=b"},
      {"words", "Content-Length: 3\r\nContent-Length: 300", "a=1 b=2 and=one"},
      {"a length after a bare LF", "Foo: x\nContent-Length: 300", ""},
      {"a length after a bare CR", "Foo: x\rContent-Length: 300", "abc"},
      {"a length whose name has an odd byte", "Content-Length\xa0: 300", ""},
  };
  for (const Row& row : rows) {
    for (const bool listed : {true, false}) {
      const std::string name(listed ? kListedName : kUnlistedName);
      const std::string before =
          fmt::format("POST / HTTP/1.1\r\nHost: a.example\r\n{}\r\n\r\n{}", row.framing, row.body);
      const std::string stream = fmt::format("{}GET /p HTTP/1.1\r\nHost: {}\r\n\r\n", before, name);
      for (const std::size_t cut : {std::size_t{0}, before.size() + 2}) {
        const std::uint16_t port = script.new_port();
        std::vector<Sent> frames;
        if (cut > 0) {
          frames.push_back({row.what,
                            client(port).payload(stream.substr(0, cut)).build(),
                            "forward_passed",
                            Answer::none,
                            {"http pass a.example/ no_match"}});
        }
        std::vector<std::string> requests;
        if (cut == 0) requests.emplace_back("http pass a.example/ no_match");
        requests.push_back("http " + std::string(listed ? "block " : "pass ") + name + "/p " +
                           (listed ? "listed 1" : "no_match"));
        frames.push_back(
            {row.what,
             client(port).seq(kFirst + static_cast<std::uint32_t>(cut)).payload(stream.substr(cut)).build(),
             listed ? "drop_blocked" : "forward_passed", listed ? (Answer::reset) : Answer::none, requests});
        script.exchange(row.what, frames, true);
      }
    }
  }
  return script.done();
}

/// A server acts on a request line alone, or goes on to read headers.
Scenario request_lines() {
  Script script("RequestLinesOnlySomeServersTake");
  script.rules({std::string(kListedName) + "/p"});
  const auto in_two = [&script](const std::string& what, const std::string& line, const std::string& first,
                                const std::string& path) {
    for (const bool listed : {true, false}) {
      const std::string name(listed ? kListedName : kUnlistedName);
      const std::uint16_t port = script.new_port();
      const std::string rest = "Host: " + name + "\r\n\r\n";
      script.exchange(
          what, {{what, client(port).payload(line).build(), "forward_passed", Answer::none, {first}},
                 {what + ", its headers",
                  client(port).seq(kFirst + static_cast<std::uint32_t>(line.size())).payload(rest).build(),
                  listed ? "drop_blocked" : "forward_passed",
                  listed ? Answer::page : Answer::none,
                  {fmt::format("http {} {}{}{}", listed ? "block" : "pass", name, path,
                               listed ? "listed 1" : "no_match")}}});
    }
  };
  in_two("no version", "GET /p\r\n", "http pass 192.0.2.1/p no_match", "/p ");
  in_two("no version, bare LF", "GET /p\n", "http pass 192.0.2.1/p no_match", "/p ");
  const auto one = [&script](const std::string& what, const std::string& text, std::string_view form,
                             std::string_view passed_form) {
    script.both(what, text_around(text), whole, {.form = form, .passed_form = passed_form});
  };
  one("RTSP/1.0", "GET /p RTSP/1.0\r\nHost: ~\r\n\r\n", "~/p", "~/p%20RTSP/1.0");
  one("a blank in the target", "GET /p x HTTP/1.1\r\nHost: ~\r\n\r\n", "~/p", "~/p%20x");
  one("a word before the target", "GET x /p HTTP/1.1\r\nHost: ~\r\n\r\n", "~/p", "~/x%20/p");
  one("CONNECT with a path", "CONNECT /p HTTP/1.1\r\nHost: ~\r\n\r\n", "~/p", "~/p");
  one("CONNECT with a name and a path", "CONNECT ~/p HTTP/1.1\r\nHost: ~\r\n\r\n", "~/p", "~/p");
  one("HTTP/0.9 with a URL", "GET http://~/p\r\n", "~/p", "~/p");
  one("HTTP/0.9 with a URL of another scheme", "GET x://~/p\r\n", "~/p", "~/p");
  return script.done();
}

/// llhttp ends a head at a CR that begins a line.
Scenario heads() {
  Script script("HeadsThatEndWithABareCr");
  for (const bool listed : {true, false}) {
    const std::string name(listed ? kListedName : kUnlistedName);
    const std::string request =
        "http " + std::string(listed ? "block " : "pass ") + name + "/ " + (listed ? "listed 1" : "no_match");
    const std::uint16_t port = script.new_port();
    script.exchange("no more than a byte follows",
                    {{"the head",
                      client(port).payload("GET / HTTP/1.1\r\nHost: " + name + "\r\n\rX").build(),
                      listed ? "drop_blocked" : "forward_passed",
                      listed ? Answer::page : Answer::none,
                      {request}}});
  }
  return script.done();
}

/// What comes before a request on the way to or from a proxy.
Scenario proxies() {
  Script script("ProxyPrefixes");
  const std::string line = "PROXY TCP4 192.0.2.7 192.0.2.8 1000 80\r\n";
  const std::string binary = std::string("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16) + std::string(12, '\x01');
  for (const std::string& header : {line, binary}) {
    script.both("PROXY protocol before HTTP", text_around(header + "GET / HTTP/1.1\r\nHost: ~\r\n\r\n"),
                whole);
    script.both(
        "PROXY protocol before a hello",
        [&header](std::string_view name) {
          Bytes stream = to_bytes(header);
          const Bytes hello = hello_around(name);
          stream.insert(stream.end(), hello.begin(), hello.end());
          return stream;
        },
        whole, kShownTls);
  }
  const Shown tunnel{.form = "~", .answer = Answer::reset};
  const auto socks5 = [](std::string_view name) {
    std::string text("\x05\x01\0\x05\x01\0\x03", 7);
    text += static_cast<char>(name.size());
    text += name;
    return to_bytes(text + std::string("\0\x50", 2));
  };
  script.both("SOCKS 5", socks5, whole, tunnel);
  script.both(
      "SOCKS 5, cut after the greeting", socks5,
      [](std::size_t size) {
        return std::vector<Piece>{{0, 3}, {3, size}};
      },
      tunnel);
  script.both("SOCKS 5, byte by byte", socks5, one_byte_each, tunnel);
  script.both(
      "SOCKS 4a",
      [](std::string_view name) {
        return to_bytes(std::string("\x04\x01\0\x50\0\0\0\x01user\0", 13) + std::string(name) + '\0');
      },
      ordered({1, 0}), tunnel);
  return script.done();
}

}  // namespace

std::vector<Scenario> lenient_server_scenarios() {
  return {authorities(), headers(), framing(), request_lines(), heads(), proxies()};
}

}  // namespace weir::scenario
