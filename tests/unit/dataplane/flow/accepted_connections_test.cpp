#include "dataplane/flow/accepted_connections.h"

#include <chrono>
#include <cstdint>

#include <gtest/gtest.h>

namespace weir::flow {
namespace {

using std::chrono::seconds;

FlowKey client(std::uint16_t port, bool is_v6 = false) {
  FlowKey key;
  key.source_port = port;
  key.destination_port = 80;
  key.ip_protocol = 6;
  key.source.bytes[0] = std::byte{10};
  key.destination.bytes[0] = std::byte{192};
  key.source.is_v6 = key.destination.is_v6 = is_v6;
  return key;
}

TEST(AcceptedConnections, AnAcknowledgementOfWhatTheServerSentFits) {
  constexpr std::uint32_t kReceived = AcceptedConnections::kReceivedBytes;
  for (const bool is_v6 : {false, true}) {
    for (const std::uint32_t first : {0U, 1U, 1000U, 0xffffff00U, 0xffffffffU}) {
      AcceptedConnections accepted(16);
      accepted.add(client(1, is_v6), first, seconds(0));
      const auto fits = [&](std::uint32_t acknowledgement) {
        return accepted.may_acknowledge(client(1, is_v6), acknowledgement, seconds(1));
      };
      EXPECT_TRUE(fits(first)) << first;
      EXPECT_TRUE(fits(first + kReceived - 1)) << first;
      EXPECT_FALSE(fits(first + kReceived)) << first;
      EXPECT_FALSE(fits(first - 1)) << first;
      EXPECT_FALSE(accepted.may_acknowledge(client(1, !is_v6), first, seconds(1))) << first;
    }
  }
}

TEST(AcceptedConnections, ALaterAcceptanceOfThePortCounts) {
  AcceptedConnections accepted(16);
  accepted.add(client(1), 100, seconds(0));
  accepted.add(client(1), 100, seconds(0));
  accepted.add(client(1), 0x80000000, seconds(1));
  EXPECT_TRUE(accepted.may_acknowledge(client(1), 0x80000000, seconds(1)));
  EXPECT_FALSE(accepted.may_acknowledge(client(1), 100, seconds(1)));
}

TEST(AcceptedConnections, WithoutSynAcksForAMinuteEveryAcknowledgementFits) {
  AcceptedConnections accepted(16);
  EXPECT_TRUE(accepted.may_acknowledge(client(1), 5, seconds(0)));
  accepted.add(client(2), 100, seconds(1000));
  EXPECT_FALSE(accepted.may_acknowledge(client(1), 5, seconds(1000)));
  EXPECT_FALSE(accepted.may_acknowledge(client(1), 5, seconds(1059)));
  EXPECT_TRUE(accepted.may_acknowledge(client(1), 5, seconds(1060)));
  EXPECT_FALSE(accepted.may_acknowledge(client(2), 5, seconds(1060))) << "that one is known";
}

TEST(AcceptedConnections, MostAreStillKnownWhenAsManyAgainHaveCome) {
  constexpr std::uint16_t kConnections = 4096;
  AcceptedConnections accepted(kConnections);
  std::uint32_t known = 0;
  for (std::uint16_t port = 0; port < 2 * kConnections; ++port) {
    accepted.add(client(port), port, seconds(0));
    if (port < kConnections) continue;
    const auto before = static_cast<std::uint16_t>(port - kConnections);
    known += accepted.may_acknowledge(client(before), before, seconds(0)) ? 1 : 0;
  }
  EXPECT_GT(known, kConnections * 85 / 100);
}

}  // namespace
}  // namespace weir::flow
