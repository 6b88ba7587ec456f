#include "config/settings.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/rules/plain_list.h"

namespace weir::config {
namespace {

using std::chrono::seconds;

std::string file_text(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  EXPECT_TRUE(stream) << file;
  return {std::istreambuf_iterator<char>(stream), {}};
}

const std::filesystem::path kDirectory = WEIR_CONFIG_DIRECTORY;

// Every kind of key, with values other than the defaults.
constexpr const char* kEverything = R"(dataplane:
  eal: ["--no-pci", "--no-huge", "-m", "512"]
  mode: inline
  enforcement: monitor
  ports:
    - {name: subscriber, device: "net_af_packet0,iface=eth1", role: subscriber}
    - {name: network,    device: "net_af_packet1,iface=eth2", role: network}
  workers: [2, 3]
  idle: busy
  socket: /run/d.sock
  snapshot_dir: /var/lib/s
  inspect: {http: [80, 8080], tls: any, quic: []}
  block: {http: {status: 302, page: /etc/b.html, redirect: "https://splash.example/?a=b", blocked_by: https://isp.example/, operator: "ISP & Sons", reason: "ein Grund: ü", contact: "call us", segment_bytes: 1000}, tls: reset, quic: drop}
  mbufs: {count: 32768, frame_bytes: 9216}
  flows: {capacity: 1024, lifetime: 90s, quic_connections: 2048, h2c_connections: 64}
control:
  socket: /run/c.sock
  roles: {read: [weir], update: [weir-list, "ops"], admin: [root]}
  metrics: {listen: "[::1]:9000"}
  state_dir: /var/lib/w
  keep_generations: 3
lists:
  - name: hotline
    type: feed
    url: https://feed.example/list.txt
    format: plain
    csv: {url_column: address, id_column: number}
    ca_file: /etc/ca.pem
    auth: {type: basic, user: isp, password_file: /etc/weir/feed.pass}
    verify: {type: none, public_key: "RWQgHevBm548yAGnpQWmzVyLTFQOj0xQqKrzLIUssBPJYbaL5+EIDjLy"}  # no effect, like csv
    interval: 15m
    max_age: 2d
    on_tls: block-host
    subdomains: true
    www_equivalent: true
    guards: {min_entries: 100, max_shrink_percent: 5, max_growth_percent: 0}
  - {name: local, type: manual}
protected_hosts: /etc/weir/protected.txt
)";

TEST(ParseSettings, ReadsTheDataplane) {
  const auto settings = parse_settings(kEverything, "f", Audience::dataplane);
  ASSERT_TRUE(settings) << settings.error().message;
  const DataplaneSettings& d = settings.value().dataplane;
  EXPECT_EQ(d.eal, (std::vector<std::string>{"--no-pci", "--no-huge", "-m", "512"}));
  EXPECT_EQ(d.topology, Topology::inline_wire);
  EXPECT_EQ(d.enforcement, base::Enforcement::monitor);
  ASSERT_EQ(d.ports.size(), 2U);
  EXPECT_EQ(d.ports[0].name, "subscriber");
  EXPECT_EQ(d.ports[0].device, "net_af_packet0,iface=eth1");
  EXPECT_EQ(d.ports[0].role, PortRole::subscriber);
  EXPECT_EQ(d.ports[0].line, 6U);
  EXPECT_EQ(d.ports[1].role, PortRole::network);
  EXPECT_EQ(d.ports[1].line, 7U);
  EXPECT_EQ(d.workers, (std::vector<unsigned>{2, 3}));
  EXPECT_EQ(d.idle, Idle::busy);
  EXPECT_EQ(d.socket, "/run/d.sock");
  EXPECT_EQ(d.snapshot_dir, "/var/lib/s");
  EXPECT_FALSE(d.inspect.http.any);
  EXPECT_EQ(d.inspect.http.ports, (std::vector<std::uint16_t>{80, 8080}));
  EXPECT_TRUE(d.inspect.tls.any);
  EXPECT_FALSE(d.inspect.quic.any);
  EXPECT_TRUE(d.inspect.quic.ports.empty());
  EXPECT_EQ(d.block.http.status, 302U);
  EXPECT_EQ(d.block.http.page, "/etc/b.html");
  EXPECT_EQ(d.block.http.redirect, "https://splash.example/?a=b");
  EXPECT_EQ(d.block.http.blocked_by, "https://isp.example/");
  EXPECT_EQ(d.block.http.operator_name, "ISP & Sons");
  EXPECT_EQ(d.block.http.reason, "ein Grund: ü");
  EXPECT_EQ(d.block.http.contact, "call us");
  EXPECT_EQ(d.block.http.segment_bytes, 1000U);
  EXPECT_EQ(d.block.tls, TlsAnswer::reset);
  EXPECT_EQ(d.block.quic, QuicAnswer::drop);
  EXPECT_EQ(d.mbufs.count, 32768U);
  EXPECT_EQ(d.mbufs.frame_bytes, 9216U);
  EXPECT_EQ(d.flows.capacity, 1024U);
  EXPECT_EQ(d.flows.lifetime, seconds(90));
  EXPECT_EQ(d.flows.quic_connections, 2048U);
  EXPECT_EQ(d.flows.h2c_connections, 64U);
  EXPECT_EQ(setting_notices(settings.value()),
            (std::vector<std::string>{
                "dataplane.block.http.blocked_by has no effect: dataplane.block.http.status is 302, not 451",
                "list hotline: verify.public_key has no effect: verify.type is not minisign",
                "list hotline: csv has no effect: format is not csv",
            }));
}

TEST(ParseSettings, ReadsControlAndLists) {
  const auto settings = parse_settings(kEverything, "f", Audience::control);
  ASSERT_TRUE(settings) << settings.error().message;
  const ControlSettings& c = settings.value().control;
  EXPECT_EQ(c.socket, "/run/c.sock");
  EXPECT_EQ(c.roles.read, std::vector<std::string>{"weir"});
  EXPECT_EQ(c.roles.update, (std::vector<std::string>{"weir-list", "ops"}));
  EXPECT_EQ(c.roles.admin, std::vector<std::string>{"root"});
  EXPECT_EQ(c.metrics_listen, "[::1]:9000");
  EXPECT_EQ(c.state_dir, "/var/lib/w");
  EXPECT_EQ(c.keep_generations, 3U);
  EXPECT_EQ(settings.value().protected_hosts, "/etc/weir/protected.txt");
  ASSERT_EQ(settings.value().lists.size(), 2U);
  const ListSettings& l = settings.value().lists[0];
  EXPECT_EQ(l.name, "hotline");
  EXPECT_EQ(l.type, ListType::feed);
  EXPECT_EQ(l.url, "https://feed.example/list.txt");
  EXPECT_EQ(l.format, ListFormat::plain);
  EXPECT_EQ(l.csv.url_column, "address");
  EXPECT_EQ(l.csv.id_column, "number");
  EXPECT_EQ(l.ca_file, "/etc/ca.pem");
  EXPECT_EQ(l.auth.type, AuthType::basic);
  EXPECT_EQ(l.auth.user, "isp");
  EXPECT_EQ(l.auth.password_file, "/etc/weir/feed.pass");
  EXPECT_EQ(l.verify.public_key, "RWQgHevBm548yAGnpQWmzVyLTFQOj0xQqKrzLIUssBPJYbaL5+EIDjLy");
  EXPECT_EQ(l.interval, seconds(900));
  EXPECT_EQ(l.max_age, seconds(172800));
  EXPECT_EQ(l.on_tls, OnTls::block_host);
  EXPECT_TRUE(l.subdomains);
  EXPECT_TRUE(l.www_equivalent);
  EXPECT_EQ(l.guards.min_entries, 100U);
  EXPECT_EQ(l.guards.max_shrink_percent, 5U);
  EXPECT_EQ(l.guards.max_growth_percent, 0U);
  EXPECT_EQ(l.line, 23U);
  EXPECT_EQ(settings.value().lists[1].type, ListType::manual);
}

TEST(ParseSettings, NeedsNothingButPortsForTheDataplane) {
  const std::vector<std::string> empty_ones{"",  "# nothing\n", "---\n",
                                            "~", "{}",          "dataplane:\ncontrol:\nlists:\n"};
  for (const auto& text : empty_ones) {
    for (const auto audience : {Audience::control, Audience::client, Audience::replay}) {
      const auto settings = parse_settings(text, "f", audience);
      ASSERT_TRUE(settings) << text << settings.error().message;
      EXPECT_EQ(settings.value().dataplane.socket, "/run/weir/dataplane.sock");
      EXPECT_EQ(settings.value().control.metrics_listen, "127.0.0.1:9477");
    }
    const auto settings = parse_settings(text, "f", Audience::dataplane);
    ASSERT_FALSE(settings) << text;
    EXPECT_EQ(settings.error().code, "config_invalid");
    EXPECT_NE(settings.error().message.find("dataplane.ports: found 0 ports, expected exactly two"),
              std::string::npos);
  }
}

TEST(ParseSettings, TakesKeysWithoutAValueForTheirDefaults) {
  const auto settings = parse_settings("dataplane: {idle: , workers: null, block: {http: {redirect: ~}}}\n",
                                       "f", Audience::client);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings.value().dataplane.workers, std::vector<unsigned>{1});
}

// As templates write it: quotes that are not needed, and none where other readers need them.
TEST(ParseSettings, TakesTextInQuotesAndWordsWithout) {
  const auto settings = parse_settings(
      "dataplane: {eal: [-m, 512], idle: 'busy', inspect: {http: 'any'}, flows: {lifetime: "
      "\"90s\"}}\ncontrol: {metrics: {listen: ''}, socket: \"/run/c\"}\n",
      "f", Audience::client);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings.value().dataplane.eal, (std::vector<std::string>{"-m", "512"}));
  EXPECT_EQ(settings.value().dataplane.idle, Idle::busy);
  EXPECT_TRUE(settings.value().dataplane.inspect.http.any);
  EXPECT_EQ(settings.value().dataplane.flows.lifetime, seconds(90));
  EXPECT_EQ(settings.value().control.metrics_listen, "");
}

TEST(ParseSettings, ReadsTheSpecifiedDataplaneExample) {
  const auto settings = parse_settings(R"(
    dataplane:
      eal: ["--no-pci", "--no-huge", "-m", "512"]            # passed to rte_eal_init
      mode: inline                 # inline | mirror | routed
      enforcement: enforce         # enforce | monitor | bypass
      ports:
        - {name: subscriber, device: "net_af_packet0,iface=eth1", role: subscriber}
        - {name: network,    device: "net_af_packet1,iface=eth2", role: network}
      workers: [1]                 # lcores
      idle: sleep                  # busy | sleep
      socket: /run/weir/dataplane.sock
      snapshot_dir: /var/lib/weir/snapshots
      inspect: {http: any, tls: any, quic: [443]}          # ports, or any
      block: {http: {status: 451, page: /etc/weir/block.html, redirect: null}, tls: alert, quic: close}
)",
                                       "f", Audience::dataplane);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_TRUE(setting_notices(settings.value()).empty());
}

