#include "dataplane/flow/source_budget.h"

#include <algorithm>

#include "dataplane/flow/source.h"

namespace weir::flow {
namespace {

/// More than one packet can cost: a debt above it is from before the clock jumped back.
constexpr std::chrono::nanoseconds kMostDebt = std::chrono::seconds(10);

}  // namespace

SourceBudget::SourceBudget(std::uint64_t units_per_second)
    : sources_(kSourcePlaces),
      networks_(kNetworkPlaces),
      unit_nanoseconds_(1e9 / static_cast<double>(std::max<std::uint64_t>(units_per_second, 1))),
      seed_(random_seed()) {}

SourceBudget::Account SourceBudget::account_of(const proto::IpAddress& address) const noexcept {
  return {.source = static_cast<std::uint32_t>(hash_of_source(address, seed_) & (kSourcePlaces - 1)),
          .network = static_cast<std::uint32_t>(hash_of_network(address, seed_) & (kNetworkPlaces - 1))};
}

bool SourceBudget::left(Even even, std::chrono::nanoseconds now) noexcept {
  return even - now < kBurst || even - now > kMostDebt;
}

void SourceBudget::charge(Even& even, std::chrono::nanoseconds cost, std::chrono::nanoseconds now) noexcept {
  if (even < now || even - now > kMostDebt) even = now;
  even = std::min(even + cost, now + kMostDebt);
}

bool SourceBudget::has_left(const Account& account, std::chrono::nanoseconds now) const noexcept {
  return left(sources_[account.source], now) && left(networks_[account.network], now);
}

void SourceBudget::spend(const Account& account, std::uint32_t units, std::chrono::nanoseconds now) noexcept {
  const std::chrono::nanoseconds cost(static_cast<std::int64_t>(unit_nanoseconds_ * units));
  charge(sources_[account.source], cost, now);
  charge(networks_[account.network], cost / kSources, now);
}

}  // namespace weir::flow
