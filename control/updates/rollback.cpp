#include "control/updates/rollback.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "control/lists/rule_changes.h"
#include "dataplane/base/unix_time.h"

namespace weir::control {
namespace {

bool same_content(const std::vector<ListState>& a, const std::vector<ListState>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const ListState& x, const ListState& y) {
    return x.name == y.name && x.content == y.content;
  });
}

base::Error cannot_restore(const char* code, base::Generation generation, std::string_view why) {
  return {code,
          fmt::format("cannot roll back to generation {}: {}; `weirctl snapshots` shows the possible ones",
                      generation.value, why)};
}

}  // namespace

base::Result<base::Generation> Rollback::default_target() const {
  const State& current = publisher_.current().state;
  for (const base::Generation generation : publisher_.store().generations()) {
    if (generation >= current.generation) continue;
    const auto older = publisher_.store().read_state(generation);
    if (older && !same_content(older.value().lists, current.lists)) return generation;
  }
  return base::Error{"generation_unknown", "no earlier generation with different content is kept"};
}

ChangeAnswer Rollback::run(Change& change, std::optional<std::uint64_t> generation) {
  base::Generation target{generation.value_or(0)};
  if (!generation) {
    const auto found = default_target();
    if (!found) return found.error();
    target = found.value();
  }
  if (!publisher_.store().has_generation(target))
    return cannot_restore("generation_unknown", target, "it is not kept");
  auto older = publisher_.store().load_generation(target);
  if (!older) return cannot_restore("generation_damaged", target, older.error().message);
  // What a feed was fetched as stays. So the content that was rolled back is not taken again until the feed
  // changes or an operator asks for a reload.
  LoadedState draft = publisher_.current();
  for (std::size_t i = 0; i < draft.state.lists.size(); ++i) {
    ListState& list = draft.state.lists[i];
    for (std::size_t j = 0; j < older.value().state.lists.size(); ++j) {
      const ListState& old = older.value().state.lists[j];
      if (old.name != list.name || old.type != list.type) continue;
      // The source's token belongs to the content that was rolled back.
      if (list.content != old.content) list.token.reset();
      list.content = old.content;
      list.entries = old.entries;
      list.duplicates = old.duplicates;
      draft.contents[i] = older.value().contents[j];
    }
  }
  drop_expired(draft, base::unix_now());
  return queue_.publish_with(change, std::move(draft), {{"content_of", target.value}});
}

}  // namespace weir::control