TEST(ParseSettings, ReadsTheSpecifiedListExampleWithAKeyInIt) {
  std::string text = R"(control:
  socket: /run/weir/control.sock
  roles: {read: [weir], update: [weir-list], admin: [root]}     # Unix groups or users, by peer credentials
  metrics: {listen: "127.0.0.1:9477"}
  state_dir: /var/lib/weir
lists:
  - name: hotline
    url: https://feed.example/list.csv         # or file:///...
    format: csv                               # plain | csv | json | hosts | rpz
    csv: {url_column: url, id_column: id}
    auth: {type: basic, user: isp, password_file: /etc/weir/feed.pass}   # none | basic | bearer | client_cert
    verify: {type: minisign, public_key: "..."}                          # none | sha256 | minisign
    interval: 30m
    max_age: 24h
    on_tls: pass                               # pass | block-host
    guards: {min_entries: 100, max_shrink_percent: 20, max_growth_percent: 100}
  - {name: local, type: manual}                # entries made through the control socket
protected_hosts: /etc/weir/protected.txt
)";
  const auto refused = parse_settings(text, "f", Audience::control);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "f:12: lists[0].verify.public_key: found the text '...', expected the second line of a minisign "
            "public key file: RW and 54 more characters");
  text.replace(text.find("\"...\"") + 1, 3, "RWQgHevBm548yAGnpQWmzVyLTFQOj0xQqKrzLIUssBPJYbaL5+EIDjLy");
  const auto settings = parse_settings(text, "f", Audience::control);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings.value().lists[0].format, ListFormat::csv);
  EXPECT_EQ(settings.value().lists[0].csv.id_column, "id");
}

