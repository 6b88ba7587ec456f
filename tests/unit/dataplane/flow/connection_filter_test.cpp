#include "dataplane/flow/connection_filter.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/packet_builder.h"

namespace weir::flow {
namespace {

using test::Bytes;

Bytes acknowledgement(std::uint16_t port, bool is_v6) {
  test::PacketBuilder builder;
  builder.ethernet();
  if (is_v6) {
    builder.ipv6("2001:db8::1", "2001:db8::2");
  } else {
    builder.ipv4("10.0.0.1", "10.0.0.2");
  }
  return builder.tcp(port, 80).flags("A").build();
}

bool may_hold(const ConnectionFilter& filter, const Bytes& frame) {
  return filter.may_hold(proto::classify(frame, {}));
}

FlowKey key_of(const Bytes& frame) {
  return flow_key_of(proto::parse_packet(frame, proto::LinkType::ethernet));
}

TEST(ConnectionFilter, HoldsWhatWasAddedUntilItIsRemoved) {
  constexpr std::uint16_t kConnections = 2000;
  for (const bool is_v6 : {false, true}) {
    SCOPED_TRACE(is_v6 ? "IPv6" : "IPv4");
    ConnectionFilter filter;
    std::vector<Bytes> frames;
    for (std::uint16_t port = 1; port <= kConnections; ++port) frames.push_back(acknowledgement(port, is_v6));
    for (const Bytes& frame : frames) EXPECT_FALSE(may_hold(filter, frame)) << "empty";
    for (const Bytes& frame : frames) filter.add(key_of(frame));
    for (const Bytes& frame : frames) EXPECT_TRUE(may_hold(filter, frame));
    // Others share places with these: the bit stays as long as one of them is there.
    for (std::size_t i = 0; i < frames.size(); ++i) {
      for (std::size_t left = i; left < frames.size(); left += 97)
        EXPECT_TRUE(may_hold(filter, frames[left]));
      filter.remove(key_of(frames[i]));
    }
    for (const Bytes& frame : frames) EXPECT_FALSE(may_hold(filter, frame)) << "empty again";
  }
}

TEST(ConnectionFilter, TellsMostConnectionsApart) {
  ConnectionFilter filter;
  for (std::uint16_t port = 1; port <= 160; ++port) filter.add(key_of(acknowledgement(port, false)));
  int wrong = 0;
  for (std::uint16_t port = 1000; port < 11000; ++port)
    wrong += may_hold(filter, acknowledgement(port, false));
  EXPECT_LT(wrong, 1000) << "one in a hundred of its places is taken";
}

TEST(ConnectionFilter, CountsAConnectionAsOftenAsItWasAdded) {
  ConnectionFilter filter;
  const Bytes frame = acknowledgement(1, false);
  filter.add(key_of(frame));
  filter.add(key_of(frame));
  filter.remove(key_of(frame));
  EXPECT_TRUE(may_hold(filter, frame));
  filter.remove(key_of(frame));
  EXPECT_FALSE(may_hold(filter, frame));
}

}  // namespace
}  // namespace weir::flow
