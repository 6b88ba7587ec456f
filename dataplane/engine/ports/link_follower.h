#pragma once

#include <array>
#include <chrono>
#include <cstddef>

namespace weir::engine {

/// Decides what a wire does when one port loses its link: the other port is taken down, so that the devices
/// on both sides notice and reroute, and is brought up again with the link. One thread.
///
/// A port that was taken down cannot show its own link, and links take seconds to come up. So a port that was
/// brought up is given kSettleTime before its link counts as lost.
class LinkFollower {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kPorts = 2;
  static constexpr std::chrono::seconds kSettleTime{10};

  enum class Step : unsigned char { none, take_down, bring_up };

  explicit LinkFollower(Clock::time_point now) : settled_at_{now + kSettleTime, now + kSettleTime} {}

  /// `up`: the links as the devices report them. Returns what the caller has to do to each port.
  std::array<Step, kPorts> look(const std::array<bool, kPorts>& up, Clock::time_point now) noexcept;

  /// True: the port is down because of the other one.
  [[nodiscard]] bool is_down(std::size_t port) const noexcept { return down_[port]; }

 private:
  std::array<bool, kPorts> down_{};  // because of the other one
  std::array<Clock::time_point, kPorts> settled_at_;
};

}  // namespace weir::engine
