#pragma once

#include <algorithm>
#include <chrono>

namespace weir::base {

/// A token bucket: `burst` events at once, `per_second` in the long run. The caller passes the time, which
/// never goes back, so the same class works with any clock. Not thread safe.
///
/// The state is the time at which the bucket is full again (GCRA): one number, no division when it is used.
class RateLimit {
 public:
  /// 0 events per second, or a burst of 0: none is allowed.
  constexpr RateLimit(unsigned per_second, unsigned burst) noexcept
      : interval_(per_second == 0 ? kNone : kSecond / per_second),
        tolerance_(burst == 0 ? kNone : interval_ * (burst - 1)),
        allows_any_(per_second != 0 && burst != 0) {}

  /// Counts an event at `now` if it is allowed; false: one too many.
  constexpr bool take(std::chrono::nanoseconds now) noexcept {
    if (!allows_any_ || full_at_ - now > tolerance_) return false;
    full_at_ = std::max(full_at_, now) + interval_;
    return true;
  }

  /// Nothing has been taken, or all of it has been refilled.
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
