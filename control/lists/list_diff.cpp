#include "control/lists/list_diff.h"

#include <nlohmann/json.hpp>

namespace weir::control {
namespace {

using nlohmann::json;

std::string text_of(const RuleSet& rules, std::size_t index) {
  rules::Rule rule;
  rules.read(index, rule);
  return rule.canonical_text();
}

}  // namespace

json diff_lists(const ListContent* before, const RuleSet& after, bool entries) {
  static const RuleSet kNone;
  const RuleSet& old = before == nullptr ? kNone : before->rules;
  // If only fingerprints are stored, fingerprints are compared.
  const bool by_fingerprint = before != nullptr && before->form == EntryForm::fingerprints;
  const RuleSet prints = by_fingerprint ? fingerprints_of(after, *before->fingerprint_key) : RuleSet();
  const RuleSet& fresh = by_fingerprint ? prints : after;
  json added_entries = json::array();
  std::size_t added = 0;
  const RuleIndex old_index = index_all(old);
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    if (old_index.find(fresh, i)) continue;
    ++added;
    if (entries && added_entries.size() < kMaxDiffRules) added_entries.push_back(text_of(after, i));
  }
  json removed_rules = json::array();
  json removed_entries = json::array();
  std::size_t removed = 0;
  const RuleIndex fresh_index = index_all(fresh);
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (fresh_index.find(old, i)) continue;
    if (++removed > kMaxDiffRules) continue;
    removed_rules.push_back(old.id(i).value);
    if (entries && !by_fingerprint) removed_entries.push_back(text_of(old, i));
  }
  json report{{"before", old.size()},
              {"after", fresh.size()},
              {"added", added},
              {"removed", removed},
              {"unchanged", old.size() - removed},
              {"removed_rules", std::move(removed_rules)}};
  if (!entries) return report;
  report["added_entries"] = std::move(added_entries);
  report["removed_entries"] = by_fingerprint ? json(nullptr) : std::move(removed_entries);
  return report;
}

}  // namespace weir::control
