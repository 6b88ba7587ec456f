#include "dataplane/engine/routed/next_hop.h"

namespace weir::engine {

std::optional<proto::MacAddress> NextHop::mac() const noexcept {
  const std::uint64_t value = mac_.load(std::memory_order_relaxed);
  if (value == 0) return std::nullopt;
  proto::MacAddress mac;
  for (std::size_t i = 0; i < mac.size(); ++i) mac[i] = static_cast<std::byte>(value >> (8 * i));
  return mac;
}

bool NextHop::is_unreachable() const noexcept {
  return mac_.load(std::memory_order_relaxed) == 0 && unanswered_.load(std::memory_order_relaxed) > kAsks;
}

void NextHop::hear(const proto::MacAddress& mac, bool overrides, std::chrono::nanoseconds now) noexcept {
  std::uint64_t value = kKnown;
  for (std::size_t i = 0; i < mac.size(); ++i) value |= std::to_integer<std::uint64_t>(mac[i]) << (8 * i);
  const std::uint64_t before = mac_.load(std::memory_order_relaxed);
  if (!overrides && before != 0 && before != value) return;
  confirmed_ns_.store(now.count(), std::memory_order_relaxed);
  unanswered_.store(0, std::memory_order_relaxed);
  mac_.store(value, std::memory_order_relaxed);
}

NextHop::Ask NextHop::due(std::chrono::nanoseconds now) noexcept {
  if (now < next_ask_) return Ask::nobody;
  const bool known = mac_.load(std::memory_order_relaxed) != 0;
  const auto age = now - std::chrono::nanoseconds(confirmed_ns_.load(std::memory_order_relaxed));
  if (known && age < kConfirmed) return Ask::nobody;
  if (known && age >= kLifetime) mac_.store(0, std::memory_order_relaxed);
  const unsigned asks = unanswered_.load(std::memory_order_relaxed) + 1;
  unanswered_.store(asks, std::memory_order_relaxed);
  next_ask_ = now + kAskInterval;
  // If the address has moved to another station, that one does not get a request sent to the old one.
  return known && asks <= kAsks ? Ask::who_was_known : Ask::everybody;
}

}  // namespace weir::engine
