#include "dataplane/engine/supervisor/tripped_rules.h"

#include <utility>

#include <spdlog/spdlog.h>

namespace weir::engine {

void TrippedRules::next_second(const std::vector<std::unique_ptr<Worker>>& workers) {
  std::vector<inspect::RuleHits*> hits;
  for (const auto& worker : workers) hits.push_back(&worker->rule_hits());
  const auto tripped = breaker_.next_second(hits);
  if (tripped.empty()) return;
  publish();
  counters_.add(base::Counter::rule_trips, 0, 0, tripped.size());
  for (const base::RuleId rule : tripped) {
    spdlog::critical(
        "W108: rule {} is SUSPENDED: it blocked more requests than dataplane.breaker allows, {} seconds "
        "long; "
        "`weirctl rules` shows what it is, `weirctl reset {}` puts it back into force",
        rule.value, Breaker::kSecondsBeyond, rule.value);
  }
}

void TrippedRules::snapshot_changed() {
  const Snapshot* active = snapshots_.active();
  if (rules().empty() || active == nullptr || !breaker_.keep_only(active->view)) return;
  publish();
  spdlog::warn("tripped rules that the new snapshot does not have are forgotten, {} are left",
               rules().size());
}

std::size_t TrippedRules::reset(std::optional<base::RuleId> rule) {
  const std::size_t count = rule ? breaker_.reset(*rule) : breaker_.reset_all();
  if (count != 0) publish();
  return count;
}

void TrippedRules::publish() {
  auto fresh = std::make_unique<const std::vector<std::uint32_t>>(rules());
  shared_.tripped.store(fresh.get(), std::memory_order_release);
  retired_.push_back(std::exchange(published_, std::move(fresh)));
  if (snapshots_.wait_for_readers()) retired_.clear();
}

}  // namespace weir::engine
