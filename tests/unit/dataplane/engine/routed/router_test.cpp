#include "dataplane/engine/routed/router.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include "dataplane/proto/packet/packet_view.h"
#include "dataplane/proto/routing/rewrite.h"
#include "tests/support/packet_builder.h"

namespace weir::engine {
namespace {

using base::Outcome;
using proto::IpAddress;
using proto::MacAddress;
using std::chrono::seconds;
using test::Bytes;
using test::PacketBuilder;
using Reply = Router::Admission::Reply;

constexpr std::chrono::nanoseconds kStart = seconds(1000);
constexpr std::string_view kNear = "02:00:00:00:00:01";    // whoever is at the first port
constexpr std::string_view kFirst = "02:00:00:00:00:aa";   // Weir's ports
constexpr std::string_view kSecond = "02:00:00:00:00:bb";  //
constexpr std::string_view kFar = "02:00:00:00:00:02";     // the next hop at the second

MacAddress mac(std::string_view text) {
  MacAddress result{};
  for (std::size_t i = 0; i < result.size(); ++i) {
    result[i] = static_cast<std::byte>(std::stoul(std::string(text.substr(3 * i, 2)), nullptr, 16));
  }
  return result;
}

IpAddress router_ip(const char* text) {
  IpAddress address;
  address.is_v6 = std::string_view(text).find(':') != std::string_view::npos;
  EXPECT_EQ(inet_pton(address.is_v6 ? AF_INET6 : AF_INET, text, address.bytes.data()), 1) << text;
  return address;
}

RouterPort first_port() {
  return {.mac = mac(kFirst),
          .mtu = 1500,
          .addresses = {{.address = router_ip("192.0.2.1"), .prefix_bits = 24},
                        {.address = router_ip("2001:db8::1"), .prefix_bits = 64}},
          .next_hops = {router_ip("192.0.2.2"), router_ip("2001:db8::2")}};
}

RouterPort second_port() {
  return {.mac = mac(kSecond),
          .mtu = 1400,
          .addresses = {{.address = router_ip("10.0.0.1"), .prefix_bits = 8},
                        {.address = router_ip("198.51.100.1"), .prefix_bits = 24},
                        {.address = router_ip("203.0.113.128"), .prefix_bits = 31}},
          .next_hops = {router_ip("198.51.100.80")}};
}

Bytes packet(const char* source, const char* destination, std::uint8_t ttl = 64, std::size_t bytes = 10,
             std::string_view to = kFirst) {
  PacketBuilder builder;
  builder.ethernet(kNear, to);
  if (std::string_view(source).find(':') == std::string_view::npos) {
    builder.ipv4(source, destination);
  } else {
    builder.ipv6(source, destination);
  }
  return builder.ttl(ttl).udp(4000, 4001).payload(std::string(bytes, 'x')).build();
}

/// An ARP message from the next hop at the second port.
Bytes far_arp(const char* sender = "198.51.100.80") {
  Bytes out(proto::kMaxNeighbourFrameBytes);
  out.resize(proto::build_neighbour_request({.mac = mac(kFar), .address = router_ip(sender)},
                                            router_ip("198.51.100.1"), std::nullopt, out));
  return out;
}

class RouterTest : public testing::Test {
 protected:
  Router::Admission admit(const Bytes& frame, std::size_t from = 0, std::chrono::nanoseconds now = kStart) {
    return router_.admit(from, frame, now);
  }
  Bytes reply(const Bytes& frame, const Router::Admission& admission, std::size_t from = 0) {
    Bytes out(2048);
    out.resize(router_.reply(from, frame, admission, out));
    return out;
  }
  void resolve(std::chrono::nanoseconds now = kStart) { admit(far_arp(), 1, now); }
  /// What is asked at this time: the frames and the ports that they leave by.
  std::vector<std::pair<std::size_t, Bytes>> asked(std::chrono::nanoseconds now) {
    std::vector<std::pair<std::size_t, Bytes>> frames;
    for (;;) {
      Bytes out(proto::kMaxNeighbourFrameBytes);
      const auto question = router_.ask(now, out);
      if (question.bytes == 0) return frames;
      out.resize(question.bytes);
      frames.emplace_back(question.port, std::move(out));
    }
  }

