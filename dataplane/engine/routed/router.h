#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/base/outcome.h"
#include "dataplane/engine/routed/next_hop.h"
#include "dataplane/proto/routing/icmp.h"
#include "dataplane/proto/routing/neighbour.h"

namespace weir::engine {

/// A port of mode routed as its links see it.
struct RouterPort {
  /// An address of Weir's own and the length of its network.
  struct Address {
    proto::IpAddress address;
    unsigned prefix_bits = 0;
  };
  proto::MacAddress mac{};
  std::uint16_t mtu = 1500;
  std::vector<Address> addresses;
  std::vector<proto::IpAddress> next_hops;  // one of a family at most
};

/// What the workers of mode routed share. With one port traffic leaves where it came in.
class Routing {
 public:
  Routing(std::vector<RouterPort> ports, unsigned icmp_errors_per_second);

  [[nodiscard]] const std::vector<RouterPort>& ports() const noexcept { return ports_; }
  [[nodiscard]] bool is_one_armed() const noexcept { return ports_.size() == 1; }
  [[nodiscard]] std::size_t exit_of(std::size_t from) const noexcept {
    return is_one_armed() ? from : 1 - from;
  }
  [[nodiscard]] unsigned icmp_errors_per_second() const noexcept { return icmp_errors_per_second_; }
  /// Null where the port has none of that family.
  [[nodiscard]] NextHop* next_hop(std::size_t port, bool is_v6) const noexcept {
    return hops_[port][is_v6 ? 1 : 0].get();
  }
  /// Address of Weir's own at the port from which to speak with `other`, or of its family at all.
  [[nodiscard]] std::optional<proto::IpAddress> own_address(std::size_t port,
                                                            const proto::IpAddress& other) const noexcept;
  [[nodiscard]] bool is_own(const proto::IpAddress& address) const noexcept;
  /// Whether it means all stations of a network at one of the ports.
  [[nodiscard]] bool is_broadcast(const proto::IpAddress& address) const noexcept;

 private:
  std::vector<RouterPort> ports_;
  unsigned icmp_errors_per_second_;
  std::array<std::array<std::unique_ptr<NextHop>, 2>, 2> hops_;
  std::vector<proto::IpAddress> broadcasts_;
};

/// Lets so many pass a second and no more than that at once. Not thread safe.
class RateLimit {
 public:
  explicit RateLimit(unsigned per_second) noexcept : per_second_(per_second), left_(per_second) {}
  bool take(std::chrono::nanoseconds now) noexcept;

 private:
  unsigned per_second_;
  unsigned left_;
  std::optional<std::chrono::nanoseconds> second_began_;
};

/// One worker's part of a hop: says what becomes of a frame, writes what is answered, and sends packets on.
/// Knows nothing of buffers and devices. Not thread safe; its Routing is shared.
class Router {
 public:
  Router(Routing& routing, base::Counters& counters) noexcept
      : routing_(routing), counters_(counters), errors_(routing.icmp_errors_per_second()) {}

  /// What becomes of a frame; with an outcome it ends here, and reply() may have something to say.
  struct Admission {
    enum class Reply : std::uint8_t { none, neighbour, echo, error };
    std::optional<base::Outcome> outcome;
    Reply reply = Reply::none;
    proto::IcmpReason reason = proto::IcmpReason::time_exceeded;
  };
  [[nodiscard]] Admission admit(std::size_t from, std::span<const std::byte> frame,
                                std::chrono::nanoseconds now) noexcept;
  /// Writes to `out` what the frame that was admitted last is answered by the port that it came from. Returns
  /// its bytes; 0: nothing.
  std::size_t reply(std::size_t from, std::span<const std::byte> frame, const Admission& admission,
                    std::span<std::byte> out) noexcept;
  [[nodiscard]] static base::Towards towards(Admission::Reply reply) noexcept {
    return reply == Admission::Reply::error ? base::Towards::sender : base::Towards::neighbour;
  }

  /// Sends a packet that was admitted on by `exit`: its headers are rewritten. An outcome where that cannot
  /// be done; the frame is as it was then.
  [[nodiscard]] std::optional<base::Outcome> send_on(std::size_t exit, std::span<std::byte> frame) noexcept;
  /// Directs a frame of Weir's own to the next hop behind `exit`. False where there is none.
  [[nodiscard]] bool direct(std::size_t exit, std::span<std::byte> frame) noexcept;

  /// For one worker, in turns of a second at most: writes to `out` the question for the link address of a
  /// next hop that is due, and says by which port it goes. 0 bytes when none is. To be called until then.
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
  RateLimit errors_;
  proto::NeighbourMessage question_;  // of the frame that was admitted last
};

}  // namespace weir::engine
