#include "tests/unit/dataplane/match/reference_matcher.h"

#include <tuple>

namespace weir::match {

using rules::Action;
using rules::ListPolicy;
using rules::Rule;
using rules::RuleKind;

namespace {

bool is_below(const std::string& host, const std::string& parent) {
  return host.size() > parent.size() && host.ends_with("." + parent);
}

bool looks_like_address(const std::string& host) {
  return host.front() == '[' || host.find_first_not_of("0123456789.") == std::string::npos;
}

// Whether `host` is the host of the rule or, where www.X and X are one, its counterpart: X for www.X, else
// www.X. A counterpart is never a single label or an address.
bool is_host_of(const ListPolicy& list, const Rule& rule, const std::string& host) {
  if (host == rule.host) return true;
  if (!list.www_equivalent || looks_like_address(rule.host)) return false;
  if (!rule.host.starts_with("www.")) return host == "www." + rule.host;
  return rule.host == "www." + host && host.find('.') != std::string::npos;
}

bool port_holds(const Rule& rule, const ReferenceRequest& request) {
  return !rule.port || rule.port == request.written_port || *rule.port == request.connection_port;
}

bool whole_host_holds(const ListPolicy& list, const Rule& rule, const ReferenceRequest& request) {
  const bool below =
      !request.host_is_address && !looks_like_address(rule.host) && is_below(request.host, rule.host);
  switch (rule.kind) {
    case RuleKind::domain:
      return is_host_of(list, rule, request.host) || below;
    case RuleKind::subdomains:
      return below;
    default:
      return is_host_of(list, rule, request.host);
  }
}

bool path_host_holds(const ListPolicy& list, const Rule& rule, const ReferenceRequest& request) {
  if (is_host_of(list, rule, request.host)) return true;
  return list.subdomains && !request.host_is_address && !looks_like_address(rule.host) &&
         is_below(request.host, rule.host);
}

bool path_holds(const Rule& rule, const ReferenceRequest& request) {
  switch (rule.kind) {
    case RuleKind::prefix:
      return request.path.starts_with(rule.path);
    case RuleKind::url:
      return request.path == rule.path;
    default:
      return request.path == rule.path && request.query == rule.query;
  }
}

bool rule_holds(const ListPolicy& list, const Rule& rule, const ReferenceRequest& request) {
  if (!port_holds(rule, request)) return false;
  if (rule.is_whole_host()) return whole_host_holds(list, rule, request);
  if (!request.encrypted) return path_host_holds(list, rule, request) && path_holds(rule, request);
  return list.block_host_on_tls && rule.action == Action::block && is_host_of(list, rule, request.host);
}

}  // namespace

Match reference_lookup(const std::vector<ListPolicy>& lists, const std::vector<Rule>& rules,
                       const ReferenceRequest& request) {
  const Rule* best = nullptr;
  const Rule* unseen = nullptr;
  const auto rank = [](const Rule& rule) {
    return std::tuple(rule.action == Action::allow ? 0 : 1, rule.list.value, rule.id.value);
  };
  for (const Rule& rule : rules) {
    const ListPolicy& list = lists[rule.list.value];
    if (rule_holds(list, rule, request) && (best == nullptr || rank(rule) < rank(*best))) best = &rule;
    const bool is_hidden = request.encrypted && !rule.is_whole_host() && rule.action == Action::block;
    if (is_hidden && path_host_holds(list, rule, request) &&
        (unseen == nullptr || rule.list.value < unseen->list.value)) {
      unseen = &rule;
    }
  }
  Match match;
  if (best != nullptr) {
    match.decision = best->action == Action::allow ? Decision::allow : Decision::block;
    match.rule = best->id;
    match.list = best->list;
  } else if (unseen != nullptr) {
    match.path_rules_unseen = true;
    match.path_list = unseen->list;
  }
  return match;
}

}  // namespace weir::match
