#include "config/checks.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "config/addresses.h"
#include "config/choices.h"
#include "config/feed_schemes.h"
#include "config/values.h"
#include "dataplane/base/ids.h"

namespace weir::config {
namespace {

constexpr const char* kRoutedPorts =
    "for mode: routed, one with role one-arm, or two, one with role subscriber and one with role network";

class Checker {
 public:
  Checker(const Settings& settings, const Lines& lines, Problems& problems)
      : settings_(settings), lines_(lines), problems_(problems) {}

  void check_ports(Audience audience) {
    const auto& ports = settings_.dataplane.ports;
    if (ports.empty() && audience != Audience::dataplane && !given("dataplane.ports")) return;
    std::map<std::string, std::size_t> names;
    std::map<std::string, std::size_t> devices;
    std::map<PortRole, std::size_t> roles;
    for (std::size_t i = 0; i < ports.size(); ++i) {
      const auto key = [i](const char* name) { return fmt::format("dataplane.ports[{}].{}", i, name); };
      once(names, ports[i].name, key("name"), "a different name for each port");
      once(devices, ports[i].device, key("device"), "a different device for each port");
      once(roles, ports[i].role, key("role"), "each role once");
    }
    check_roles();
    for (std::size_t i = 0; i < ports.size(); ++i) check_routed_port(i);
  }

  void check_sockets() {
    if (settings_.dataplane.socket == settings_.control.socket) {
      problems_.add(line_of("control.socket"), "control.socket", "the same as dataplane.socket",
                    "a different socket");
    }
  }

  void check_answers() {
    const auto& http = settings_.dataplane.block.http;
    constexpr unsigned kRedirect = 302;
    if (http.status == kRedirect && http.redirect.empty() &&
        !problems_.has("dataplane.block.http.redirect")) {
      problems_.add(line_of("dataplane.block.http.status"), "dataplane.block.http.redirect", "missing",
                    "the address to which status 302 sends blocked clients");
    }
    if (http.status != kRedirect && !http.redirect.empty() && !problems_.has("dataplane.block.http.status")) {
      problems_.add(line_of("dataplane.block.http.redirect"), "dataplane.block.http.redirect",
                    fmt::format("given for status {}", http.status), "no redirect (or status: 302)");
    }
  }

  void check_self_test() {
    const SelfTestSettings& self_test = settings_.control.selftest;
    if (self_test.listed != self_test.unlisted) return;
    const std::string unlisted = "control.selftest.unlisted";
    // The other one of the two may have been set to the default of this one.
    problems_.add(line_of(given(unlisted) ? unlisted : "control.selftest.listed"), unlisted,
                  "the same as control.selftest.listed", "another host");
  }

  void check_lists() {
    std::map<std::string, std::size_t> names;
    for (std::size_t i = 0; i < settings_.lists.size(); ++i) {
      const ListSettings& list = settings_.lists[i];
      prefix_ = fmt::format("lists[{}]", i);
      if (problems_.has(prefix_)) continue;  // not a mapping
      once(names, list.name, key("name"), "a different name for each list");
      if (list.name == kSelfTestList && !problems_.has(key("name"))) {
        problems_.add(line_of(key("name")), key("name"), "reserved for the list of the self-test",
                      "another name");
      }
      check_source(list);
      check_auth(list);
      check_columns(list);
      check_delta(list);
      if (list.verify.type == VerifyType::minisign)
        needs("verify.public_key", "verify.type minisign", list.verify.public_key.empty());
      if (list.max_age < list.interval && !problems_.has(key("interval")) && !problems_.has(key("max_age"))) {
        const std::string at = given(key("max_age")) ? key("max_age") : key("interval");
        problems_.add(line_of(at), at,
                      fmt::format("max_age {} is less than interval {}", format_duration(list.max_age),
                                  format_duration(list.interval)),
                      "a max_age of at least the interval");
      }
    }
  }

