#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

#include "dataplane/proto/packet/mac_address.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::engine {

/// The router to which everything of one family goes that leaves by one port, and what is known of its link
/// address. Any worker hears of it (hear) and reads it; one of them asks (due).
class NextHop {
 public:
  /// How often is asked while nobody answers (RFC 4861, 10: RETRANS_TIMER), and how often until it is given
  /// up (MAX_UNICAST_SOLICIT and MAX_MULTICAST_SOLICIT).
  static constexpr std::chrono::nanoseconds kAskInterval = std::chrono::seconds(1);
  static constexpr unsigned kAsks = 3;
  /// When an address that was confirmed is asked for again, and when it no longer holds.
  static constexpr std::chrono::nanoseconds kConfirmed = std::chrono::seconds(30);
  static constexpr std::chrono::nanoseconds kLifetime = kConfirmed + 2 * kAsks * kAskInterval;

  explicit NextHop(const proto::IpAddress& address) noexcept : address_(address) {}

  [[nodiscard]] const proto::IpAddress& address() const noexcept { return address_; }
  /// For any thread. None: not known, or not any more.
  [[nodiscard]] std::optional<proto::MacAddress> mac() const noexcept;
  /// For any thread: nobody has answered for so long that senders should know.
  [[nodiscard]] bool is_unreachable() const noexcept;

  /// For any worker: a message said at `now` that the router has `mac`. Where it does not override, an
  /// address that is known stays.
  void hear(const proto::MacAddress& mac, bool overrides, std::chrono::nanoseconds now) noexcept;

  enum class Ask : std::uint8_t { nobody, who_was_known, everybody };
  /// For one worker, at every turn: whom to ask now. Forgets what was not confirmed in time.
  Ask due(std::chrono::nanoseconds now) noexcept;

 private:
  static constexpr std::uint64_t kKnown = std::uint64_t{1} << 48;

  proto::IpAddress address_;
  // Relaxed, all three: each stands for itself. Two workers that hear of different addresses at the same time
  // leave one of them, as if the messages had come in that order.
  std::atomic<std::uint64_t> mac_{0};             // kKnown and the address; 0: none
  std::atomic<std::int64_t> confirmed_ns_{0};     // when it was heard of last
  std::atomic<unsigned> unanswered_{0};           // asks since then; written by who asks, reset by who hears
  std::chrono::nanoseconds next_ask_{INT64_MIN};  // of who asks
};

}  // namespace weir::engine
