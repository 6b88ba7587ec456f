#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

#include "dataplane/proto/packet/mac_address.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::engine {

/// The next hop of one port for one address family, and its link address. Any worker may learn the link
/// address (hear) and read it (mac); one worker asks for it (due).
class NextHop {
 public:
  /// The interval between two requests (RFC 4861, 10: RETRANS_TIMER), and how many without an answer make the
  /// next hop unreachable (MAX_UNICAST_SOLICIT and MAX_MULTICAST_SOLICIT).
  static constexpr std::chrono::nanoseconds kAskInterval = std::chrono::seconds(1);
  static constexpr unsigned kAsks = 3;
  /// The age at which a confirmed address is asked for again, and the age at which it expires.
  static constexpr std::chrono::nanoseconds kConfirmed = std::chrono::seconds(30);
  static constexpr std::chrono::nanoseconds kLifetime = kConfirmed + 2 * kAsks * kAskInterval;

  explicit NextHop(const proto::IpAddress& address) noexcept : address_(address) {}

  [[nodiscard]] const proto::IpAddress& address() const noexcept { return address_; }
  /// For any thread. None: not known yet, or expired.
  [[nodiscard]] std::optional<proto::MacAddress> mac() const noexcept;
  /// For any thread. True: nobody has answered kAsks requests, so that senders get an ICMP error.
  [[nodiscard]] bool is_unreachable() const noexcept;

  /// For any worker: a message at `now` said that the next hop has the address `mac`. Unless it `overrides`,
  /// a known address stays (RFC 4861, 7.2.5).
  void hear(const proto::MacAddress& mac, bool overrides, std::chrono::nanoseconds now) noexcept;

  enum class Ask : std::uint8_t { nobody, who_was_known, everybody };
  /// For one worker, at every turn: whom to ask now. Forgets an address that has expired.
  Ask due(std::chrono::nanoseconds now) noexcept;

 private:
  static constexpr std::uint64_t kKnown = std::uint64_t{1} << 48;

  proto::IpAddress address_;
  // relaxed, all three: each stands alone. If two workers hear of different addresses at the same time, one
  // of them stays, as if the messages had arrived in that order.
  std::atomic<std::uint64_t> mac_{0};             // kKnown | the address; 0: none
  std::atomic<std::int64_t> confirmed_ns_{0};     // when it was last heard of
  std::atomic<unsigned> unanswered_{0};           // requests since then; reset by whoever hears
  std::chrono::nanoseconds next_ask_{INT64_MIN};  // written and read by the worker that asks
};

}  // namespace weir::engine