TEST(ParseSettings, DeltasNeedAFormatThatSupportsThem) {
  struct Case {
    const char* list;
    const char* expected;  // part of the message; empty: good
  };
  const std::string url = "delta: {url: 'https://feed.example/changes?since={token}'";
  for (const Case& each : {
           Case{"format: plain, D}", ""},
           Case{"format: csv, D}", ""},
           Case{"format: json, D}", ""},
           Case{"format: hosts, D}", "lists[0].delta.url: given for a format without delta support"},
           Case{"format: rpz, D}", "lists[0].delta.url: given for a format without delta support"},
           Case{"format: json, D, added: /a, removed: /a}",
                "lists[0].delta.removed: the same as delta.added"},
           Case{"format: json, D, token: ''}", "lists[0].delta.token: missing"},
           Case{"format: json, D, since: ''}", ""},
           Case{"format: json, verify: {type: sha256}, D, since: ''}", "lists[0].delta.since: missing"},
           Case{"verify: {type: sha256}, D}", ""},
           Case{"verify: {type: sha256, url: 'https://feed.example/sum'}, D}",
                "lists[0].delta.verify_url: missing"},
           Case{"verify: {type: sha256, url: 'https://feed.example/sum'}, D, verify_url: "
                "'https://feed.example/sum/{token}'}",
                ""},
       }) {
    std::string list = each.list;
    list.replace(list.find('D'), 1, url);
    const auto settings = parse_settings("lists: [{name: a, url: 'https://feed.example/list', " + list + "}]",
                                         "f", Audience::control);
    EXPECT_EQ(settings.ok(), *each.expected == '\0') << each.list;
    if (!settings) {
      EXPECT_NE(settings.error().message.find(each.expected), std::string::npos)
          << each.list << ": " << settings.error().message;
    }
  }
  const auto file =
      parse_settings("lists: [{name: a, url: 'file:///etc/list', " + url + "}}]", "f", Audience::control);
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find("lists[0].delta.url: given for a list that is not an https:// feed"),
            std::string::npos)
      << file.error().message;
}

