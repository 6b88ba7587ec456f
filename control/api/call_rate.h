#pragma once

#include <chrono>
#include <cstddef>
#include <unordered_map>

#include "dataplane/base/rate_limit.h"

namespace weir::control {

/// Limits the calls of each user: kBurst at once, kEachSecond in the long run. root is not limited, because
/// it could stop the daemon anyway. Not thread safe.
class CallRate {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr unsigned kEachSecond = 100;
  static constexpr unsigned kBurst = 500;

  /// Counts a call of `uid`; false if it is one too many.
  bool take(unsigned uid, Clock::time_point now) {
    if (uid == 0) return true;
    const std::chrono::nanoseconds at = now.time_since_epoch();
    if (users_.size() >= kMaxUsers && users_.find(uid) == users_.end()) {
      // A user whose allowance is full again is like one who never called.
      std::erase_if(users_, [at](const auto& user) { return user.second.is_full(at); });
    }
    return users_.try_emplace(uid, kEachSecond, kBurst).first->second.take(at);
  }

 private:
  static constexpr std::size_t kMaxUsers = 1024;

  std::unordered_map<unsigned, base::RateLimit> users_;
};

}  // namespace weir::control
