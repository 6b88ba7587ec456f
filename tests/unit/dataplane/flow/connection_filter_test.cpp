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
  struct Case {
    std::uint32_t connections;
    int most_wrong;  // of 20 000
  };
  for (const auto& [connections, most_wrong] : {Case{6000, 20}, Case{100'000, 800}}) {
    SCOPED_TRACE(connections);
    ConnectionFilter filter;
    FlowKey key = key_of(acknowledgement(1, false));
    const auto number = [&key](std::uint32_t i) {
      for (std::size_t byte = 0; byte < 3; ++byte)
        key.source.bytes[byte + 1] = static_cast<std::byte>(i >> (8 * byte));
      key.source_port = static_cast<std::uint16_t>(30000 + i % 97);
      return key;
    };
    for (std::uint32_t i = 0; i < connections; ++i) filter.add(number(i));
    int wrong = 0;
    for (std::uint32_t i = 1'000'000; i < 1'020'000; ++i)
      wrong += static_cast<int>(filter.may_hold(number(i)));
    EXPECT_LT(wrong, most_wrong);
  }
}

TEST(ConnectionFilter, ReadsAFrameAndAKeyAlike) {
  for (const bool is_v6 : {false, true}) {
    ConnectionFilter filter(16);
    const Bytes frame = acknowledgement(7, is_v6);
    filter.add(key_of(frame));
    EXPECT_TRUE(may_hold(filter, frame));
    EXPECT_TRUE(filter.may_hold(key_of(frame)));
  }
}

TEST(ConnectionFilter, NeverLosesAConnectionWhoseCountsAreFull) {
  ConnectionFilter filter(16);
  const Bytes frame = acknowledgement(1, false);
  for (int i = 0; i < 400; ++i) filter.add(key_of(frame));
  for (int i = 0; i < 399; ++i) filter.remove(key_of(frame));
  EXPECT_TRUE(may_hold(filter, frame));
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
