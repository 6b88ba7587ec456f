#include "control/updates/rule_updates.h"

#include <vector>

#include <fmt/format.h>

#include "control/intake/guards.h"
#include "control/lists/rule_changes.h"
#include "control/updates/list_names.h"
#include "dataplane/base/unix_time.h"

namespace weir::control {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxManualEntries = 1000000;

}  // namespace

ChangeAnswer RuleUpdates::add(Change& change, const RuleRequest& request) {
  const auto list = manual_list(settings_, request.list);
  if (!list) return list.error();
  const config::ListSettings& settings = settings_.lists[list.value()];
  change.record.list = settings.name;
  const auto rule = parser_.parse(request.entry, request.action);
  if (!rule) return base::Error{"entry_invalid", rule.error().message};
  const std::int64_t now = base::unix_now();
  if (request.expires_unix_seconds && *request.expires_unix_seconds <= now) {
    return base::Error{"invalid_params", "expires: is in the past"};
  }
  if (!request.confirmed) {
    const auto protected_hosts = ProtectedHosts::read(settings_.protected_hosts, parser_);
    if (!protected_hosts) return protected_hosts.error();
    if (protected_hosts.value().covers(rule.value(), settings.on_tls == config::OnTls::block_host)) {
      return base::Error{"entry_protected",
                         "the entry would block a protected host; confirm it if that is intended"};
    }
  }
  LoadedState draft = publisher_.current();
  if (draft.state.lists[list.value()].entries >= kMaxManualEntries) {
    return base::Error{"list_full", fmt::format("the list is full: a manual list holds at most {} entries",
                                                kMaxManualEntries)};
  }
  const auto added = add_entry(draft, list.value(), rule.value(),
                               {.uid = change.caller.uid,
                                .added_unix_seconds = now,
                                .expires_unix_seconds = request.expires_unix_seconds,
                                .comment = request.comment});
  if (!added) return added.error();
  change.record.rule = added.value().id.value;
  return queue_.publish_with(
      change, std::move(draft),
      {{"rule", added.value().id.value}, {"list", settings.name}, {"existed", added.value().existed}});
}

base::Error RuleUpdates::removal_error(const RemoveRequest& request) const {
  if (request.id) {
    for (std::size_t i = 0; i < settings_.lists.size(); ++i) {
      const ContentPtr& content = publisher_.current().contents[i];
      if (content == nullptr || !content->rules.find(base::RuleId{*request.id})) continue;
      return {"list_not_manual",
              fmt::format("rule {} belongs to the feed {}: ask its source to remove it, or add an allow rule",
                          *request.id, settings_.lists[i].name)};
    }
  }
  return {"rule_unknown", "no manual list has this entry; `weirctl rules` shows all entries"};
}

ChangeAnswer RuleUpdates::remove(Change& change, const RemoveRequest& request) {
  std::vector<std::size_t> lists;
  if (!request.list.empty()) {
    const auto list = manual_list(settings_, request.list);
    if (!list) return list.error();
    lists.push_back(list.value());
  }
  for (std::size_t i = 0; request.list.empty() && i < settings_.lists.size(); ++i) {
    if (settings_.lists[i].type == config::ListType::manual) lists.push_back(i);
  }
  LoadedState draft = publisher_.current();
  std::vector<base::RuleId> gone;
  if (request.id) {
    for (const std::size_t list : lists) {
      if (!remove_id(draft, list, base::RuleId{*request.id})) continue;
      gone.push_back(base::RuleId{*request.id});
      change.record.list = settings_.lists[list].name;
    }
  } else {
    const auto rule = parser_.parse(request.entry);
    if (!rule) return base::Error{"entry_invalid", rule.error().message};
    for (const std::size_t list : lists) {
      const auto removed = remove_entry(draft, list, rule.value());
      if (!removed.empty()) change.record.list = settings_.lists[list].name;
      gone.insert(gone.end(), removed.begin(), removed.end());
    }
  }
  if (gone.empty()) return removal_error(request);
  change.record.rule = gone.front().value;
  json ids = json::array();
  for (const base::RuleId id : gone) ids.push_back(id.value);
  return queue_.publish_with(change, std::move(draft), {{"removed", std::move(ids)}});
}

}  // namespace weir::control
