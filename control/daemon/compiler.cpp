#include "control/compiler.h"

#include "match/snapshot_builder.h"

namespace weir::control {

base::Result<std::shared_ptr<const BuiltSnapshot>> BuiltSnapshot::open(std::vector<std::byte> bytes) {
  // A vector keeps its storage when it is moved, so the view stays good.
  auto view = match::SnapshotView::open(bytes);
  if (!view) return view.error();
  return std::shared_ptr<const BuiltSnapshot>(new BuiltSnapshot(std::move(bytes), view.value()));
}

base::Result<std::shared_ptr<const BuiltSnapshot>> compile(const State& state,
                                                           const std::vector<ContentPtr>& contents) {
  std::vector<match::ListPolicy> policies;
  for (const ListState& list : state.lists) {
    policies.push_back({.name = list.name,
                        .subdomains = list.subdomains,
                        .www_equivalent = list.www_equivalent,
                        .block_host_on_tls = list.block_host_on_tls});
  }
  match::SnapshotBuilder builder(
      {.seed = match::random_snapshot_seed(),
       .generation = state.generation,
       .created_unix_seconds = static_cast<std::uint64_t>(state.created_unix_seconds)},
      std::move(policies));
  match::Rule rule;
  for (std::size_t list = 0; list < contents.size(); ++list) {
    if (contents[list] == nullptr) continue;
    rule.list = base::ListIndex{static_cast<std::uint8_t>(list)};
    const RuleSet& rules = contents[list]->rules;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      rules.read(i, rule);
      builder.add(rule);
    }
  }
  return BuiltSnapshot::open(builder.build());
}

}  // namespace weir::control
