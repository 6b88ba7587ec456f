#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/base/rate_limit.h"
#include "dataplane/base/towards.h"
#include "dataplane/counters/counters.h"
#include "dataplane/engine/routed/next_hop.h"
#include "dataplane/outcomes/outcome.h"
#include "dataplane/proto/routing/icmp.h"
#include "dataplane/proto/routing/neighbour.h"

namespace weir::engine {

/// A port of topology routed, as its link sees it.
struct RouterPort {
  /// One of Weir's own addresses and the prefix length of its network.
  struct Address {
    proto::IpAddress address;
    unsigned prefix_bits = 0;
  };
  proto::MacAddress mac{};
  std::uint16_t mtu = 1500;
  std::vector<Address> addresses;
  std::vector<proto::IpAddress> next_hops;  // at most one per address family
};

/// What the workers of topology routed share. With one port, traffic leaves where it came in.
class Routing {
 public:
  Routing(std::vector<RouterPort> ports, unsigned icmp_errors_per_second);

  [[nodiscard]] const std::vector<RouterPort>& ports() const noexcept { return ports_; }
  [[nodiscard]] bool is_one_armed() const noexcept { return ports_.size() == 1; }
  [[nodiscard]] std::size_t exit_of(std::size_t from) const noexcept {
    return is_one_armed() ? from : 1 - from;
  }
  [[nodiscard]] unsigned icmp_errors_per_second() const noexcept { return icmp_errors_per_second_; }
  /// Null: the port has no next hop of that family.
  [[nodiscard]] NextHop* next_hop(std::size_t port, bool is_v6) const noexcept {
    return hops_[port][is_v6 ? 1 : 0].get();
  }
  /// Weir's own address at the port to use towards `other`: one in its network, else the first one of its
  /// family.
  [[nodiscard]] std::optional<proto::IpAddress> own_address(std::size_t port,
                                                            const proto::IpAddress& other) const noexcept;
  [[nodiscard]] bool is_own(const proto::IpAddress& address) const noexcept;
  /// True: the broadcast address of a network at one of the ports.
  [[nodiscard]] bool is_broadcast(const proto::IpAddress& address) const noexcept;

 private:
  std::vector<RouterPort> ports_;
  unsigned icmp_errors_per_second_;
  std::array<std::array<std::unique_ptr<NextHop>, 2>, 2> hops_;
  std::vector<proto::IpAddress> broadcasts_;
};

/// One worker's part of a router: decides what becomes of a frame, builds replies, and rewrites packets for
/// the next hop. Knows nothing of buffers and devices. Not thread safe; its Routing is shared.
class Router {
 public:
  Router(Routing& routing, base::Counters& counters) noexcept
      : routing_(routing),
        counters_(counters),
        errors_(routing.icmp_errors_per_second(), routing.icmp_errors_per_second()) {}

  /// What becomes of a frame. With an outcome it ends here, and reply() builds the reply if there is one.
  struct Admission {
    enum class Reply : std::uint8_t { none, neighbour, echo, error };
    std::optional<base::Outcome> outcome;
    Reply reply = Reply::none;
    proto::IcmpReason reason = proto::IcmpReason::time_exceeded;
  };
  [[nodiscard]] Admission admit(std::size_t from, std::span<const std::byte> frame,
                                std::chrono::nanoseconds now) noexcept;
  /// Writes the reply to the frame of the last admit() to `out`; it leaves through the port of the frame.
  /// Returns its length in bytes; 0: there is none.
  std::size_t reply(std::size_t from, std::span<const std::byte> frame, const Admission& admission,
                    std::span<std::byte> out) noexcept;
  [[nodiscard]] static base::Towards towards(Admission::Reply reply) noexcept {
    return reply == Admission::Reply::error ? base::Towards::sender : base::Towards::neighbour;
  }

  /// Rewrites the headers of an admitted packet for the next hop at port `exit`. An outcome if that is not
  /// possible; the frame is unchanged then.
  [[nodiscard]] std::optional<base::Outcome> send_on(std::size_t exit, std::span<std::byte> frame) noexcept;
  /// Sets the link addresses of a frame that Weir made, for the next hop at port `exit`. False: there is
  /// none.
  [[nodiscard]] bool direct(std::size_t exit, std::span<std::byte> frame) noexcept;

  /// For one worker, at every turn: if a next hop is due to be asked for its link address, writes the request
  /// to `out` and returns its port and length. Call it until the length is 0.
  struct Question {
    std::size_t port = 0;
    std::size_t bytes = 0;
  };
  Question ask(std::chrono::nanoseconds now, std::span<std::byte> out) noexcept;

 private:
  Admission hear(std::size_t from, const proto::NeighbourParse& parse, std::chrono::nanoseconds now) noexcept;
  Admission refuse(base::Outcome outcome, proto::IcmpReason reason, std::chrono::nanoseconds now) noexcept;

  Routing& routing_;
  base::Counters& counters_;
  base::RateLimit errors_;
  proto::NeighbourMessage question_;  // in the frame of the last admit()
};

}  // namespace weir::engine
