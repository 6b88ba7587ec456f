#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/proto/packet/packet_view.h"

namespace weir::flow {

/// Limits the work that each sender can cause, in units that the caller defines. A source (source.h) has an
/// allowance per second, of which a second's worth may be spent at once; the network around it has kSources
/// times as much. What is spent is charged to both. So one sender can use up its own allowance, but not that
/// of its neighbours, and many senders of one network not that of the others.
///
/// Sources are told apart by a keyed hash; two with the same one share an allowance. Every call takes
/// constant time. Not thread safe; the constructor allocates all memory.
class SourceBudget {
 public:
  /// Sources that may use up their allowance at the same time in one network.
  static constexpr std::uint32_t kSources = 16;

  /// `units_per_second`: at least 1.
  explicit SourceBudget(std::uint64_t units_per_second);

  /// A sender's places, computed once per packet.
  struct Account {
    std::uint32_t source = 0;
    std::uint32_t network = 0;
  };
  [[nodiscard]] Account account_of(const proto::IpAddress& address) const noexcept;

  /// Whether source and network have something left. A clock that jumps back takes nothing from anybody.
  [[nodiscard]] bool has_left(const Account& account, std::chrono::nanoseconds now) const noexcept;
  /// Charges what was spent; this may exceed what was left.
  void spend(const Account& account, std::uint32_t units, std::chrono::nanoseconds now) noexcept;

 private:
  static constexpr std::size_t kSourcePlaces = 65536;
  static constexpr std::size_t kNetworkPlaces = 16384;
  static constexpr std::chrono::nanoseconds kBurst = std::chrono::seconds(1);

  /// When all that was spent will have been earned again.
  using Even = std::chrono::nanoseconds;
  [[nodiscard]] static bool left(Even even, std::chrono::nanoseconds now) noexcept;
  static void charge(Even& even, std::chrono::nanoseconds cost, std::chrono::nanoseconds now) noexcept;

  std::vector<Even> sources_;
  std::vector<Even> networks_;
  double unit_nanoseconds_;
  std::uint64_t seed_;
};

}  // namespace weir::flow
