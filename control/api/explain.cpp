#include "control/api/explain.h"

#include <algorithm>
#include <bitset>
#include <string>

namespace weir::control {
namespace {

constexpr std::string_view kWww = "www.";

struct ReasonRow {
  std::string_view code;
  std::string_view text;
};
constexpr std::array<ReasonRow, kRelations> kReasons{{
    {"host_unknown", "no rule names this host or a host above it"},
    {"only_host_above", "rules name a host above this one, but only that host"},
    {"only_hosts_below", "rules name the hosts below this one, not this host"},
    {"path_not_listed", "rules name other pages of this host"},
    {"query_not_listed", "rules name this page with another query"},
    {"other_port", "rules would match on another port"},
    {"listed", "a rule matches"},
}};

/// Whether one is the other with `www.` in front.
bool is_www_pair(std::string_view a, std::string_view b) noexcept {
  if (a.size() < b.size()) std::swap(a, b);
  return a.starts_with(kWww) && a.substr(kWww.size()) == b && b.find('.') != std::string_view::npos;
}

bool is_below(std::string_view host, std::string_view above) noexcept {
  return host.size() > above.size() && host.ends_with(above) && host[host.size() - above.size() - 1] == '.';
}

/// The hosts that a related rule can name. A quick first test, because lists are long.
class RelatedHosts {
 public:
  explicit RelatedHosts(const proto::CanonicalUrl& url) : counterpart_(std::string(kWww).append(url.host())) {
    std::string_view host = url.host();
    add(host);
    if (url.host_is_address()) return;
    add(counterpart_);
    for (std::size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.')) {
      host.remove_prefix(dot + 1);
      add(host);
    }
  }
  RelatedHosts(const RelatedHosts&) = delete;
  RelatedHosts& operator=(const RelatedHosts&) = delete;

  [[nodiscard]] bool contains(std::string_view host) const {
    return host.size() < lengths_.size() && lengths_[host.size()] &&
           std::find(hosts_.begin(), hosts_.end(), host) != hosts_.end();
  }

 private:
  void add(std::string_view host) {
    hosts_.push_back(host);
    if (host.size() < lengths_.size()) lengths_.set(host.size());
  }

  const std::string counterpart_;
  std::vector<std::string_view> hosts_;
  std::bitset<proto::kMaxCanonicalHostBytes + kWww.size() + 1> lengths_;
};

Relation host_relation(const rules::Rule& rule, const ListState& list, const proto::CanonicalUrl& url) {
  const std::string_view host = url.host();
  const bool is_itself =
      rule.host == host || (list.www_equivalent && !url.host_is_address() && is_www_pair(rule.host, host));
  if (is_itself && rule.kind != rules::RuleKind::subdomains) return Relation::matches;
  if (!url.host_is_address() && is_below(host, rule.host)) {
    const bool reaches_below = rule.kind == rules::RuleKind::domain ||
                               rule.kind == rules::RuleKind::subdomains ||
                               (!rule.is_whole_host() && list.subdomains);
    return reaches_below ? Relation::matches : Relation::host_above;
  }
  return rule.host == host ? Relation::hosts_below : Relation::unrelated;
}

Relation path_relation(const rules::Rule& rule, const proto::CanonicalUrl& url) {
  switch (rule.kind) {
    case rules::RuleKind::prefix:
      return url.path().starts_with(rule.path) ? Relation::matches : Relation::path_differs;
    case rules::RuleKind::url:
      return url.path() == rule.path ? Relation::matches : Relation::path_differs;
    case rules::RuleKind::url_query:
      if (url.path() != rule.path) return Relation::path_differs;
      return url.query() == rule.query ? Relation::matches : Relation::query_differs;
    default:
      return Relation::matches;
  }
}

Relation relation_of(const rules::Rule& rule, const ListState& list, const proto::CanonicalUrl& url,
                     std::uint16_t port) {
  const Relation host = host_relation(rule, list, url);
  if (host != Relation::matches) return host;
  const Relation path = path_relation(rule, url);
  if (path != Relation::matches) return path;
  const bool on_port = !rule.port || *rule.port == port || rule.port == url.written_port();
  return on_port ? Relation::matches : Relation::port_differs;
}

}  // namespace

std::string_view reason_code(Relation relation) noexcept {
  return kReasons[static_cast<std::size_t>(relation)].code;
}

std::string_view reason_text(Relation relation) noexcept {
  return kReasons[static_cast<std::size_t>(relation)].text;
}

Relation RelatedRules::nearest() const noexcept {
  for (std::size_t i = kRelations; i-- > 1;) {
    if (groups[i].count != 0) return static_cast<Relation>(i);
  }
  return Relation::unrelated;
}

RelatedRules related_rules(const View& view, const proto::CanonicalUrl& url, std::uint16_t port) {
  const RelatedHosts related_hosts(url);
  RelatedRules related;
  rules::Rule rule;
  for (std::size_t list = 0; list < view.contents.size(); ++list) {
    if (!view.has_text(list)) continue;
    const RuleSet& rules = view.contents[list]->rules;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      if (!related_hosts.contains(rules.host(i))) continue;
      rules.read(i, rule);
      if (rule.action != rules::Action::block) continue;
      const Relation relation = relation_of(rule, view.state.lists[list], url, port);
      RuleGroup& group = related.groups[static_cast<std::size_t>(relation)];
      ++group.count;
      if (group.first.size() == kMaxNamedRules) continue;
      group.first.push_back({.id = rule.id, .list = list, .kind = rule.kind, .action = rule.action});
    }
  }
  return related;
}

}  // namespace weir::control
