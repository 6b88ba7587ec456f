#include "control/proof/enforceability.h"

#include <string>
#include <string_view>
#include <unordered_set>

namespace weir::control {
namespace {

/// The hosts that an allow rule covers as a whole, on every port: nothing on them is ever blocked.
class AllowedHosts {
 public:
  explicit AllowedHosts(const View& view) {
    rules::Rule rule;
    for (const ContentPtr& content : view.contents) {
      if (content == nullptr || content->rules.allow_rules() == 0) continue;
      for (std::size_t i = 0; i < content->rules.size(); ++i) {
        content->rules.read(i, rule);
        if (rule.action != rules::Action::allow || !rule.is_whole_host() || rule.port) continue;
        if (rule.kind != rules::RuleKind::subdomains) themselves_.insert(rule.host);
        if (rule.kind != rules::RuleKind::host) above_.insert(rule.host);
      }
    }
  }

  [[nodiscard]] bool empty() const noexcept { return themselves_.empty() && above_.empty(); }

  /// Whether every host that a rule on `host` can match is allowed.
  [[nodiscard]] bool cover(const std::string& host, bool itself, bool below) const {
    if ((!itself || themselves_.count(host) != 0) && (!below || above_.count(host) != 0)) return true;
    for (std::size_t dot = host.find('.'); dot != std::string::npos; dot = host.find('.', dot + 1)) {
      if (above_.count(host.substr(dot + 1)) != 0) return true;
    }
    return false;
  }

 private:
  std::unordered_set<std::string> themselves_;
  std::unordered_set<std::string> above_;  // every host below is allowed
};

bool is_overridden(const rules::Rule& rule, const ListState& list, const AllowedHosts& allowed) {
  constexpr std::string_view www = "www.";
  const bool itself = rule.kind != rules::RuleKind::subdomains;
  const bool below =
      !itself || rule.kind == rules::RuleKind::domain || (!rule.is_whole_host() && list.subdomains);
  if (!allowed.cover(rule.host, itself, below)) return false;
  if (!list.www_equivalent || !itself) return true;
  const std::string counterpart =
      rule.host.starts_with(www) ? rule.host.substr(www.size()) : std::string(www) + rule.host;
  return allowed.cover(counterpart, true, false);
}

}  // namespace

Enforceability count_enforceability(const View& view) {
  Enforceability result;
  result.lists.resize(view.contents.size());
  const AllowedHosts allowed(view);
  rules::Rule rule;
  for (std::size_t list = 0; list < view.contents.size(); ++list) {
    if (view.contents[list] == nullptr) continue;
    const RuleSet& rules = view.contents[list]->rules;
    EnforceabilityCounts& counts = result.lists[list];
    counts.allow_rules = rules.allow_rules();
    for (std::size_t i = 0; i < rules.size(); ++i) {
      rules.read(i, rule);
      if (rule.action == rules::Action::allow) continue;
      if (!allowed.empty() && is_overridden(rule, view.state.lists[list], allowed)) {
        ++counts.overridden;
      } else {
        ++(rule.is_whole_host() ? counts.whole_hosts : counts.paths);
      }
    }
  }
  return result;
}

}  // namespace weir::control
