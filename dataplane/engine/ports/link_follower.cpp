#include "dataplane/engine/ports/link_follower.h"

namespace weir::engine {

std::array<LinkFollower::Step, LinkFollower::kPorts> LinkFollower::look(const std::array<bool, kPorts>& up,
                                                                        Clock::time_point now) noexcept {
  std::array<Step, kPorts> steps{};
  for (std::size_t port = 0; port < kPorts; ++port) {
    const std::size_t other = 1 - port;
    if (up[port]) settled_at_[port] = now;  // from now on no link means a loss
    if (down_[port]) {
      if (!up[other]) continue;
      down_[port] = false;
      settled_at_[port] = now + kSettleTime;
      steps[port] = Step::bring_up;
    } else if (!up[other] && !down_[other] && up[port] && now >= settled_at_[other]) {
      down_[port] = true;
      steps[port] = Step::take_down;
    }
  }
  return steps;
}

}  // namespace weir::engine
