#include "control/publish/compiler.h"

#include <fmt/format.h>

#include "control/storage/digest.h"
#include "dataplane/rules/snapshot_builder.h"

namespace weir::control {
namespace {

bool is_manual(const ListState& list) { return list.type == config::ListType::manual; }

void add_rules(rules::SnapshotBuilder& builder, const State& state, const std::vector<ContentPtr>& contents,
               bool manual_only) {
  rules::Rule rule;
  for (std::size_t list = 0; list < contents.size(); ++list) {
    if (contents[list] == nullptr || (manual_only && !is_manual(state.lists[list]))) continue;
    rule.list = base::ListIndex{static_cast<std::uint8_t>(list)};
    const RuleSet& rules = contents[list]->rules;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      rules.read(i, rule);
      builder.add(rule);
    }
  }
}

/// The base of `last`, if it was compiled from this recipe. Otherwise null.
SnapshotPtr reusable_base(const std::string& recipe, const SnapshotPtr& last) {
  if (last == nullptr || last->recipe() != recipe) return nullptr;
  return last->base() ? last->base() : last;
}

}  // namespace

std::string base_recipe(const State& state) {
  std::string text = fmt::format("{}\n", state.canary.value_or(""));
  for (const ListState& list : state.lists) {
    text += fmt::format("{} {} {} {} {} {}\n", list.name, is_manual(list), list.subdomains,
                        list.www_equivalent, list.block_host_on_tls, is_manual(list) ? 0 : list.content);
  }
  return storage::content_digest(text);
}

base::Result<SnapshotPtr> BuiltSnapshot::open(std::vector<std::byte> bytes, std::string recipe) {
  // A vector keeps its storage when it is moved, so the view stays valid.
  auto view = match::SnapshotView::open(bytes);
  if (!view) return view.error();
  if (view.value().is_overlay()) {
    return base::Error{"snapshot_base", "the snapshot is an overlay; expected a whole snapshot"};
  }
  return SnapshotPtr(new BuiltSnapshot(std::move(bytes), view.value(), std::move(recipe), nullptr));
}

base::Result<SnapshotPtr> BuiltSnapshot::open_overlay(std::vector<std::byte> bytes, SnapshotPtr base) {
  auto view = match::SnapshotView::open(bytes);
  if (!view) return view.error();
  auto joined = match::SnapshotView::join(base->view(), view.value());
  if (!joined) return joined.error();
  return SnapshotPtr(new BuiltSnapshot(std::move(bytes), joined.value(), {}, std::move(base)));
}

base::Status check_complete(const State& state, const std::vector<ContentPtr>& contents,
                            const SnapshotPtr& last) {
  if (reusable_base(base_recipe(state), last) != nullptr) return base::ok_status();
  for (std::size_t i = 0; i < contents.size(); ++i) {
    if (contents[i] == nullptr || contents[i]->form == EntryForm::text) continue;
    return base::Error{
        "lists_incomplete",
        fmt::format("the entries of list {} are not stored (control.entries.at_rest) and it was "
                    "not fetched since the start; `weirctl reload` fetches every feed",
                    state.lists[i].name)};
  }
  return base::ok_status();
}

base::Result<SnapshotPtr> compile(const State& state, const std::vector<ContentPtr>& contents,
                                  const SnapshotPtr& last) {
  std::vector<rules::ListPolicy> policies;
  for (const ListState& list : state.lists) {
    policies.push_back({.name = list.name,
                        .subdomains = list.subdomains,
                        .www_equivalent = list.www_equivalent,
                        .block_host_on_tls = list.block_host_on_tls,
                        .manual = is_manual(list)});
  }
  // Last, so that the lists keep their indices.
  if (state.canary) policies.push_back({.name = config::kSelfTestList});
  std::string recipe = base_recipe(state);
  if (const auto complete = check_complete(state, contents, last); !complete) return complete.error();
  const SnapshotPtr base = reusable_base(recipe, last);
  rules::SnapshotBuilder builder(
      {.seed = base ? base->view().seed() : rules::random_snapshot_seed(),
       .generation = state.generation,
       .created_unix_seconds = static_cast<std::uint64_t>(state.created_unix_seconds)},
      std::move(policies));
  add_rules(builder, state, contents, base != nullptr);
  if (state.canary && base == nullptr) {
    rules::Rule canary;
    canary.kind = rules::RuleKind::host;
    canary.host = *state.canary;
    canary.id = kCanaryRule;
    canary.list = base::ListIndex{static_cast<std::uint8_t>(state.lists.size())};
    builder.add(canary);
  }
  if (base) return BuiltSnapshot::open_overlay(builder.build_overlay(base->view().id()), base);
  return BuiltSnapshot::open(builder.build(), std::move(recipe));
}

}  // namespace weir::control
