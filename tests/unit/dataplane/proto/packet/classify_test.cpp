#include "dataplane/proto/packet/classify.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/packet_builder.h"

namespace weir::proto {
namespace {

using test::Bytes;
using test::PacketBuilder;
using Kind = FastClassification::Kind;

PacketBuilder ip4() { return PacketBuilder().ethernet().ipv4("10.0.0.1", "10.0.0.2"); }
PacketBuilder ip6() { return PacketBuilder().ethernet().ipv6("2001:db8::1", "2001:db8::2"); }

// Any result but unknown must agree with the walk over the headers.
void expect_agreement(const Bytes& frame, const Encapsulations& wanted = {}) {
  const FastClassification classification = classify(frame, wanted);
  if (classification.kind == Kind::unknown) return;
  const PacketView view = parse_packet(frame, LinkType::ethernet, wanted);
  ASSERT_EQ(view.packet_class, classification.kind == Kind::udp ? PacketClass::udp : PacketClass::tcp);
  EXPECT_EQ(classification.kind == Kind::bare,
            view.packet_class == PacketClass::tcp && view.payload.empty() && (view.tcp.flags & kTcpSyn) == 0);
  EXPECT_EQ(classification.source(), view.source);
  EXPECT_EQ(classification.destination(), view.destination);
  EXPECT_EQ(classification.source_port, view.source_port);
  EXPECT_EQ(classification.destination_port, view.destination_port);
}

struct Row {
  std::string description;
  Bytes frame;
  Kind kind;
  Encapsulations wanted = {};
};

std::vector<Row> rows() {
  return {
      {"acknowledgement", ip4().tcp(40000, 80).flags("A").build(), Kind::bare},
      {"with link padding", ip4().tcp(40000, 80).flags("A").trailer(6).build(), Kind::bare},
      {"of IPv6", ip6().tcp(40000, 80).flags("A").build(), Kind::bare},
      {"with options", ip4().tcp(40000, 80).flags("A").tcp_options(Bytes(12)).build(), Kind::bare},
      {"the end", ip4().tcp(40000, 80).flags("FA").build(), Kind::bare},
      {"a reset", ip4().tcp(40000, 80).flags("R").build(), Kind::bare},
      {"one tag",
       PacketBuilder().ethernet().vlan(5).ipv4("10.0.0.1", "10.0.0.2").tcp(1, 2).flags("A").build(),
       Kind::bare},
      {"two tags",
       PacketBuilder()
           .ethernet()
           .vlan(5, 0x88a8)
           .vlan(6)
           .ipv6("2001:db8::1", "::2")
           .tcp(1, 2)
           .flags("A")
           .build(),
       Kind::bare},
      {"three tags",
       PacketBuilder().ethernet().vlan(5).vlan(6).vlan(7).ipv4("10.0.0.1", "10.0.0.2").tcp(1, 2).build(),
       Kind::unknown},
      {"a tag that is not wanted",
       PacketBuilder().ethernet().vlan(5).ipv4("10.0.0.1", "10.0.0.2").tcp(1, 2).build(), Kind::unknown,
       Encapsulations::all_but(Encapsulation::vlan)},
      {"data", ip4().tcp(40000, 80).flags("PA").payload("x").build(), Kind::tcp},
      {"a connection's first", ip4().tcp(40000, 80).flags("S").build(), Kind::tcp},
      {"and its answer", ip4().tcp(40000, 80).flags("SA").build(), Kind::tcp},
      {"UDP", ip4().udp(40000, 443).payload("x").build(), Kind::udp},
      {"UDP that may be a tunnel", ip4().udp(40000, 4789).payload("x").build(), Kind::unknown},
      {"UDP that may be VXLAN on its old port", ip4().udp(40000, 8472).payload("x").build(), Kind::unknown},
      {"UDP that may be MPLS", ip4().udp(40000, 6635).payload("x").build(), Kind::unknown},
      {"UDP that may be L2TP", ip4().udp(40000, 1701).payload("x").build(), Kind::unknown},
      {"UDP below every tunnel's port", ip4().udp(40000, 1700).payload("x").build(), Kind::udp},
      {"UDP between their ports", ip4().udp(40000, 5000).payload("x").build(), Kind::udp},
      {"UDP above them", ip4().udp(40000, 8473).payload("x").build(), Kind::udp},
      {"a tag of 802.1BR",
       PacketBuilder().ethernet().etag().ipv4("10.0.0.1", "10.0.0.2").tcp(1, 2).flags("A").build(),
       Kind::unknown},
      {"tag 0x9200",
       PacketBuilder().ethernet().vlan(5, 0x9200).ipv4("10.0.0.1", "10.0.0.2").tcp(1, 2).flags("A").build(),
       Kind::unknown},
      {"SNAP", PacketBuilder().ethernet().snap().ipv4("10.0.0.1", "10.0.0.2").tcp(1, 2).flags("A").build(),
       Kind::unknown},
      {"MLPPP", PacketBuilder().ethernet().pppoe().multilink().ipv4("10.0.0.1", "10.0.0.2").tcp(1, 2).build(),
       Kind::unknown},
      {"a tunnel that is not wanted", ip4().udp(40000, 4789).payload("x").build(), Kind::udp,
       Encapsulations::all_but(Encapsulation::vxlan)},
      {"IPv4 options", ip4().ip_options(Bytes(4)).tcp(1, 2).flags("A").build(), Kind::unknown},
      {"the first fragment", ip4().fragment(0, true).tcp(1, 2).flags("A").build(), Kind::unknown},
      {"a later fragment", ip4().fragment(8, false).tcp(1, 2).flags("A").build(), Kind::unknown},
      {"an extension header", ip6().hop_by_hop().tcp(1, 2).flags("A").build(), Kind::unknown},
      {"no length", ip4().length(0).tcp(1, 2).flags("A").build(), Kind::unknown},
      {"shorter than it says", ip4().length(41).tcp(1, 2).flags("A").build(), Kind::unknown},
      {"a header that ends in the middle", ip4().length(39).tcp(1, 2).flags("A").build(), Kind::unknown},
      {"a header longer than the packet", ip4().tcp(1, 2).flags("A").header_words(6).build(), Kind::unknown},
      {"a header shorter than its least", ip4().tcp(1, 2).flags("A").header_words(4).build(), Kind::unknown},
      {"IPv6 under IPv4's type",
       PacketBuilder().ethernet().ethertype(0x0800).ipv6("::1", "::2").tcp(1, 2).build(), Kind::unknown},
      {"GRE", ip4().gre().ipv4("10.0.0.3", "10.0.0.4").tcp(1, 2).flags("A").build(), Kind::unknown},
      {"ARP", PacketBuilder().ethernet().arp_request("10.0.0.1", "10.0.0.2").build(), Kind::unknown},
      {"nothing", {}, Kind::unknown},
  };
}

TEST(FastClassification, KnowsTheUsualFrames) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.description);
    EXPECT_EQ(classify(row.frame, row.wanted).kind, row.kind);
    expect_agreement(row.frame, row.wanted);
  }
}

TEST(FastClassification, AgreesWithTheWalkOverFramesCutAnywhere) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.description);
    for (std::size_t size = 0; size <= row.frame.size(); ++size) {
      expect_agreement(Bytes(row.frame.begin(), row.frame.begin() + static_cast<std::ptrdiff_t>(size)),
                       row.wanted);
    }
  }
}

TEST(FastClassification, AgreesWithTheWalkOverDamagedFrames) {
  std::mt19937 random(1);
  const auto all = rows();
  std::size_t told = 0;
  for (int round = 0; round < 200'000; ++round) {
    const Row& row = all[random() % all.size()];
    Bytes frame = row.frame;
    for (unsigned changes = random() % 4; changes > 0 && !frame.empty(); --changes) {
      frame[random() % frame.size()] = static_cast<std::byte>(random());
    }
    expect_agreement(frame, row.wanted);
    if (HasFatalFailure()) return;
    if (classify(frame, row.wanted).kind != Kind::unknown) ++told;
  }
  EXPECT_GT(told, 20'000U) << "most of what was compared says nothing";
}

}  // namespace
}  // namespace weir::proto
