#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace weir::engine {

/// How long a worker that receives nothing may sleep: at first not at all, then briefly, then longer while
/// the line stays silent. The first packet makes it poll again.
///
/// 64 polls cover the gaps of a busy line. The sleep grows from 20 to 500 us in about 8 ms of silence. So a
/// round trip of an active connection seldom costs more than the shortest sleep, and an idle line costs a few
/// hundredths of a core.
class IdlePolicy {
 public:
  static constexpr std::uint32_t kPollsBeforeSleep = 64;
  static constexpr std::chrono::nanoseconds kShortest = std::chrono::microseconds(20);
  static constexpr std::chrono::nanoseconds kLongest = std::chrono::microseconds(500);

  /// The time to sleep after a poll of all ports. Zero: poll again at once.
  constexpr std::chrono::nanoseconds after_poll(bool received) noexcept {
    if (received) {
      empty_polls_ = 0;
      sleep_ = kShortest;
      return std::chrono::nanoseconds(0);
    }
    if (empty_polls_ < kPollsBeforeSleep) {
      ++empty_polls_;
      return std::chrono::nanoseconds(0);
    }
    const std::chrono::nanoseconds now = sleep_;
    sleep_ = std::min(kLongest, sleep_ + sleep_ / 16);
    return now;
  }

 private:
  std::uint32_t empty_polls_ = 0;
  std::chrono::nanoseconds sleep_ = kShortest;
};

}  // namespace weir::engine
