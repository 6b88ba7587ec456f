#include "config/problems.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/settings.h"

namespace weir::config {
namespace {

// One feed with further keys.
std::string feed(const std::string& more) {
  return "lists: [{name: a, url: 'https://feed.example/', " + more + "}]";
}

std::string ports(const std::string& first, const std::string& second) {
  return "dataplane:\n  ports:\n    - {" + first + "}\n    - {" + second + "}\n";
}

struct ProblemCase {
  const char* description;
  std::string text;
  std::string message;
};

void expect_problems(const std::vector<ProblemCase>& cases) {
  for (const auto& each : cases) {
    const auto settings = parse_settings(each.text, "f", Audience::control);
    ASSERT_FALSE(settings) << each.description;
    EXPECT_EQ(settings.error().code, "config_invalid") << each.description;
    EXPECT_EQ(settings.error().message, each.message) << each.description;
  }
}

TEST(Problems, OfSingleValues) {
  expect_problems({
      {"a misspelt choice", "dataplane:\n  idle: slep\n",
       "f:2: dataplane.idle: found 'slep', expected one of busy, sleep"},
      {"an unknown mode", "dataplane: {mode: tap}",
       "f:1: dataplane.mode: found 'tap', expected one of inline, mirror, routed"},
      {"a number below the range", "dataplane: {mbufs: {count: 5}}",
       "f:1: dataplane.mbufs.count: found '5', expected a whole number from 1024 to 16777216"},
      {"a number above 64 bits", "control: {keep_generations: 99999999999999999999}",
       "f:1: control.keep_generations: found '99999999999999999999', expected a whole number from 1 to 1000"},
      {"a negative number", "control: {keep_generations: -1}",
       "f:1: control.keep_generations: found '-1', expected a whole number from 1 to 1000"},
      {"a fraction", "control: {keep_generations: 1.5}",
       "f:1: control.keep_generations: found '1.5', expected a whole number from 1 to 1000"},
      {"a number in quotes", "control: {keep_generations: '5'}",
       "f:1: control.keep_generations: found the text '5', expected a whole number from 1 to 1000"},
      {"a list in a number's place", "control: {keep_generations: [5]}",
       "f:1: control.keep_generations: found a list, expected a whole number from 1 to 1000"},
      {"a relative path", "control: {state_dir: state}",
       "f:1: control.state_dir: found 'state', expected an absolute path"},
      {"no path for a socket", "control: {socket: ''}",
       "f:1: control.socket: found the text '', expected an absolute path of at most 107 bytes"},
      {"a listener without a port", "control: {metrics: {listen: localhost}}",
       "f:1: control.metrics.listen: found 'localhost', expected ADDRESS:PORT such as 127.0.0.1:9477 or "
       "[::1]:9477, or \"\" for none"},
      {"not a boolean of YAML 1.2", feed("subdomains: yes"),
       "f:1: lists[0].subdomains: found 'yes', expected true or false"},
      {"workers as one number", "dataplane: {workers: 1}",
       "f:1: dataplane.workers: found '1', expected a list of numbers from 0 to 127"},
      {"no workers", "dataplane: {workers: []}",
       "f:1: dataplane.workers: found a list, expected a list of at least one number from 0 to 127"},
      {"a worker twice", "dataplane:\n  workers:\n    - 1\n    - 2\n    - 1\n",
       "f:5: dataplane.workers: 1 is given twice, expected each number once"},
      {"port 0", "dataplane: {inspect: {http: [80, 0]}}",
       "f:1: dataplane.inspect.http: found '0', expected any, or a list of ports from 1 to 65535 such as "
       "[80, 8080]"},
      {"a word in place of ports", "dataplane: {inspect: {tls: all}}",
       "f:1: dataplane.inspect.tls: found 'all', expected any, or a list of ports from 1 to 65535 such as "
       "[80, 8080]"},
      {"an unknown status", "dataplane: {block: {http: {status: 404}}}",
       "f:1: dataplane.block.http.status: found '404', expected one of 451, 403, 302"},
      {"302 to nowhere", "dataplane:\n  block:\n    http:\n      status: 302\n",
       "f:4: dataplane.block.http.redirect: missing, expected the address to which status 302 sends blocked "
       "clients"},
      {"a redirect that breaks the header",
       "dataplane: {block: {http: {redirect: \"http://a.example/\\r\\nX: y\"}}}",
       "f:1: dataplane.block.http.redirect: found the text 'http://a.example/\\x0d\\x0aX: y', expected "
       "http://HOST/... or https://HOST/..., with only the characters that a URI may have"},
      {"a blocked_by that closes its angle brackets",
       "dataplane: {block: {http: {blocked_by: 'https://a.example/>;'}}}",
       "f:1: dataplane.block.http.blocked_by: found the text 'https://a.example/>;', expected "
       "http://HOST/... or https://HOST/..., with only the characters that a URI may have"},
      {"a redirect to no host", "dataplane: {block: {http: {status: 302, redirect: 'http:///'}}}",
       "f:1: dataplane.block.http.redirect: found the text 'http:///', expected http://HOST/... or "
       "https://HOST/..., with only the characters that a URI may have"},
      {"a redirect with status 451",
       "dataplane:\n  block:\n    http:\n      redirect: https://splash.example/\n",
       "f:4: dataplane.block.http.redirect: given for status 451, expected no redirect (or status: 302)"},
      {"two lines for the page", "dataplane: {block: {http: {operator: \"a\\nb\"}}}",
       "f:1: dataplane.block.http.operator: found the text 'a\\x0ab', expected one line of at most 400 "
       "bytes"},
      {"segments that are too small", "dataplane: {block: {http: {segment_bytes: 215}}}",
       "f:1: dataplane.block.http.segment_bytes: found '215', expected a whole number from 216 to 1460"},
      {"a port in quotes", "dataplane: {inspect: {http: ['80']}}",
       "f:1: dataplane.inspect.http: found the text '80', expected any, or a list of ports from 1 to 65535 "
       "such as [80, 8080]"},
      {"port 65536", "dataplane: {inspect: {quic: [65536]}}",
       "f:1: dataplane.inspect.quic: found '65536', expected any, or a list of ports from 1 to 65535 such as "
       "[80, 8080]"},
      {"a port twice", "dataplane: {inspect: {http: [80, 80]}}",
       "f:1: dataplane.inspect.http: 80 is given twice, expected each number once"},
      {"a number that may be octal", "control: {keep_generations: 010}",
       "f:1: control.keep_generations: found '010', expected a whole number from 1 to 1000"},
      {"a worker above the range", "dataplane: {workers: [128]}",
       "f:1: dataplane.workers: found '128', expected a list of numbers from 0 to 127"},
      {"a space in a word", "dataplane: {eal: ['-m 512']}",
       "f:1: dataplane.eal: found the text '-m 512', expected a word without spaces"},
      {"a list in a list", "control: {roles: {read: [[weir]]}}",
       "f:1: control.roles.read: found a list, expected text"},
      {"no state directory", "control: {state_dir: ''}",
       "f:1: control.state_dir: found the text '', expected an absolute path"},
      {"no snapshot directory", "dataplane: {snapshot_dir: ''}",
       "f:1: dataplane.snapshot_dir: found the text '', expected an absolute path"},
      {"a mapping for a choice", "dataplane: {idle: {a: b}}",
       "f:1: dataplane.idle: found a mapping, expected one of busy, sleep"},
  });
}

// A routed box with one arm. `more`: further keys of its port.
std::string one_arm(const std::string& more) {
  return "dataplane:\n  mode: routed\n  ports:\n    - {name: h, device: d0, role: one-arm" + more + "}\n";
}

TEST(Problems, OfRoutedPorts) {
  const std::string routers =
      "expected at most one router for IPv4 and one for IPv6, each in a network of the port's addresses";
  const std::string address =
      "expected a unicast address with its prefix length, such as 192.0.2.1/24 or 2001:db8::1/64";
  const std::string arms =
      "expected for mode: routed, one with role one-arm, or two, one with role subscriber and one with role "
      "network";
  expect_problems({
      {"no address", one_arm(""),
       "f:4: dataplane.ports[0].addresses: missing, expected Weir's address on this port, such as "
       "192.0.2.1/24"},
      {"no next hop", one_arm(", addresses: [192.0.2.1/24]"),
       "f:4: dataplane.ports[0].next_hops: missing, expected the router that packets are sent to, such as "
       "192.0.2.254"},
      {"a next hop elsewhere",
       one_arm(", addresses: [192.0.2.1/24, '2001:db8::1/64'], next_hops: [192.0.3.2]"),
       "f:4: dataplane.ports[0].next_hops: 192.0.3.2 is in no network of the port's addresses, " + routers},
      {"a next hop of a family without an address",
       one_arm(", addresses: [192.0.2.1/24], next_hops: ['2001:db8::2']"),
       "f:4: dataplane.ports[0].next_hops: 2001:db8::2 is in no network of the port's addresses, " + routers},
      {"itself as its next hop", one_arm(", addresses: [192.0.2.1/24], next_hops: [192.0.2.1]"),
       "f:4: dataplane.ports[0].next_hops: 192.0.2.1 is Weir's own, " + routers},
      {"two next hops of a family", one_arm(", addresses: [192.0.2.1/24], next_hops: [192.0.2.2, 192.0.2.3]"),
       "f:4: dataplane.ports[0].next_hops: 192.0.2.3 is the second one of its address family, " + routers},
      {"an address without a prefix length", one_arm(", addresses: [192.0.2.1], next_hops: [192.0.2.2]"),
       "f:4: dataplane.ports[0].addresses: found '192.0.2.1', " + address},
      {"a prefix length that is too long", one_arm(", addresses: [192.0.2.1/33], next_hops: [192.0.2.2]"),
       "f:4: dataplane.ports[0].addresses: found '192.0.2.1/33', " + address},
      {"a multicast address", one_arm(", addresses: ['ff02::1/64'], next_hops: [192.0.2.2]"),
       "f:4: dataplane.ports[0].addresses: found the text 'ff02::1/64', " + address},
      {"a name as a next hop", one_arm(", addresses: [192.0.2.1/24], next_hops: [router]"),
       "f:4: dataplane.ports[0].next_hops: found 'router', expected a unicast address, such as 192.0.2.254 "
       "or 2001:db8::fe"},
      {"another role", "dataplane:\n  mode: routed\n  ports: [{name: h, device: d0, role: mirror}]\n",
       "f:3: dataplane.ports[0].role: found 'mirror', " + arms},
      {"addresses on a wire",
       ports("name: s, device: d0, role: subscriber, addresses: [192.0.2.1/24]",
             "name: n, device: d1, role: network, next_hops: [192.0.2.2]"),
       "f:3: dataplane.ports[0].addresses: given for another topology, expected mode: routed\nf:4: "
       "dataplane.ports[1].next_hops: given for another topology, expected mode: routed"},
      {"three arms",
       "dataplane:\n  mode: routed\n  ports: [{name: a, device: d0, role: subscriber, addresses: "
       "[10.0.0.1/8]}, {name: b, device: d1, role: network, addresses: [192.0.2.1/24], next_hops: "
       "[192.0.2.2]}, {name: c, device: d2, role: one-arm, addresses: [198.51.100.1/24], next_hops: "
       "[198.51.100.2]}]\n",
       "f:3: dataplane.ports: found 3 ports, " + arms + "\nf:3: dataplane.ports[2].role: found 'one-arm', " +
           arms},
  });
}

TEST(Problems, AcceptGoodRoutedPorts) {
  for (const std::string& text : {
           one_arm(", addresses: [192.0.2.1/24], next_hops: [192.0.2.2]"),
           one_arm(", addresses: [192.0.2.1/31], next_hops: [192.0.2.0]"),
           one_arm(", addresses: [192.0.2.1/32, 10.0.0.1/8], next_hops: [10.9.9.9]"),
           one_arm(", addresses: [192.0.2.1/24, '2001:db8::1/64', 'fe80::1/64'], next_hops: ['fe80::2', "
                   "192.0.2.2]"),
           std::string("dataplane: {mode: routed, ports: [{name: a, device: d0, role: subscriber, addresses: "
                       "[10.0.0.1/8]}, {name: b, device: d1, role: network, addresses: [192.0.2.1/24], "
                       "next_hops: [192.0.2.2]}], routed: {icmp_errors_per_second: 0}}"),
       }) {
    const auto settings = parse_settings(text, "f", Audience::dataplane);
    EXPECT_TRUE(settings) << text << settings.error().message;
  }
}

TEST(Problems, OfListeners) {
  std::vector<ProblemCase> cases;
  for (const char* wrong :
       {":9477", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:", "::1:9477", "[::1:9477", "[]:9477",
        "[::1]x:9477", "[::1]:1,0.0.0.0:9477", "a,b:9477", "a b:9477", "a:+1"}) {
    cases.push_back({wrong, std::string("control: {metrics: {listen: '") + wrong + "'}}",
                     std::string("f:1: control.metrics.listen: found the text '") + wrong +
                         "', expected ADDRESS:PORT such as 127.0.0.1:9477 or [::1]:9477, or \"\" for none"});
  }
  expect_problems(cases);
}

TEST(Problems, OfDurations) {
  const std::string expected = ", expected a duration of 10s to 30d, such as 90s, 30m or 24h";
  std::vector<ProblemCase> cases;
  for (const char* wrong : {"30", "m", "30 m", "1h30m", "30w", "-5m", "5s", "31d", "1.5h", "500ms",
                            "99999999999999999999s", "5000000000d", "05m"}) {
    cases.push_back({wrong, feed(std::string("interval: ") + wrong),
                     std::string("f:1: lists[0].interval: found '") + wrong + "'" + expected});
  }
  expect_problems(cases);
}

TEST(Problems, OfKeys) {
  expect_problems({
      {"a misspelt key", "control:\n  sokcet: /run/a\n",
       "f:2: control.sokcet: unknown key (did you mean 'socket'?), expected one of socket, roles, metrics, "
       "state_dir, keep_generations, audit, entries, lock_memory, selftest"},
      {"an unknown key", "colour: red",
       "f:1: colour: unknown key, expected one of dataplane, control, lists, protected_hosts"},
      {"no similar key", "zzz: red",
       "f:1: zzz: unknown key, expected one of dataplane, control, lists, protected_hosts"},
      {"a misspelt section", "dataplan: {}",
       "f:1: dataplan: unknown key (did you mean 'dataplane'?), expected one of dataplane, control, lists, "
       "protected_hosts"},
      {"a dotted key reaches nowhere", "dataplane.mode: inline",
       "f:1: dataplane.mode: unknown key, expected one of dataplane, control, lists, protected_hosts"},
      {"a misspelt key of a list", feed("intervall: 5m"),
       "f:1: lists[0].intervall: unknown key (did you mean 'interval'?), expected one of name, type, url, "
       "format, csv, json, delta, max_bytes, proxy, timeout, ca_file, auth, verify, interval, max_age, "
       "on_tls, subdomains, www_equivalent, guards"},
      {"a key twice", "control:\n  socket: /run/a\n  state_dir: /s\n  socket: /run/b\n",
       "f:4: control.socket: given twice (first in line 2), expected each key once"},
      {"a section twice", "control: {}\ndataplane: {}\ncontrol: {}\n",
       "f:3: control: given twice (first in line 1), expected each key once"},
      {"a merge key", "control: {<<: {socket: /run/a}}",
       "f:1: control.<<: unknown key, expected one of socket, roles, metrics, state_dir, keep_generations, "
       "audit, entries, lock_memory, selftest"},
      {"control characters", "\"a\\eb\": 1",
       "f:1: 'a\\x1bb': unknown key, expected one of dataplane, control, lists, protected_hosts"},
      {"a value in place of a section", "control: yes",
       "f:1: control: found a single value, expected a mapping of KEY: VALUE"},
      {"an address without its key is not repeated", "lists: [{name: a, https://feed.example/secret}]",
       "f:1: lists[0].(not a key, not shown): unknown key, expected one of name, type, url, format, csv, "
       "json, delta, max_bytes, proxy, timeout, ca_file, auth, verify, interval, max_age, on_tls, "
       "subdomains, www_equivalent, guards\nf:1: lists[0].url: missing, expected https://HOST/... or "
       "file:///... for a feed (or type: manual)"},
      {"a file that is a list", "- a\n", "f:1: the file: found a list, expected a mapping of KEY: VALUE"},
  });
}

TEST(Problems, OfPorts) {
  const std::string good = "name: s, device: d0, role: subscriber";
  expect_problems({
      {"one port", "dataplane:\n  ports:\n    - {" + good + "}\n",
       "f:2: dataplane.ports: found 1 port, expected exactly two for mode: inline, one with role subscriber "
       "and one with role network"},
      {"three ports",
       ports(good, "name: n, device: d1, role: network") + "    - {name: x, device: d2, role: network}\n",
       "f:2: dataplane.ports: found 3 ports, expected exactly two for mode: inline, one with role subscriber "
       "and one with role network\nf:5: dataplane.ports[2].role: the same as in line 4, expected each role "
       "once"},
      {"a mirror's port in a wire", ports(good, "name: n, device: d1, role: answers"),
       "f:4: dataplane.ports[1].role: found 'answers', expected exactly two for mode: inline, one with role "
       "subscriber and one with role network"},
      {"a wire's ports at a mirror",
       "dataplane:\n  mode: mirror\n  ports:\n    - {name: m, device: d0, role: mirror}\n    - {name: n, "
       "device: d1, role: network}\n",
       "f:5: dataplane.ports[1].role: found 'network', expected exactly two for mode: mirror, one with role "
       "mirror and one with role answers"},
      {"the same name", ports(good, "name: s, device: d1, role: network"),
       "f:4: dataplane.ports[1].name: the same as in line 3, expected a different name for each port"},
      {"the same device", ports(good, "name: n, device: d0, role: network"),
       "f:4: dataplane.ports[1].device: the same as in line 3, expected a different device for each port"},
      {"the same role", ports(good, "name: n, device: d1, role: subscriber"),
       "f:4: dataplane.ports[1].role: the same as in line 3, expected each role once"},
      {"a port without keys", ports(good, ""),
       "f:4: dataplane.ports[1].name: missing, expected a value\nf:4: dataplane.ports[1].device: missing, "
       "expected a value\nf:4: dataplane.ports[1].role: missing, expected a value"},
      {"a misspelt role is reported once", ports(good, "name: n, device: d1, role: net"),
       "f:4: dataplane.ports[1].role: found 'net', expected one of subscriber, network, mirror, answers, "
       "one-arm"},
      {"a name that is no label",
       ports("name: 'Port 1', device: d0, role: subscriber", "name: n, device: d1, role: network"),
       "f:3: dataplane.ports[0].name: found the text 'Port 1', expected 1 to 63 characters of a-z, 0-9, _ "
       "and -"},
      {"a word in place of ports", "dataplane: {ports: eth0}",
       "f:1: dataplane.ports: found a single value, expected a list of mappings"},
      {"the same host for both self-tests", "control:\n  selftest:\n    listed: weir-unlisted.invalid\n",
       "f:3: control.selftest.unlisted: the same as control.selftest.listed, expected another host"},
      {"the same socket", "dataplane: {socket: /run/a}\ncontrol: {socket: /run/a}\n",
       "f:2: control.socket: the same as dataplane.socket, expected a different socket"},
  });
}

TEST(Problems, OfLists) {
  std::string many = "lists:\n";
  for (int i = 0; i < 65; ++i) many += "  - {name: l" + std::to_string(i) + ", type: manual}\n";
  expect_problems({
      {"a feed without an address", "lists:\n  - name: a\n",
       "f:2: lists[0].url: missing, expected https://HOST/... or file:///... for a feed (or type: manual)"},
      {"http", "lists: [{name: a, url: 'http://feed.example/secret'}]",
       "f:1: lists[0].url: found another value (secret, not shown), expected https://, because a list is "
       "secret and must not travel in clear text"},
      {"another scheme", "lists: [{name: a, url: ftp://feed.example/secret}]",
       "f:1: lists[0].url: found another value (secret, not shown), expected https://HOST/... or "
       "file:///..."},
      {"https without a host", "lists: [{name: a, url: 'https:///secret'}]",
       "f:1: lists[0].url: found another value (secret, not shown), expected https://HOST/... or "
       "file:///..."},
      {"a file of two slashes", "lists: [{name: a, url: file://etc/secret}]",
       "f:1: lists[0].url: found another value (secret, not shown), expected https://HOST/... or "
       "file:///..."},
      {"a manual list with an address",
       "lists:\n  - name: a\n    type: manual\n    url: https://feed.example/\n",
       "f:4: lists[0].url: given for a manual list, expected no url (or type: feed)"},
      {"the same name", "lists:\n  - {name: a, type: manual}\n  - {name: a, type: manual}\n",
       "f:3: lists[1].name: the same as in line 2, expected a different name for each list"},
      {"a name of capitals", "lists: [{name: Hotline, type: manual}]",
       "f:1: lists[0].name: found 'Hotline', expected 1 to 63 characters of a-z, 0-9, _ and -"},
      {"a name too long", "lists: [{name: " + std::string(64, 'a') + ", type: manual}]",
       "f:1: lists[0].name: found '" + std::string(64, 'a') +
           "', expected 1 to 63 characters of a-z, 0-9, _ and -"},
      {"no name", "lists: [{type: manual}]", "f:1: lists[0].name: missing, expected a value"},
      {"too many", many, "f:65: lists: 65 items, expected at most 63"},
      {"an item that is a word", "lists:\n  - hotline\n",
       "f:2: lists[0]: found a single value, expected a mapping of KEY: VALUE"},
      {"https with a port alone", "lists: [{name: a, url: 'https://:443/secret'}]",
       "f:1: lists[0].url: found another value (secret, not shown), expected https://HOST/... or "
       "file:///..."},
      {"an interval above the default age", feed("interval: 2d"),
       "f:1: lists[0].interval: max_age 24h is less than interval 2d, expected a max_age of at least the "
       "interval"},
      {"a column by name without a header", feed("format: csv, csv: {header: false, id_column: '0'}"),
       "f:1: lists[0].csv.url_column: not a column number, expected a number from 1, because csv.header is "
       "false\nf:1: lists[0].csv.id_column: not a column number, expected a number from 1, because "
       "csv.header is false"},
      {"not a JSON pointer", feed("json: {entries: data}"),
       "f:1: lists[0].json.entries: found 'data', expected a JSON pointer: empty, or /PART/PART with ~0 for "
       "~ and ~1 for /"},
      {"minisign without its key", feed("verify: {type: minisign}"),
       "f:1: lists[0].verify.public_key: missing, expected a value, because of verify.type minisign"},
      {"basic without its parts", feed("auth: {type: basic}"),
       "f:1: lists[0].auth.user: missing, expected a value, because of auth.type basic\nf:1: "
       "lists[0].auth.password_file: missing, expected a value, because of auth.type basic"},
      {"bearer with an empty path", feed("auth: {type: bearer, token_file: ''}"),
       "f:1: lists[0].auth.token_file: missing, expected a value, because of auth.type bearer"},
      {"client_cert without its parts", feed("auth: {type: client_cert}"),
       "f:1: lists[0].auth.certificate: missing, expected a value, because of auth.type client_cert\nf:1: "
       "lists[0].auth.key: missing, expected a value, because of auth.type client_cert"},
      {"a secret in the wrong place is not repeated",
       feed("auth: {type: basic, user: isp, password_file: hunter2}"),
       "f:1: lists[0].auth.password_file: found another value (secret, not shown), expected an absolute "
       "path"},
      {"an age below the interval", feed("interval: 1h, max_age: 30m"),
       "f:1: lists[0].max_age: max_age 30m is less than interval 1h, expected a max_age of at least the "
       "interval"},
      {"more than 100 percent", feed("guards: {max_shrink_percent: 101}"),
       "f:1: lists[0].guards.max_shrink_percent: found '101', expected a whole number from 0 to 100"},
  });
}

TEST(Problems, AreAllReportedInTheOrderOfTheFile) {
  expect_problems({{"several",
                    "lists:\n  - name: a\n    url: http://feed.example/\ncontrol:\n  keep_generations: "
                    "0\ndataplane:\n  idle: x\n  ports: []\n",
                    "f:3: lists[0].url: found another value (secret, not shown), expected https://, because "
                    "a list is secret and must not travel in clear text\nf:5: control.keep_generations: "
                    "found '0', expected a whole number from 1 to 1000\nf:7: dataplane.idle: found 'x', "
                    "expected one of busy, sleep\nf:8: dataplane.ports: found 0 ports, expected exactly two "
                    "for mode: inline, one with role subscriber and one with role network"}});
}

TEST(Problems, AreBounded) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "key" + std::to_string(i) + ": 1\n";
  const auto settings = parse_settings(text, "f", Audience::control);
  ASSERT_FALSE(settings);
  const std::string& message = settings.error().message;
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 100);
  EXPECT_NE(message.find("\nf:1: only the first 100 problems are shown"), std::string::npos);
}

struct ClosestCase {
  const char* word;
  const char* expected;
};

TEST(Closest, FindsMisspellingsAndNothingElse) {
  const std::vector<ClosestCase> cases{
      {"socket", "socket"},
      {"sokcet", "socket"},
      {"scoket", "socket"},
      {"sockets", "socket"},
      {"s", ""},
      {"", ""},
      {"banana", ""},
      {"rols", "roles"},
      {"role", "roles"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(closest(each.word, {"socket", "roles", "metrics"}), each.expected) << each.word;
  }
  EXPECT_EQ(closest(std::string(1000, 'x'), {"socket"}), "");
}

TEST(QuotedText, IsOneBoundedLine) {
  EXPECT_EQ(quoted_text("a\nb\x1b\xff"), "'a\\x0ab\\x1b\\xff'");
  EXPECT_EQ(quoted_text(std::string(65, 'x')), "'" + std::string(64, 'x') + "...'");
}

}  // namespace
}  // namespace weir::config
