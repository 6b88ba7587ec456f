#include "dataplane/engine/supervisor/tripped_rules.h"

#include <spdlog/spdlog.h>

namespace weir::engine {

void TrippedRules::next_second(const std::vector<std::unique_ptr<Worker>>& workers) {
  std::vector<inspect::RuleHits*> hits;
  for (const auto& worker : workers) hits.push_back(&worker->rule_hits());
  const Breaker::News news = breaker_.next_second(hits);
  for (const base::RuleId rule : news.beyond) {
    spdlog::error(
        "W113: rule {} is beyond its limit: for {} seconds it matched more requests than dataplane.breaker "
        "allows. Run `weirctl rules` to see whether it is too wide, or somebody floods it",
        rule.value, Breaker::kSecondsBeyond);
  }
  for (const base::RuleId rule : news.rearmed)
    spdlog::warn("W114: rule {} is back in force: it was tripped for dataplane.breaker.rearm_after",
                 rule.value);
  if (!news.tripped.empty() || !news.rearmed.empty()) publish();
  counters_.add(base::Counter::rule_trips, 0, 0, news.tripped.size());
  for (const base::RuleId rule : news.tripped) {
    spdlog::critical(
        "W108: rule {} is TRIPPED and no longer blocks: for {} seconds it matched more requests than "
        "dataplane.breaker allows. Run `weirctl rules` to see the rule, `weirctl reset {}` to put it back "
        "into "
        "force",
        rule.value, Breaker::kSecondsBeyond, rule.value);
  }
}

void TrippedRules::snapshot_changed() {
  const Snapshot* const active = snapshots_.active();
  if (active == nullptr || !breaker_.keep_only(active->view)) return;
  publish();
  spdlog::warn("the new snapshot lacks some tripped rules: they are forgotten, {} remain tripped",
               rules().size());
}

std::size_t TrippedRules::reset(std::optional<base::RuleId> rule) {
  const std::size_t count = rule ? breaker_.reset(*rule) : breaker_.reset_all();
  if (count != 0) publish();
  return count;
}

// A worker that stands still keeps the old ones for as long.
void TrippedRules::publish() {
  published_.publish(std::make_unique<const std::vector<std::uint32_t>>(rules()));
}

}  // namespace weir::engine
