#include "control/api/check.h"

#include <array>
#include <memory>

#include "control/api/explain.h"
#include "dataplane/base/request.h"
#include "dataplane/match/lookup.h"
#include "dataplane/rules/entry_parser.h"

namespace weir::control {
namespace {

using nlohmann::json;

/// How a protocol carries a request.
struct Transport {
  base::Protocol protocol;
  bool encrypted;
  std::uint16_t default_port;
};
constexpr std::array<Transport, 4> kTransports{{
    {.protocol = base::Protocol::http, .encrypted = false, .default_port = 80},
    {.protocol = base::Protocol::h2c, .encrypted = false, .default_port = 80},
    {.protocol = base::Protocol::tls, .encrypted = true, .default_port = 443},
    {.protocol = base::Protocol::quic, .encrypted = true, .default_port = 443},
}};

json named_rule(const View& view, const NamedRule& rule) {
  return {{"rule", rule.id.value},
          {"list", view.state.lists[rule.list].name},
          {"kind", rules::to_string(rule.kind)},
          {"action", rules::to_string(rule.action)}};
}

json named_rules(const View& view, const RuleGroup& group) {
  json rules = json::array();
  for (const NamedRule& rule : group.first) rules.push_back(named_rule(view, rule));
  return rules;
}

/// The kind of the rule that decided; null if its list is not loaded.
json kind_of(const View& view, const match::Match& match) {
  const std::size_t list = match.list.value;
  if (list >= view.contents.size() || view.contents[list] == nullptr) return nullptr;
  const RuleSet& rules = view.contents[list]->rules;
  const auto place = rules.find(match.rule);
  if (!place) return nullptr;
  rules::Rule rule;
  rules.read(*place, rule);
  return rules::to_string(rule.kind);
}

json match_json(const View& view, const match::Match& match) {
  json object{{"verdict", base::to_string(match::verdict_of(match.decision))},
              {"reason", base::to_string(match::reason_of(match.decision))}};
  if (match.decision != match::Decision::no_match) {
    object["rule"] = match.rule.value;
    object["list"] = view.snapshot->view().list_name(match.list);
    object["kind"] = kind_of(view, match);
  }
  if (match.path_rules_unseen) object["path_rules_unseen"] = true;
  return object;
}

/// Whether `decision` says more than `verdict`: a block before an allow, an allow before no match.
bool says_more(const json& verdict, match::Decision decision) {
  if (verdict.is_null()) return true;
  if (verdict["verdict"] == "block") return false;
  return decision == match::Decision::block ||
         (decision == match::Decision::allow && verdict["reason"] == base::to_string(base::Reason::no_match));
}

void explain(const View& view, const proto::CanonicalUrl& url, match::Decision decision, json& answer) {
  if (decision == match::Decision::block) return;
  const RelatedRules related =
      related_rules(view, url, url.written_port().value_or(kTransports.front().default_port));
  if (decision == match::Decision::allow) {
    const RuleGroup& overridden = related.of(Relation::matches);
    // Lists whose entries are not kept cannot be searched, so they are not counted.
    answer["overrides"] = {{"count", overridden.count}, {"rules", named_rules(view, overridden)}};
    return;
  }
  for (std::size_t list = 0; list < view.contents.size(); ++list) {
    if (view.contents[list] == nullptr || view.has_text(list)) continue;
    // Without the entries there is nothing to compare with.
    answer["why"] = {
        {"code", "entries_not_kept"},
        {"text",
         "no rule matches; the entries of the feeds are not kept here, so no close rule can be named"},
        {"count", 0},
        {"rules", json::array()}};
    return;
  }
  const Relation nearest = related.nearest();
  const RuleGroup& group = related.of(nearest);
  answer["why"] = {{"code", reason_code(nearest)},
                   {"text", reason_text(nearest)},
                   {"count", group.count},
                   {"rules", named_rules(view, group)}};
}

}  // namespace

base::Result<json> check_report(const View& view, std::string_view text) {
  if (view.snapshot == nullptr)
    return base::Error{"no_generation", "no list has been loaded yet: see `weirctl lists`"};
  const auto url = std::make_unique<proto::CanonicalUrl>();  // too large for a stack
  if (const auto read = rules::canonicalise_like_browser(text, *url); !read) {
    return base::Error{"url_invalid", "not a URL: " + read.error().message};
  }
  json by_protocol = json::object();
  json blocked = json::array();
  json answer;
  match::Decision cleartext = match::Decision::no_match;
  for (const Transport& transport : kTransports) {
    const match::Match match = match::lookup(
        view.snapshot->view(), {.url = url.get(),
                                .connection_port = url->written_port().value_or(transport.default_port),
                                .encrypted = transport.encrypted});
    const json object = match_json(view, match);
    const std::string_view protocol = to_string(transport.protocol);
    by_protocol[std::string(protocol)] = object;
    if (!transport.encrypted) cleartext = match.decision;
    if (match.decision == match::Decision::block) blocked.push_back(protocol);
    if (says_more(answer, match.decision)) answer = object;
  }
  explain(view, *url, cleartext, answer);
  answer["canonical"] = url->text();
  answer["host"] = url->host();
  answer["port"] = url->port() ? json(*url->port()) : json(nullptr);
  answer["protocols"] = std::move(blocked);
  answer["by_protocol"] = std::move(by_protocol);
  answer["generation"] = view.state.generation.value;
  return answer;
}

}  // namespace weir::control