 private:
  void check_roles() {
    struct Wanted {
      Topology topology;
      std::vector<PortRole> roles;
      const char* text;
    };
    static const std::array kWanted = std::to_array<Wanted>({
        {Topology::inline_wire,
         {PortRole::subscriber, PortRole::network},
         "exactly two for mode: inline, one with role subscriber and one with role network"},
        {Topology::mirror,
         {PortRole::mirror, PortRole::answers},
         "exactly two for mode: mirror, one with role mirror and one with role answers"},
        {Topology::routed, {PortRole::subscriber, PortRole::network}, kRoutedPorts},
        {Topology::routed, {PortRole::one_arm}, kRoutedPorts},
    });
    if (problems_.has("dataplane.mode") || problems_.has("dataplane.ports")) return;
    const auto& ports = settings_.dataplane.ports;
    const std::size_t arms = ports.size() == 1 && settings_.dataplane.topology == Topology::routed ? 1 : 2;
    const auto* const wanted = std::find_if(kWanted.begin(), kWanted.end(), [&](const Wanted& each) {
      return each.topology == settings_.dataplane.topology && each.roles.size() == arms;
    });
    if (ports.size() != wanted->roles.size()) {
      problems_.add(line_of("dataplane.ports"), "dataplane.ports",
                    fmt::format("found {} port{}", ports.size(), ports.size() == 1 ? "" : "s"), wanted->text);
    }
    for (std::size_t i = 0; i < ports.size(); ++i) {
      const std::string at = fmt::format("dataplane.ports[{}].role", i);
      const bool fits =
          std::find(wanted->roles.begin(), wanted->roles.end(), ports[i].role) != wanted->roles.end();
      if (!fits && given(at) && !problems_.has(at)) {
        problems_.add(line_of(at), at, fmt::format("found '{}'", to_string(ports[i].role)), wanted->text);
      }
    }
  }

  void check_routed_port(std::size_t index) {
    const PortSettings& port = settings_.dataplane.ports[index];
    const auto at = [&](const char* name) { return fmt::format("dataplane.ports[{}].{}", index, name); };
    if (problems_.has("dataplane.mode") || problems_.has(at("addresses")) || problems_.has(at("next_hops")) ||
        problems_.has(at("role"))) {
      return;
    }
    if (settings_.dataplane.topology != Topology::routed) {
      for (const char* name : {"addresses", "next_hops"}) {
        if (given(at(name)))
          problems_.add(line_of(at(name)), at(name), "given for another topology", "mode: routed");
      }
      return;
    }
    if (port.addresses.empty()) {
      problems_.add(line_of(at("addresses")), at("addresses"), "missing",
                    "Weir's address on this port, such as 192.0.2.1/24");
      return;
    }
    // Only packets to the network need a next next_hop: the way back may not lead through Weir.
    if (port.next_hops.empty() && port.role != PortRole::subscriber) {
      problems_.add(line_of(at("next_hops")), at("next_hops"), "missing",
                    "the router that packets are sent to, such as 192.0.2.254");
    }
    check_next_hops(port, at("next_hops"));
  }

  void check_next_hops(const PortSettings& port, const std::string& at) {
    const char* const expected =
        "at most one router for IPv4 and one for IPv6, each in a network of the port's addresses";
    std::array<bool, 2> seen{};
    for (const std::string& text : port.next_hops) {
      const auto next_hop = read_host_address(text);
      if (!next_hop) continue;  // already reported
      bool on_link = false;
      bool own = false;
      for (const std::string& address : port.addresses) {
        const auto interface = read_interface_address(address);
        on_link = on_link || (interface && is_on_link(*interface, *next_hop));
        own = own || (interface && interface->address == *next_hop);
      }
      const char* const wrong = own                     ? "is Weir's own"
                                : !on_link              ? "is in no network of the port's addresses"
                                : seen[next_hop->is_v6] ? "is the second one of its address family"
                                                        : nullptr;
      if (wrong != nullptr) problems_.add(line_of(at), at, fmt::format("{} {}", text, wrong), expected);
      seen[next_hop->is_v6] = true;
    }
  }

  [[nodiscard]] bool given(const std::string& key) const { return lines_.find(key) != lines_.end(); }

  // The line of the key, or of the closest enclosing mapping in the file.
  [[nodiscard]] std::size_t line_of(std::string key) const {
    while (true) {
      if (const auto found = lines_.find(key); found != lines_.end()) return found->second;
      const std::size_t cut = key.find_last_of(".[");
      if (cut == std::string::npos) return 1;
      key.resize(cut);
    }
  }