TEST(ParseSettings, TakesAliases) {
  const auto settings = parse_settings(
      "lists:\n  - {name: a, url: https://feed.example/a, auth: &login {type: bearer, token_file: /etc/t}}\n "
      " - {name: b, url: https://feed.example/b, auth: *login}\n",
      "f", Audience::control);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings.value().lists[1].auth.type, AuthType::bearer);
  EXPECT_EQ(settings.value().lists[1].auth.token_file, "/etc/t");
}

TEST(SettingNotices, RemindOfTheWordsOnThePage) {
  struct Case {
    const char* description;
    void (*change)(HttpBlockSettings& http);
    bool reminded;
  };
  const Case cases[] = {
      {"nothing said", [](HttpBlockSettings&) {}, true},
      {"how to object is missing", [](HttpBlockSettings& http) { http.operator_name = http.reason = "x"; },
       true},
      {"all said", [](HttpBlockSettings& http) { http.operator_name = http.reason = http.contact = "x"; },
       false},
      {"a page of the operator's own", [](HttpBlockSettings& http) { http.page = "/etc/weir/block.html"; },
       false},
      {"no page at all", [](HttpBlockSettings& http) { http.status = 302; }, false},
  };
  for (const Case& row : cases) {
    Settings settings;
    row.change(settings.dataplane.block.http);
    const auto notices = setting_notices(settings);
    EXPECT_EQ(notices.size(), row.reminded ? 1U : 0U) << row.description;
    if (!row.reminded || notices.empty()) continue;
    EXPECT_NE(notices[0].find("set dataplane.block.http.operator, reason and contact"), std::string::npos);
  }
}

TEST(SettingNotices, NameWhatHasNoEffect) {
  Settings settings;
  settings.dataplane.block.http.page = "/etc/weir/block.html";
  EXPECT_TRUE(setting_notices(settings).empty());
  settings.dataplane.block.http.status = 403;
  settings.dataplane.block.http.blocked_by = "https://isp.example/";
  ListSettings list;
  list.name = "local-file";
  list.url = "file:///etc/list";
  list.auth.type = AuthType::bearer;
  settings.lists.push_back(list);
  list = ListSettings{};
  list.name = "hotline";
  list.auth.user = "isp";
  settings.lists.push_back(list);
  const auto notices = setting_notices(settings);
  ASSERT_EQ(notices.size(), 3U);
  EXPECT_NE(notices[0].find("dataplane.block.http.blocked_by has no effect"), std::string::npos);
  EXPECT_EQ(notices[1], "list local-file: auth has no effect: the feed is a file");
  EXPECT_EQ(notices[2], "list hotline: auth has no effect: auth.type is none");
}

TEST(LoadSettings, ReadsTheSampleForEveryProgram) {
  for (const auto audience : {Audience::dataplane, Audience::control, Audience::client, Audience::replay}) {
    const auto settings = load_settings(kDirectory / "weir.yaml", audience);
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_EQ(settings.value().dataplane.ports.size(), 2U);
    const auto notices = setting_notices(settings.value());
    ASSERT_EQ(notices.size(), 1U) << "only the reminder of the words on the page";
    EXPECT_NE(notices[0].find("who blocks, why, and how to object"), std::string::npos) << notices[0];
  }
}