  Routing routing_{{first_port(), second_port()}, 3};
  base::Counters counters_;
  Router router_{routing_, counters_};
};

TEST_F(RouterTest, AdmitsWhatItCanSendOn) {
  struct Case {
    const char* description;
    Bytes frame;
    std::optional<Outcome> outcome;
    Reply reply;
  };
  const std::vector<Case> cases{
      {"a packet", packet("192.0.2.2", "203.0.113.5"), std::nullopt, Reply::none},
      {"a packet that just fits", packet("192.0.2.2", "203.0.113.5", 64, 1400 - 28), std::nullopt,
       Reply::none},
      {"one that does not", packet("192.0.2.2", "203.0.113.5", 64, 1401 - 28), Outcome::drop_too_big,
       Reply::error},
      {"at its last hop", packet("192.0.2.2", "203.0.113.5", 1), Outcome::drop_expired, Reply::error},
      {"a family without a next hop", packet("2001:db8::2", "2001:db8:9::5"), Outcome::drop_no_next_hop,
       Reply::error},
      {"to another station", packet("192.0.2.2", "203.0.113.5", 64, 10, kNear), Outcome::routed_foreign,
       Reply::none},
      {"to our other port's station", packet("192.0.2.2", "203.0.113.5", 64, 10, kSecond),
       Outcome::routed_foreign, Reply::none},
      {"to all stations", packet("192.0.2.2", "203.0.113.5", 64, 10, "ff:ff:ff:ff:ff:ff"),
       Outcome::routed_foreign, Reply::none},
      {"to a group", packet("192.0.2.2", "224.0.0.5"), Outcome::drop_unroutable, Reply::none},
      {"to all of a network of ours", packet("192.0.2.2", "198.51.100.255"), Outcome::drop_unroutable,
       Reply::none},
      {"to all of a network of ours, at its last hop", packet("192.0.2.2", "198.51.100.255", 1),
       Outcome::drop_unroutable, Reply::none},
      {"from all of a network of ours, at its last hop", packet("192.0.2.255", "203.0.113.5", 1),
       Outcome::drop_unroutable, Reply::none},
      {"to the last host of a network with no address for all", packet("192.0.2.2", "203.0.113.129"),
       std::nullopt, Reply::none},
      {"a tag",
       PacketBuilder().ethernet(kNear, kFirst).vlan(5).ipv4("192.0.2.2", "203.0.113.5").udp(1, 2).build(),
       Outcome::drop_unroutable, Reply::none},
      {"to Weir itself", packet("192.0.2.2", "192.0.2.1"), Outcome::routed_local, Reply::echo},
      {"to Weir's other side, at its last hop", packet("192.0.2.2", "198.51.100.1", 1), Outcome::routed_local,
       Reply::echo},
      {"nothing", {}, Outcome::routed_foreign, Reply::none},
  };
  resolve();
  // Each with all of its errors left.
  std::chrono::nanoseconds now = kStart;
  for (const Case& row : cases) {
    SCOPED_TRACE(row.description);
    const auto admission = admit(row.frame, 0, now);
    EXPECT_EQ(admission.outcome, row.outcome);
    EXPECT_EQ(admission.reply, row.reply);
    now += seconds(1);
    resolve(now);
  }
}

TEST_F(RouterTest, SendsOnToTheNextHop) {
  resolve();
  Bytes frame = packet("192.0.2.2", "203.0.113.5", 64);
  EXPECT_EQ(router_.send_on(1, frame), std::nullopt);
  const Bytes expected = [] {
    Bytes made = packet("192.0.2.2", "203.0.113.5", 63);
    proto::set_link_addresses(made, mac(kSecond), mac(kFar));
    return made;
  }();
  EXPECT_EQ(test::difference(expected, frame), "");
  Bytes last = packet("192.0.2.2", "203.0.113.5", 1);
  EXPECT_EQ(router_.send_on(1, last), Outcome::drop_unroutable);
  Bytes back = packet("203.0.113.5", "192.0.2.2", 64);
  EXPECT_EQ(router_.send_on(0, back), Outcome::drop_no_next_hop) << "nobody has answered there";
}

TEST_F(RouterTest, WhatWaitsForAnAnswerIsDroppedAndLaterAnswered) {
  const Bytes frame = packet("192.0.2.2", "203.0.113.5");
  EXPECT_EQ(admit(frame).outcome, Outcome::drop_no_next_hop);
  EXPECT_EQ(admit(frame).reply, Reply::none) << "it may be there in a moment";
  for (unsigned second = 0; second <= NextHop::kAsks; ++second) asked(kStart + seconds(second));
  const auto later = kStart + seconds(NextHop::kAsks);
  const auto admission = admit(frame, 0, later);
  EXPECT_EQ(admission.outcome, Outcome::drop_no_next_hop);
  ASSERT_EQ(admission.reply, Reply::error);
  const Bytes error = reply(frame, admission);
  const auto view = proto::parse_packet(error, proto::LinkType::ethernet);
  EXPECT_EQ(view.source, router_ip("192.0.2.1")) << "the address at the port that it came from";
  EXPECT_EQ(view.destination, router_ip("192.0.2.2"));
  EXPECT_EQ(test::difference(test::from_hex("0301"), view.payload.first(2)), "") << "host unreachable";
  resolve(later);
  EXPECT_EQ(admit(frame, 0, later).outcome, std::nullopt);
}

TEST_F(RouterTest, AsksUntilItIsAnsweredAndAgainBeforeItForgets) {
  EXPECT_EQ(asked(kStart).size(), 3U) << "every next hop at once";
  EXPECT_TRUE(asked(kStart + std::chrono::milliseconds(999)).empty());
  const auto again = asked(kStart + seconds(1));
  ASSERT_EQ(again.size(), 3U);
  EXPECT_EQ(again[2].first, 1U);
  const auto question = proto::parse_neighbour(again[2].second).message;
  EXPECT_EQ(question.wanted, router_ip("198.51.100.80"));
  EXPECT_EQ(question.asker, router_ip("198.51.100.1")) << "from the network that the next hop is in";
  EXPECT_EQ(question.asker_mac, mac(kSecond));
  EXPECT_EQ(proto::link_destination(again[2].second), proto::kBroadcastMac);

  const auto answered = kStart + seconds(1);
  resolve(answered);
  const auto far = [&](std::chrono::nanoseconds now) {
    std::vector<Bytes> frames;
    for (auto& [port, frame] : asked(now)) {
      if (port == 1) frames.push_back(std::move(frame));
    }
    return frames;
  };
  EXPECT_TRUE(far(answered + NextHop::kConfirmed - seconds(1)).empty());
  for (unsigned ask = 0; ask < NextHop::kAsks; ++ask) {
    const auto frames = far(answered + NextHop::kConfirmed + ask * NextHop::kAskInterval);
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(proto::link_destination(frames[0]), mac(kFar)) << "the one that was known";
  }
  const auto late = far(answered + NextHop::kConfirmed + NextHop::kAsks * NextHop::kAskInterval);
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(proto::link_destination(late[0]), proto::kBroadcastMac) << "it may have moved";
  EXPECT_TRUE(routing_.next_hop(1, false)->mac().has_value()) << "and holds meanwhile";
  far(answered + NextHop::kLifetime);
  EXPECT_FALSE(routing_.next_hop(1, false)->mac().has_value());
  EXPECT_TRUE(routing_.next_hop(1, false)->is_unreachable());
}

TEST_F(RouterTest, BelievesOnlyWhatItsNextHopSaysAtItsPort) {
  admit(far_arp("198.51.100.81"), 1);
  EXPECT_FALSE(routing_.next_hop(1, false)->mac().has_value()) << "another host";
  admit(far_arp(), 0);
  EXPECT_FALSE(routing_.next_hop(1, false)->mac().has_value()) << "at the other port";
  resolve();
  ASSERT_TRUE(routing_.next_hop(1, false)->mac().has_value());
  EXPECT_EQ(*routing_.next_hop(1, false)->mac(), mac(kFar));
}

TEST_F(RouterTest, AnAdvertisementThatDoesNotOverrideChangesNothing) {
  NextHop hop(router_ip("2001:db8::2"));
  hop.hear(mac(kFar), false, kStart);
  EXPECT_EQ(hop.mac(), mac(kFar)) << "where nothing was known it is taken";
  hop.hear(mac(kNear), false, kStart);
  EXPECT_EQ(hop.mac(), mac(kFar));
  hop.hear(mac(kNear), true, kStart);
  EXPECT_EQ(hop.mac(), mac(kNear));
}

TEST_F(RouterTest, AnswersForItsOwnAddressesAtTheirPort) {
  const auto question = [](const char* wanted) {
    Bytes out(proto::kMaxNeighbourFrameBytes);
    const bool is_v6 = std::string_view(wanted).find(':') != std::string_view::npos;
    out.resize(proto::build_neighbour_request(
        {.mac = mac(kNear), .address = router_ip(is_v6 ? "2001:db8::9" : "192.0.2.9")}, router_ip(wanted),
        std::nullopt, out));
    return out;
  };
  for (const char* own : {"192.0.2.1", "2001:db8::1"}) {
    SCOPED_TRACE(own);
    const Bytes frame = question(own);
    const auto admission = admit(frame);
    EXPECT_EQ(admission.outcome, Outcome::routed_local);
    ASSERT_EQ(admission.reply, Reply::neighbour);
    const auto answer = proto::parse_neighbour(reply(frame, admission));
    ASSERT_EQ(answer.status, base::ParseStatus::found);
    EXPECT_EQ(answer.message.known, router_ip(own));
    EXPECT_EQ(answer.message.mac, mac(kFirst));
  }
  for (const char* other : {"192.0.2.77", "198.51.100.1", "2001:db8::77"}) {
    SCOPED_TRACE(other);
    const auto admission = admit(question(other));
    EXPECT_EQ(admission.outcome, Outcome::routed_local);
    EXPECT_EQ(admission.reply, Reply::none);
  }
}

TEST_F(RouterTest, AnswersEchoRequestsAndNothingElseToItself) {
  const Bytes ping = PacketBuilder()
                         .ethernet(kNear, kFirst)
                         .ipv4("192.0.2.2", "192.0.2.1")
                         .protocol(1)
                         .payload(test::from_hex("0800 a488 1234 0001 4142"))
                         .build();
  const Bytes answer = reply(ping, admit(ping));
  EXPECT_EQ(proto::link_destination(answer), mac(kNear));
  EXPECT_EQ(proto::parse_packet(answer, proto::LinkType::ethernet).source, router_ip("192.0.2.1"));
  const Bytes datagram = packet("192.0.2.2", "192.0.2.1");
  EXPECT_TRUE(reply(datagram, admit(datagram)).empty());
}

TEST_F(RouterTest, ErrorsAreLimited) {
  const Bytes expired = packet("192.0.2.2", "203.0.113.5", 1);
  const auto errors = [&](std::chrono::nanoseconds now, unsigned packets) {
    unsigned count = 0;
    for (unsigned i = 0; i < packets; ++i) {
      const auto admission = admit(expired, 0, now);
      EXPECT_EQ(admission.outcome, Outcome::drop_expired);
      if (admission.reply == Reply::error) ++count;
    }
    return count;
  };
  EXPECT_EQ(errors(kStart, 10), 3U);
  EXPECT_EQ(errors(kStart + std::chrono::milliseconds(300), 10), 0U) << "a third of a second for each";
  EXPECT_EQ(errors(kStart + std::chrono::milliseconds(700), 10), 2U);
  EXPECT_EQ(errors(kStart + seconds(10), 10), 3U) << "no more than a second's worth is saved up";
  EXPECT_EQ(counters_.get(base::Counter::icmp_limited), 32U);
}

TEST_F(RouterTest, NoErrorsAtAllWhereNoneAreWanted) {
  Routing silent({first_port(), second_port()}, 0);
  Router router(silent, counters_);
  EXPECT_EQ(router.admit(0, packet("192.0.2.2", "203.0.113.5", 1), kStart).reply, Reply::none);
}

TEST_F(RouterTest, WithOneArmTrafficLeavesWhereItCame) {
  Routing routing({first_port()}, 3);
  Router router(routing, counters_);
  EXPECT_TRUE(routing.is_one_armed());
  EXPECT_EQ(routing.exit_of(0), 0U);
  Bytes out(proto::kMaxNeighbourFrameBytes);
  out.resize(proto::build_neighbour_request({.mac = mac(kNear), .address = router_ip("192.0.2.2")},
                                            router_ip("192.0.2.1"), std::nullopt, out));
  EXPECT_EQ(router.admit(0, out, kStart).outcome, Outcome::routed_local);
  Bytes frame = packet("203.0.113.9", "203.0.113.5");
  ASSERT_EQ(router.admit(0, frame, kStart).outcome, std::nullopt);
  ASSERT_EQ(router.send_on(routing.exit_of(0), frame), std::nullopt);
  EXPECT_EQ(proto::link_destination(frame), mac(kNear));
}

TEST_F(RouterTest, FramesOfItsOwnAreDirectedToTheNextHop) {
  Bytes frame = packet("192.0.2.2", "203.0.113.5");
  EXPECT_FALSE(router_.direct(1, frame));
  resolve();
  Bytes expected = frame;
  proto::set_link_addresses(expected, mac(kSecond), mac(kFar));
  EXPECT_TRUE(router_.direct(1, frame));
  EXPECT_EQ(test::difference(expected, frame), "") << "nothing but its addresses changes";
}

}  // namespace
}  // namespace weir::engine