  [[nodiscard]] std::string key(const char* name) const { return prefix_ + "." + name; }

  template <class Value>
  void once(std::map<Value, std::size_t>& seen, const Value& value, const std::string& at,
            const char* expected) {
    // A missing or refused value has been reported already.
    if (!given(at) || problems_.has(at)) return;
    const std::size_t line = line_of(at);
    const auto [first, is_new] = seen.emplace(value, line);
    if (!is_new) {
      problems_.add(line, at, fmt::format("the same as in line {}", first->second), expected);
    }
  }

  void needs(const char* name, const char* what, bool missing) {
    if (missing && !problems_.has(key(name))) {
      problems_.add(line_of(key(name)), key(name), "missing", fmt::format("a value, because of {}", what));
    }
  }

  void check_source(const ListSettings& list) {
    if (list.type == ListType::feed) {
      if (list.url.empty() && !problems_.has(key("url"))) {
        problems_.add(line_of(key("url")), key("url"), "missing",
                      fmt::format("{} for a feed (or type: manual)", kFeedUrlForms));
      }
    } else if (!list.url.empty()) {
      problems_.add(line_of(key("url")), key("url"), "given for a manual list", "no url (or type: feed)");
    }
  }

  // Without a header line, columns have only numbers.
  void check_columns(const ListSettings& list) {
    if (list.format != ListFormat::csv || list.csv.header) return;
    const auto numbered = [this](const char* name, const std::string& column) {
      const bool number =
          !column.empty() && column[0] != '0' && column.find_first_not_of("0123456789") == std::string::npos;
      if (number || problems_.has(key(name))) return;
      problems_.add(line_of(key(name)), key(name), "not a column number",
                    "a number from 1, because csv.header is false");
    };
    numbered("csv.url_column", list.csv.url_column);
    if (!list.csv.id_column.empty()) numbered("csv.id_column", list.csv.id_column);
  }

  void check_delta(const ListSettings& list) {
    if (list.delta.url.empty()) return;
    const auto complain = [this](const char* name, const char* what, const char* expected) {
      if (!problems_.has(key(name))) problems_.add(line_of(key(name)), key(name), what, expected);
    };
    if (!kListFormats[base::index_of(list.format)].has_deltas)
      complain("delta.url", "given for a format without delta support", "format plain, csv or json");
    const FeedSchemeRow* const scheme = feed_scheme_of(list.url);
    if (scheme == nullptr || !scheme->has_deltas)
      complain("delta.url", "given for a list that is not an https:// feed", "no delta.url");
    if (list.format == ListFormat::json) {
      // An empty pointer means the whole document, which is not a token.
      needs("delta.token", "delta.url", list.delta.token.empty());
      if (list.delta.added == list.delta.removed)
        complain("delta.removed", "the same as delta.added", "a different array");
    }
    if (list.verify.type == VerifyType::none) return;
    if (list.format == ListFormat::json)  // otherwise old signed changes could be replayed
      needs("delta.since", "verify.type", list.delta.since.empty());
    needs("delta.verify_url", "verify.url", !list.verify.url.empty() && list.delta.verify_url.empty());
  }

  void check_auth(const ListSettings& list) {
    const AuthSettings& auth = list.auth;
    switch (auth.type) {
      case AuthType::none:
        break;
      case AuthType::basic:
        needs("auth.user", "auth.type basic", auth.user.empty());
        needs("auth.password_file", "auth.type basic", auth.password_file.empty());
        break;
      case AuthType::bearer:
        needs("auth.token_file", "auth.type bearer", auth.token_file.empty());
        break;
      case AuthType::client_cert:
        needs("auth.certificate", "auth.type client_cert", auth.certificate.empty());
        needs("auth.key", "auth.type client_cert", auth.key.empty());
        break;
    }
  }

  const Settings& settings_;
  const Lines& lines_;
  Problems& problems_;
  std::string prefix_;
};

}  // namespace

void check_settings(const Settings& settings, Audience audience, const Lines& lines, Problems& problems) {
  Checker checker(settings, lines, problems);
  checker.check_ports(audience);
  checker.check_sockets();
  checker.check_answers();
  checker.check_self_test();
  checker.check_lists();
}

}  // namespace weir::config
