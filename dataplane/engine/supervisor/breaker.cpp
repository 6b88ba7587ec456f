#include "dataplane/engine/supervisor/breaker.h"

#include <algorithm>
#include <utility>

#include "dataplane/match/lookup.h"

namespace weir::engine {
std::vector<base::RuleId> Breaker::next_second(std::span<inspect::RuleHits* const> workers) {
  struct Sum {
    std::uint64_t hits = 0;
    std::uint64_t bound = 0;  // 0: none
  };
  std::map<std::uint32_t, Sum> sums;
  for (inspect::RuleHits* worker : workers) {
    worker->next_second([&](const inspect::RuleHits::Hit& hit) {
      Sum& sum = sums[hit.rule.value];
      sum.hits += hit.count;
      sum.bound = hit.of_page ? settings_.page_hits_per_second : settings_.host_hits_per_second;
    });
  }
  std::map<std::uint32_t, unsigned> beyond;
  std::vector<base::RuleId> tripped;
  for (const auto& [rule, sum] : sums) {
    if (sum.bound == 0 || sum.hits <= sum.bound) continue;
    const auto before = seconds_beyond_.find(rule);
    const unsigned seconds = before == seconds_beyond_.end() ? 1 : before->second + 1;
    if (seconds < kSecondsBeyond) {
      beyond.emplace(rule, seconds);
    } else if (const auto at = std::lower_bound(tripped_.begin(), tripped_.end(), rule);
               at == tripped_.end() || *at != rule) {
      tripped_.insert(at, rule);
      tripped.push_back({rule});
    }
  }
  seconds_beyond_ = std::move(beyond);
  return tripped;
}

std::size_t Breaker::reset(base::RuleId rule) { return std::erase(tripped_, rule.value); }

std::size_t Breaker::reset_all() { return std::exchange(tripped_, {}).size(); }

bool Breaker::keep_only(const match::SnapshotView& snapshot) {
  return std::erase_if(tripped_,
                       [&](std::uint32_t rule) { return !match::contains_rule(snapshot, {rule}); }) != 0;
}

}  // namespace weir::engine