// A newcomer types the configuration of the README.
TEST(LoadSettings, ReadsTheConfigurationOfTheReadme) {
  const std::string page = file_text(kDirectory.parent_path() / "README.md");
  const std::string fence = "```yaml\n";
  const std::size_t begin = page.find(fence);
  ASSERT_NE(begin, std::string::npos);
  const std::size_t first = begin + fence.size();
  const std::size_t indent = page.find_first_not_of(' ', first) - first;
  std::istringstream lines(page.substr(first, page.find("```", first) - first));
  std::string text;
  for (std::string line; std::getline(lines, line);)
    text += line.substr(std::min(indent, line.size())) + "\n";
  for (const auto audience : {Audience::dataplane, Audience::control, Audience::client, Audience::replay}) {
    const auto settings = parse_settings(text, "README.md", audience);
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_EQ(settings.value().dataplane.ports.size(), 2U);
    EXPECT_EQ(settings.value().lists.size(), 2U);
  }
}

// The file still loads when the examples in its comments are turned on.
TEST(LoadSettings, ReadsTheSampleWithItsExamplesTurnedOn) {
  std::string text;
  std::istringstream lines(file_text(kDirectory / "weir.yaml"));
  std::size_t turned_on = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t sign = line.find_first_not_of(' ');
    const std::string_view rest = sign == std::string::npos ? "" : std::string_view(line).substr(sign);
    const auto is_key = [&](std::string_view comment) {
      const std::size_t word = comment.find_first_not_of("# -");
      const std::size_t end = word == std::string_view::npos
                                  ? word
                                  : comment.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", word);
      return end != std::string_view::npos && end > word && comment.substr(end, 2) == ": ";
    };
    if (rest.substr(0, 2) == "# " && is_key(rest) && rest.find("reload") == std::string_view::npos &&
        rest.find("sleep:") == std::string_view::npos && rest.find("enforce:") == std::string_view::npos &&
        rest.find("read:") == std::string_view::npos) {
      line.erase(sign, 2);
      if (line.find_first_not_of(' ') != std::string::npos && line[line.find_first_not_of(' ')] == '#') {
        line.erase(line.find('#'), 2);  // a comment within a comment
      }
      ++turned_on;
    }
    text += line + "\n";
  }
  EXPECT_EQ(turned_on, 21U);
  text.replace(text.find("status: 451"), 11, "status: 302");  // what the redirect is for
  const auto settings = parse_settings(text, "f", Audience::dataplane);
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings.value().lists.size(), 2U);
  EXPECT_EQ(settings.value().lists[1].guards.min_entries, 100U);
  EXPECT_EQ(settings.value().protected_hosts, "/etc/weir/protected.txt");
}

TEST(LoadSettings, AcceptsAMissingDefaultFileForTheClientOnly) {
  const std::filesystem::path missing = "/nonexistent/weir.yaml";
  for (const auto audience : {Audience::dataplane, Audience::control, Audience::client, Audience::replay}) {
    const auto settings = load_settings(missing, audience);
    ASSERT_FALSE(settings);
    EXPECT_EQ(settings.error().code, "config_unreadable");
    EXPECT_EQ(settings.error().message,
              "/nonexistent/weir.yaml: cannot read the configuration: No such file or directory");
  }
  if (!std::filesystem::exists(kDefaultConfigFile)) {
    EXPECT_TRUE(load_settings(kDefaultConfigFile, Audience::client));
    EXPECT_FALSE(load_settings(kDefaultConfigFile, Audience::control));
  }
}

TEST(LoadSettings, RefusesDirectoriesAndEndlessFiles) {
  const auto directory = load_settings(kDirectory, Audience::client);
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().code, "config_unreadable");
  const auto endless = load_settings("/dev/zero", Audience::client);
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().code, "config_invalid");
}

TEST(SampleList, HasEachKindAndNoBadLine) {
  rules::EntryParser parser;
  std::vector<rules::RuleKind> kinds;
  const auto summary =
      rules::read_plain_list(file_text(kDirectory / "lists" / "sample.txt"), parser,
                             [&](rules::Rule&& rule, std::size_t) { kinds.push_back(rule.kind); });
  EXPECT_EQ(summary.bad_lines, 0U);
  for (const auto& error : summary.errors) ADD_FAILURE() << error.line << ": " << error.message;
  using rules::RuleKind;
  EXPECT_EQ(kinds,
            (std::vector<RuleKind>{RuleKind::domain, RuleKind::domain, RuleKind::subdomains, RuleKind::prefix,
                                   RuleKind::url, RuleKind::url_query, RuleKind::url, RuleKind::url,
                                   RuleKind::domain, RuleKind::domain, RuleKind::domain}));
}

}  // namespace
}  // namespace weir::config
