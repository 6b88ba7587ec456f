#include "dataplane/engine/supervisor/breaker.h"

#include <bit>
#include <cmath>

#include "dataplane/match/lookup.h"

namespace weir::engine {
namespace {

struct Sum {
  std::uint64_t hits = 0;
  std::uint64_t limit = 0;  // 0: none
  std::uint64_t clients = 0;
};

/// Linear counting: how many clients most likely set these of 64 bits.
double estimated_clients(std::uint64_t bits) {
  constexpr int kBits = 64;
  // With all bits set, the estimate for one that is not.
  const int clear = std::max(kBits - std::popcount(bits), 1);
  return -kBits * std::log(static_cast<double>(clear) / kBits);
}

}  // namespace

Breaker::News Breaker::next_second(std::span<inspect::RuleHits* const> workers) {
  ++second_;
  News news;
  news.rearmed = rearm();
  std::map<std::uint32_t, Sum> sums;
  for (const auto& [rule, watched] : watched_) sums[rule];
  for (inspect::RuleHits* worker : workers) {
    worker->next_second([&](const inspect::RuleHits::Hit& hit) {
      Sum& sum = sums[hit.rule.value];
      sum.hits += hit.count;
      sum.clients |= hit.clients;
      sum.limit = hit.of_page ? settings_.page_hits_per_second : settings_.host_hits_per_second;
    });
  }
  for (const auto& [rule, sum] : sums) {
    if (sum.limit == 0 || sum.hits <= sum.limit) {
      const auto found = watched_.find(rule);
      if (found == watched_.end()) continue;
      Watched& watched = found->second;
      watched.seconds_beyond = 0;
      watched.clients = 0;
      if (!watched.is_beyond || ++watched.seconds_within >= kSecondsWithin) watched_.erase(found);
      continue;
    }
    Watched& watched = watched_[rule];
    watched.seconds_within = 0;
    watched.clients |= sum.clients;
    if (++watched.seconds_beyond < kSecondsBeyond) continue;
    if (!watched.is_beyond) news.beyond.push_back({rule});
    watched.is_beyond = true;
    if (settings_.action == config::BreakerAction::trip && has_enough_clients(watched.clients) && trip(rule))
      news.tripped.push_back({rule});
  }
  return news;
}

bool Breaker::has_enough_clients(std::uint64_t clients) const {
  // One client always sets exactly one bit.
  return settings_.clients <= 1 ? clients != 0 : estimated_clients(clients) >= settings_.clients;
}

std::vector<base::RuleId> Breaker::rearm() {
  std::vector<base::RuleId> rearmed;
  const auto seconds = static_cast<std::uint64_t>(settings_.rearm_after.count());
  if (seconds == 0) return rearmed;
  for (const auto& [rule, since] : tripped_since_) {
    if (second_ - since >= seconds) rearmed.push_back({rule});
  }
  for (const base::RuleId rule : rearmed) reset(rule);
  return rearmed;
}

bool Breaker::trip(std::uint32_t rule) { return tripped_since_.emplace(rule, second_).second; }

std::vector<std::uint32_t> Breaker::tripped() const {
  std::vector<std::uint32_t> rules;
  rules.reserve(tripped_since_.size());
  for (const auto& [rule, since] : tripped_since_) rules.push_back(rule);
  return rules;
}

std::vector<std::uint32_t> Breaker::beyond() const {
  std::vector<std::uint32_t> rules;
  for (const auto& [rule, watched] : watched_) {
    if (watched.is_beyond) rules.push_back(rule);
  }
  return rules;
}

std::size_t Breaker::reset(base::RuleId rule) {
  const std::size_t count = tripped_since_.erase(rule.value);
  // It has to exceed its limit anew.
  watched_.erase(rule.value);
  return count;
}

std::size_t Breaker::reset_all() {
  const std::size_t count = tripped_since_.size();
  tripped_since_.clear();
  watched_.clear();
  return count;
}

bool Breaker::keep_only(const match::SnapshotView& snapshot) {
  const auto is_gone = [&snapshot](const auto& entry) {
    return !match::contains_rule(snapshot, {entry.first});
  };
  std::erase_if(watched_, is_gone);
  return std::erase_if(tripped_since_, is_gone) != 0;
}

}  // namespace weir::engine
