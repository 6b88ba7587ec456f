#include "control/lists/rule_changes.h"

#include <algorithm>
#include <functional>
#include <limits>

namespace weir::control {
namespace {

base::Result<base::RuleId> take_id(State& state) {
  if (state.next_rule == std::numeric_limits<std::uint32_t>::max()) {
    return base::Error{"ids_exhausted",
                       "every rule id has been used; empty control.state_dir to start again from 1"};
  }
  return base::RuleId{state.next_rule++};
}

void put(LoadedState& draft, std::size_t list, std::shared_ptr<ListContent> content) {
  content->serial = draft.state.next_content++;
  draft.state.lists[list].content = content->serial;
  draft.state.lists[list].entries = content->rules.size();
  draft.contents[list] = std::move(content);
}

std::shared_ptr<ListContent> empty_manual_list() {
  auto content = std::make_shared<ListContent>();
  content->kind = ContentKind::manual;
  return content;
}

std::shared_ptr<ListContent> copy_of(const LoadedState& draft, std::size_t list) {
  return draft.contents[list] == nullptr ? empty_manual_list()
                                         : std::make_shared<ListContent>(*draft.contents[list]);
}

/// A copy of a manual list without the entries for which `goes(index)`. Null if all of them stay.
std::shared_ptr<ListContent> without(const ListContent& content,
                                     const std::function<bool(std::size_t)>& goes) {
  auto rest = empty_manual_list();
  rules::Rule rule;
  for (std::size_t i = 0; i < content.rules.size(); ++i) {
    if (goes(i)) continue;
    content.rules.read(i, rule);
    rest->rules.append(rule);
    rest->notes.push_back(content.notes[i]);
  }
  return rest->rules.size() == content.rules.size() ? nullptr : rest;
}

}  // namespace

base::Result<Adopted> adopt_rules(LoadedState& draft, std::size_t list, RuleSet rules,
                                  std::size_t duplicates) {
  auto content = std::make_shared<ListContent>();
  content->rules = std::move(rules);
  static const RuleSet kNone;
  const RuleSet& old = draft.contents[list] == nullptr ? kNone : draft.contents[list]->rules;
  const RuleIndex index = index_all(old);
  // If only fingerprints are stored, fingerprints are compared.
  const bool by_fingerprint =
      draft.contents[list] != nullptr && draft.contents[list]->form == EntryForm::fingerprints;
  const RuleSet prints =
      by_fingerprint ? fingerprints_of(content->rules, *draft.contents[list]->fingerprint_key) : RuleSet();
  const RuleSet& compared = by_fingerprint ? prints : content->rules;
  Adopted adopted;
  for (std::size_t i = 0; i < content->rules.size(); ++i) {
    if (const auto same = index.find(compared, i)) {
      content->rules.set_id(i, old.id(*same));
      continue;
    }
    const auto id = take_id(draft.state);
    if (!id) return id.error();
    content->rules.set_id(i, id.value());
    ++adopted.added;
  }
  adopted.removed = old.size() - (content->rules.size() - adopted.added);
  draft.state.lists[list].duplicates = duplicates;
  // The same entries in the same order are the same content: there is nothing to write or to publish.
  bool same = draft.contents[list] != nullptr && adopted.added == 0 && adopted.removed == 0;
  for (std::size_t i = 0; same && i < old.size(); ++i) same = old.id(i) == content->rules.id(i);
  if (!same) {
    put(draft, list, std::move(content));
  } else if (by_fingerprint) {  // now with its text
    content->serial = draft.contents[list]->serial;
    draft.contents[list] = std::move(content);
  }
  return adopted;
}

base::Result<AddedRule> add_entry(LoadedState& draft, std::size_t list, const rules::Rule& rule,
                                  ManualNote note) {
  auto content = copy_of(draft, list);
  RuleSet wanted;
  wanted.append(rule);
  for (std::size_t i = 0; i < content->rules.size(); ++i) {
    if (!content->rules.same_entry(i, wanted, 0)) continue;
    const AddedRule added{.id = content->rules.id(i), .existed = true};
    content->notes[i] = std::move(note);
    put(draft, list, std::move(content));
    return added;
  }
  const auto id = take_id(draft.state);
  if (!id) return id.error();
  rules::Rule numbered = rule;
  numbered.id = id.value();
  content->rules.append(numbered);
  content->notes.push_back(std::move(note));
  put(draft, list, std::move(content));
  return AddedRule{.id = id.value(), .existed = false};
}

bool remove_id(LoadedState& draft, std::size_t list, base::RuleId id) {
  if (draft.contents[list] == nullptr) return false;
  const ListContent& old = *draft.contents[list];
  auto rest = without(old, [&](std::size_t i) { return old.rules.id(i) == id; });
  if (rest == nullptr) return false;
  put(draft, list, std::move(rest));
  return true;
}

std::vector<base::RuleId> remove_entry(LoadedState& draft, std::size_t list, const rules::Rule& rule) {
  std::vector<base::RuleId> gone;
  if (draft.contents[list] == nullptr) return gone;
  RuleSet wanted;
  rules::Rule either = rule;
  either.action = rules::Action::block;
  wanted.append(either);
  either.action = rules::Action::allow;
  wanted.append(either);
  const ListContent& old = *draft.contents[list];
  auto rest = without(old, [&](std::size_t i) {
    if (!old.rules.same_entry(i, wanted, 0) && !old.rules.same_entry(i, wanted, 1)) return false;
    gone.push_back(old.rules.id(i));
    return true;
  });
  if (rest != nullptr) put(draft, list, std::move(rest));
  return gone;
}

std::size_t drop_expired(LoadedState& draft, std::int64_t now) {
  std::size_t gone = 0;
  for (std::size_t list = 0; list < draft.contents.size(); ++list) {
    if (draft.contents[list] == nullptr || draft.contents[list]->kind != ContentKind::manual) continue;
    const ContentPtr old = draft.contents[list];
    auto rest = without(*old, [&](std::size_t i) {
      const auto expires = old->notes[i].expires_unix_seconds;
      return expires && *expires <= now;
    });
    if (rest == nullptr) continue;
    gone += old->rules.size() - rest->rules.size();
    put(draft, list, std::move(rest));
  }
  return gone;
}

std::optional<std::int64_t> next_expiry(const LoadedState& state) {
  std::optional<std::int64_t> next;
  for (const ContentPtr& content : state.contents) {
    if (content == nullptr) continue;
    for (const ManualNote& note : content->notes) {
      if (!note.expires_unix_seconds) continue;
      next = next ? std::min(*next, *note.expires_unix_seconds) : *note.expires_unix_seconds;
    }
  }
  return next;
}

}  // namespace weir::control
