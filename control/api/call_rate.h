#pragma once

#include <chrono>
#include <cstddef>
#include <unordered_map>

namespace weir::control {

/// Limits the calls of each user: kBurst at once, kEachSecond in the long run. root is not limited: it could
/// stop the daemon anyway. One thread.
class CallRate {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr double kEachSecond = 100;
  static constexpr double kBurst = 500;

  /// Counts a call of `uid`; false if it is one too many.
  bool take(unsigned uid, Clock::time_point now) {
    if (uid == 0) return true;
    if (users_.size() >= kMaxUsers && users_.find(uid) == users_.end()) forget_idle(now);
    Allowance& user = users_.try_emplace(uid, Allowance{.calls = kBurst, .at = now}).first->second;
    user.calls = calls_at(user, now);
    user.at = now;
    if (user.calls < 1) return false;
    user.calls -= 1;
    return true;
  }

 private:
  struct Allowance {
    double calls;
    Clock::time_point at;
  };
  static constexpr std::size_t kMaxUsers = 1024;

  static double calls_at(const Allowance& user, Clock::time_point now) {
    const double grown = user.calls + kEachSecond * std::chrono::duration<double>(now - user.at).count();
    return grown < kBurst ? grown : kBurst;
  }
  /// A user with a full allowance is like one who never called.
  void forget_idle(Clock::time_point now) {
    std::erase_if(users_, [now](const auto& user) { return calls_at(user.second, now) >= kBurst; });
  }

  std::unordered_map<unsigned, Allowance> users_;
};

}  // namespace weir::control
