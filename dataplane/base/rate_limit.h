#pragma once

#include <algorithm>
#include <chrono>

namespace weir::base {

/// A token bucket: `burst` events at once, `per_second` in the long run. The caller passes the time of any
/// clock that does not run backwards. Not thread safe.
///
/// The state is the time at which the bucket will be full again (GCRA).
class RateLimit {
 public:
  /// 0 events per second, or a burst of 0: none is allowed. At most 10^9 per second.
  constexpr RateLimit(unsigned per_second, unsigned burst) noexcept
      : interval_(per_second == 0 ? kNone : kSecond / per_second),
        tolerance_(interval_ * burst),
        allows_any_(per_second != 0 && burst != 0) {}

  /// Counts `events` at `now` if they are allowed; false: too many.
  constexpr bool take(std::chrono::nanoseconds now, unsigned events = 1) noexcept {
    const std::chrono::nanoseconds full_at = std::max(full_at_, now) + interval_ * events;
    if (!allows_any_ || full_at - now > tolerance_) return false;
    full_at_ = full_at;
    return true;
  }

  /// Whether the whole burst is available.
  [[nodiscard]] constexpr bool is_full(std::chrono::nanoseconds now) const noexcept {
    return full_at_ <= now;
  }

 private:
  static constexpr std::chrono::nanoseconds kNone{0};
  static constexpr std::chrono::nanoseconds kSecond = std::chrono::seconds(1);

  std::chrono::nanoseconds interval_;
  std::chrono::nanoseconds tolerance_;
  std::chrono::nanoseconds full_at_ = std::chrono::nanoseconds::min() / 2;
  bool allows_any_;
};

}  // namespace weir::base
