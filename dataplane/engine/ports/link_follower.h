#pragma once

#include <array>
#include <chrono>
#include <cstddef>

namespace weir::engine {

/// What a wire does when one of its ends loses its link: the other end goes down, too, so that the devices on
/// both sides see it and find another way; and comes back with it. Decides only; one thread.
///
/// A port that was taken down shows nothing of its own link, so it is looked at again only some time after it
/// was brought up: links take seconds to come up.
class LinkFollower {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kPorts = 2;
  static constexpr std::chrono::seconds kSettleTime{10};

  enum class Step : unsigned char { none, take_down, bring_up };

  explicit LinkFollower(Clock::time_point now) : settled_at_{now + kSettleTime, now + kSettleTime} {}

  /// `up`: the links as the devices see them. What is to be done to each port; the caller does it.
  std::array<Step, kPorts> look(const std::array<bool, kPorts>& up, Clock::time_point now) noexcept;

  [[nodiscard]] bool is_down(std::size_t port) const noexcept { return down_[port]; }

 private:
  std::array<bool, kPorts> down_{};  // because of the other one
  std::array<Clock::time_point, kPorts> settled_at_;
};

}  // namespace weir::engine
