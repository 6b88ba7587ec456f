#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/proto/packet/packet_view.h"
#include "tests/support/packet_builder.h"

namespace weir::proto {
namespace {

using test::Bytes;
using test::from_hex;
using test::PacketBuilder;

PacketBuilder eth() { return PacketBuilder().ethernet(); }
PacketBuilder outer4() { return eth().ipv4("198.51.100.1", "198.51.100.2"); }
PacketBuilder outer6() { return eth().ipv6("2001:db8:f::1", "2001:db8:f::2"); }
PacketBuilder in4(PacketBuilder around) { return around.ipv4("10.0.0.1", "192.0.2.1").tcp(40000, 80); }
PacketBuilder in6(PacketBuilder around) { return around.ipv6("2001:db8::1", "2001:db8::2").tcp(40000, 80); }

/// One way to encapsulate a packet, the switch for it, and the class of the packet when it is off.
struct EncapsulationCase {
  std::string name;
  PacketBuilder around;
  Encapsulation encapsulation;
  PacketClass without;
  std::uint8_t tunnels;
};

std::vector<EncapsulationCase> encapsulations() {
  const auto e = [](std::string name, PacketBuilder around, Encapsulation encapsulation, PacketClass without,
                    std::uint8_t tunnels = 1) {
    return EncapsulationCase{std::move(name), std::move(around), encapsulation, without, tunnels};
  };
  using E = Encapsulation;
  constexpr auto kNotIp = PacketClass::not_ip;
  constexpr auto kOther = PacketClass::other;
  constexpr auto kUdp = PacketClass::udp;
  return {
      e("802.1Q", eth().vlan(5), E::vlan, kNotIp, 0),
      e("QinQ", eth().vlan(7, 0x88a8).vlan(5), E::vlan, kNotIp, 0),
      e("tag 0x9100", eth().vlan(7, 0x9100).vlan(5), E::vlan, kNotIp, 0),
      e("tag 0x9200", eth().vlan(7, 0x9200), E::vlan, kNotIp, 0),
      e("tag 0x9300", eth().vlan(7, 0x9300).vlan(5), E::vlan, kNotIp, 0),
      e("802.1BR", eth().etag(), E::vlan, kNotIp, 0),
      e("802.1BR before a tag", eth().etag().vlan(5), E::vlan, kNotIp, 0),
      e("SNAP", eth().snap(), E::llc, kNotIp, 0),
      e("SNAP after a tag", eth().vlan(5).snap(), E::llc, kNotIp, 0),
      e("SNAP before a tag", eth().snap().vlan(5), E::llc, kNotIp, 0),
      e("MLPPP", eth().pppoe().multilink(), E::pppoe, kNotIp, 0),
      e("MLPPP, short numbers", eth().pppoe().multilink(PacketBuilder::Numbers::are_short), E::pppoe, kNotIp,
        0),
      e("PPPoE", eth().pppoe(), E::pppoe, kNotIp, 0),
      e("PPPoE, short protocol", eth().pppoe(7, true), E::pppoe, kNotIp, 0),
      e("PPPoE over QinQ", eth().vlan(7, 0x88a8).vlan(5).pppoe(), E::pppoe, kNotIp, 0),
      e("PPPoE, a length that is too short", eth().pppoe().length(4), E::pppoe, kNotIp, 0),
      e("PPPoE, a length that is too long", eth().pppoe().length(60000), E::pppoe, kNotIp, 0),
      e("MPLS", eth().mpls(100), E::mpls, kNotIp),
      e("MPLS, multicast type", eth().ethertype(0x8848).mpls(100), E::mpls, kNotIp),
      e("MPLS, four labels", eth().mpls(100).mpls(200).mpls(7).mpls(300000), E::mpls, kNotIp),
      e("MPLS over PPPoE", eth().pppoe().mpls(100), E::mpls, kNotIp),
      e("MPLS with Ethernet", eth().mpls(100).ethernet(), E::mpls, kNotIp),
      e("MPLS with a control word", eth().mpls(100).control_word().ethernet(), E::mpls, kNotIp),
      e("MPLS, a MAC address that looks like IPv4",
        eth().mpls(100).ethernet(test::kClientMac, "45:00:00:00:00:02"), E::mpls, kNotIp),
      e("MPLS, a MAC address that looks like IPv6",
        eth().mpls(100).ethernet(test::kClientMac, "62:00:00:00:00:02"), E::mpls, kNotIp),
      e("MPLS, a MAC address that looks like nothing",
        eth().mpls(100).ethernet(test::kClientMac, "c2:00:00:00:00:02"), E::mpls, kNotIp),
      e("MPLS over IPv4", outer4().mpls(100), E::mpls, kOther),
      e("GRE", outer4().gre(), E::gre, kOther),
      e("GRE over IPv6", outer6().gre(), E::gre, kOther),
      e("GRE with a checksum", outer4().gre("C"), E::gre, kOther),
      e("GRE with a key", outer4().gre("K"), E::gre, kOther),
      e("GRE with everything", outer4().gre("CKS"), E::gre, kOther),
      e("GRE with Ethernet", outer4().gre().ethernet(), E::gre, kOther),
      e("NVGRE", outer4().gre("K").ethernet(), E::gre, kOther),
      e("GRE with tagged Ethernet", outer4().gre().ethernet().vlan(5), E::gre, kOther),
      e("GRE with MPLS", outer4().gre().mpls(100), E::gre, kOther, 2),
      e("GRE in UDP", outer4().gre_in_udp(), E::gre, kUdp),
      e("GRE in UDP, Ethernet", outer6().gre_in_udp().ethernet(), E::gre, kUdp),
      e("EtherIP", outer4().etherip().ethernet(), E::etherip, kOther),
      e("EtherIP over IPv6", outer6().etherip().ethernet().vlan(3), E::etherip, kOther),
      e("IP in IPv4", outer4(), E::ip_in_ip, kOther),
      e("IP in IPv6", outer6(), E::ip_in_ip, kOther),
      e("IP after IPv6 extension headers", outer6().destination_options(), E::ip_in_ip, kOther),
      e("GTP-U", outer4().gtp_u(), E::gtp_u, kUdp),
      e("GTP-U over IPv6", outer6().gtp_u(), E::gtp_u, kUdp),
      e("GTP-U with one extension header", outer4().gtp_u(std::vector<std::uint8_t>{1}), E::gtp_u, kUdp),
      e("GTP-U with three", outer4().gtp_u(std::vector<std::uint8_t>{1, 2, 60}), E::gtp_u, kUdp),
      e("GTP-U, a length that is too short", outer4().gtp_u().length(1), E::gtp_u, kUdp),
      e("GTP-U, a length that is too long", outer4().gtp_u().length(60000), E::gtp_u, kUdp),
      e("VXLAN", outer4().vxlan().ethernet(), E::vxlan, kUdp),
      e("VXLAN over IPv6", outer6().vxlan(0xffffff).ethernet().vlan(5), E::vxlan, kUdp),
      e("MPLS over UDP", outer4().udp(50000, 6635).mpls(100).mpls(200), E::mpls, kUdp),
      e("MPLS over UDP, Ethernet", outer6().udp(50000, 6635).mpls(786431).ethernet(), E::mpls, kUdp),
      e("VXLAN on its old port", outer4().vxlan(1, 8472).ethernet(), E::vxlan, kUdp),
      e("L2TP", outer4().l2tp(), E::l2tp, kUdp),
      e("L2TP with a length", outer4().l2tp("L"), E::l2tp, kUdp),
      e("L2TP with everything", outer6().l2tp("LSO"), E::l2tp, kUdp),
      e("L2TP, MLPPP", outer4().l2tp("L").multilink(), E::l2tp, kUdp),
      e("Geneve", outer4().geneve().ethernet(), E::geneve, kUdp),
      e("Geneve with options, no Ethernet", outer4().geneve(63), E::geneve, kUdp),
  };
}

TEST(Encapsulation, IsLookedIntoUnlessSwitchedOff) {
  for (const EncapsulationCase& row : encapsulations()) {
    for (const bool v6 : {false, true}) {
      SCOPED_TRACE(row.name + (v6 ? ", IPv6 inside" : ", IPv4 inside"));
      const Bytes frame = (v6 ? in6(row.around) : in4(row.around)).payload("hello").trailer(4).build();
      const PacketView view = parse_packet(frame, LinkType::ethernet);
      ASSERT_EQ(view.packet_class, PacketClass::tcp);
      EXPECT_EQ(test::to_text(view.payload), "hello");
      EXPECT_EQ(view.source.is_v6, v6);
      EXPECT_EQ(view.destination_port, 80);
      EXPECT_EQ(view.ip_offset, frame.size() - 4 - 5 - 20 - (v6 ? 40 : 20)) << "the innermost IP header";
      EXPECT_EQ(view.transport_offset, frame.size() - 4 - 5 - 20);
      EXPECT_EQ(view.tunnels, row.tunnels);

      const PacketView without =
          parse_packet(frame, LinkType::ethernet, Encapsulations::all_but(row.encapsulation));
      EXPECT_EQ(without.packet_class, row.without);
      EXPECT_LT(without.ip_offset, view.ip_offset);
    }
  }
}

TEST(Encapsulation, PptpHoldsPpp) {
  for (const bool acknowledges : {false, true}) {
    const Bytes frame = in4(outer4().pptp_gre(acknowledges)).payload("hello").build();
    EXPECT_EQ(test::to_text(parse_packet(frame, LinkType::ethernet).payload), "hello");
    EXPECT_EQ(
        parse_packet(frame, LinkType::ethernet, Encapsulations::all_but(Encapsulation::gre)).packet_class,
        PacketClass::other);
  }
}

TEST(Encapsulation, LlcWithTheAccessPointOfIp) {
  const Bytes header = from_hex("060603");
  const Bytes frame = in4(eth().length_field().raw(header)).payload("hello").trailer(3).build();
  EXPECT_EQ(test::to_text(parse_packet(frame, LinkType::ethernet).payload), "hello");
  const Bytes v6 = in6(eth().length_field().raw(header)).payload("hello").build();
  EXPECT_EQ(parse_packet(v6, LinkType::ethernet).packet_class, PacketClass::not_ip) << "it is IPv4's alone";
}

TEST(Encapsulation, StacksInAnyOrder) {
  const auto depth = [](PacketBuilder around) {
    const Bytes frame = in4(std::move(around)).payload("hello").build();
    const PacketView view = parse_packet(frame, LinkType::ethernet);
    EXPECT_EQ(test::to_text(view.payload), "hello");
    return unsigned{view.tunnels};
  };
  EXPECT_EQ(depth(eth().vlan(1, 0x88a8).vlan(2).pppoe().ipv6("::1", "::2").gre("K").ethernet().vlan(3)), 1U);
  EXPECT_EQ(depth(eth().mpls(1).control_word().ethernet().vlan(2).pppoe()), 1U);
  EXPECT_EQ(depth(outer4().vxlan().ethernet().ipv6("::1", "::2").vxlan().ethernet().pppoe()), 2U);
  EXPECT_EQ(depth(eth().mpls(1).mpls(2).ipv4("10.1.1.1", "10.1.1.2").gtp_u().ipv6("::1", "::2")), 3U);
  EXPECT_EQ(depth(outer6().ipv4("10.1.1.1", "10.1.1.2").gre().ipv6("::1", "::2")), 3U);
  EXPECT_EQ(depth(eth().pppoe().ipv4("10.1.1.1", "10.1.1.2").gre().ethernet().pppoe()), 2U)
      << "a second PPPoE header is a tunnel";
}

// A wrong guess must leave nothing in the view: here a PPPoE header, which would limit the payload.
TEST(Encapsulation, AWrongGuessLeavesNothing) {
  // Read as IPv6: EtherIP with PPPoE and ICMP inside. Read as Ethernet: IPv4 and UDP.
  const test::Bytes both = from_hex(
      "60000000 002c 6140 00000000 0800"
      "4500 0046 0000 0000 4011 0000 0a000001 0a000002 9c40 0035 0032 3000"
      "020000000002 020000000001 8864 1100 0007 0016 0021"
      "4500 0014 0000 0000 4001 0000 0a010101 0a010102");
  const test::Bytes frame = PacketBuilder().ethernet().mpls(3).payload(both).build();
  const PacketView view = parse_packet(frame, LinkType::ethernet);
  EXPECT_EQ(view.packet_class, PacketClass::udp);
  EXPECT_EQ(view.destination_port, 53);
  EXPECT_EQ(view.pppoe_offset, 0U);
  EXPECT_EQ(view.tunnels, 1U);
}

TEST(Encapsulation, DepthIsBounded) {
  PacketBuilder deep = eth();
  for (int i = 0; i < 17; ++i) deep.ipv4("10.1.1.1", "10.1.1.2");
  const Bytes seventeen = PacketBuilder(deep).tcp(1, 80).payload("hello").build();
  EXPECT_EQ(parse_packet(seventeen, LinkType::ethernet).packet_class, PacketClass::tcp);
  EXPECT_EQ(parse_packet(seventeen, LinkType::ethernet).tunnels, 16);
  const Bytes eighteen = deep.ipv4("10.1.1.1", "10.1.1.2").tcp(1, 80).payload("hello").build();
  const PacketView view = parse_packet(eighteen, LinkType::ethernet);
  EXPECT_EQ(view.packet_class, PacketClass::other) << "what is deeper is classified by what is around it";
  EXPECT_EQ(view.tunnels, 16);
}

/// Wrong guesses: the result is that of the outer headers, with all their fields.
TEST(Encapsulation, WhatDoesNotParseIsTheOuterPacket) {
  struct Guess {
    std::string name;
    Bytes frame;
    PacketClass expected;
    std::string payload;
  };
  const std::string quic_hello = "\xc8" + std::string(40, 'q');
  const Bytes bad_inner = PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").length(9000).tcp(1, 2).build();
  const std::string bad(test::to_text(bad_inner));
  const auto udp = [](std::uint16_t port, const std::string& payload) {
    return outer4().udp(1234, port).payload(payload).build();
  };
  constexpr auto kNotIp = PacketClass::not_ip;
  constexpr auto kOther = PacketClass::other;
  constexpr auto kUdp = PacketClass::udp;
  // Version 1 in the place of GRE's flags: PPTP, but for the routing bit.
  const std::string quic_like_pptp =
      std::string("\xc0\x01\x88\x0b\0\0\0\0\0\x21", 10) +
      std::string(test::to_text(PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").tcp(1, 2).build()));
  // A version of 0x00000145 in the place of a label, its end and an IPv4 header after it.
  const std::string inner_ip(test::to_text(PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").tcp(1, 2).build()));
  const std::string quic_like_mpls = std::string("\xc0\0\1\x40", 4) + inner_ip;
  const std::string l2tp_control = std::string("\xc8\x02\0\x14\0\0\0\0\0\0\0\0\0\x21", 14) + inner_ip;
  const std::string l2tp_v3 = std::string("\0\x03\0\7\0\x09\0\x21", 8) + inner_ip;
  const auto llc = [&inner_ip](const std::string& header) {
    return eth().length_field().payload(std::string(test::to_text(from_hex(header))) + inner_ip).build();
  };
  const auto mlppp = [&inner_ip](const std::string& header) {
    const std::string ppp(test::to_text(from_hex("1100 0007 0030 003d" + header)));
    return eth().ethertype(0x8864).payload(ppp + inner_ip).build();
  };
  const std::string vxlan_header("\x08\0\0\0\0\0\1\0", 8);
  const std::string gtp_header("\x30\xff\0\x28\0\0\0\1", 8);
  const std::string mac_and_ip = std::string(12, 'm') + std::string("\x08\0", 2);
  const std::vector<Guess> rows{
      {"PPPoE with LCP", eth().pppoe().payload("lcp").build(), kNotIp, ""},
      {"PPPoE discovery", eth().ethertype(0x8863).payload("padi").build(), kNotIp, ""},
      {"PPPoE cut short", eth().ethertype(0x8864).payload(from_hex("1100 0007 00")).build(), kNotIp, ""},
      {"PPPoE of another code", eth().ethertype(0x8864).payload(from_hex("11a7 0007 0000 0021")).build(),
       kNotIp, ""},
      {"PPPoE with broken IP", eth().pppoe().payload(bad).build(), kNotIp, ""},
      {"MPLS without a bottom", eth().ethertype(0x8847).payload(from_hex("00064040 00064040")).build(),
       kNotIp, ""},
      {"MPLS with broken IP", eth().mpls(3).payload(bad).build(), kNotIp, ""},
      {"MPLS with nothing", eth().mpls(3).build(), kNotIp, ""},
      {"GRE of version 2", outer4().protocol(47).payload(from_hex("0002 0800")).build(), kOther,
       std::string(test::to_text(from_hex("0002 0800")))},
      {"GRE cut short", outer4().protocol(47).payload(from_hex("b000 0800 0000")).build(), kOther,
       std::string(test::to_text(from_hex("b000 0800 0000")))},
      {"IP in IP, broken", outer4().protocol(4).payload(bad).build(), kOther, bad},
      {"IPv4 said to be IPv6", outer4().protocol(41).payload(bad).build(), kOther, bad},
      {"IP in IP, nothing", outer4().protocol(4).build(), kOther, ""},
      {"EtherIP of another version", outer4().protocol(97).payload(mac_and_ip).build(), kOther, mac_and_ip},
      {"QUIC on VXLAN's port", udp(4789, quic_hello), kUdp, quic_hello},
      {"QUIC on GTP-U's port", udp(2152, quic_hello), kUdp, quic_hello},
      {"QUIC on GRE's port", udp(4754, quic_hello), kUdp, quic_hello},
      {"QUIC on GRE's port that would be PPTP", udp(4754, quic_like_pptp), kUdp, quic_like_pptp},
      {"QUIC on Geneve's port", udp(6081, quic_hello), kUdp, quic_hello},
      {"QUIC on VXLAN's old port", udp(8472, quic_hello), kUdp, quic_hello},
      {"QUIC on L2TP's port", udp(1701, quic_hello), kUdp, quic_hello},
      {"QUIC on MPLS's port", udp(6635, quic_hello), kUdp, quic_hello},
      {"QUIC on MPLS's port that would be MPLS", udp(6635, quic_like_mpls), kUdp, quic_like_mpls},
      {"nothing on MPLS's port", udp(6635, ""), kUdp, ""},
      {"L2TP, a control message", udp(1701, l2tp_control), kUdp, l2tp_control},
      {"L2TP of version 3", udp(1701, l2tp_v3), kUdp, l2tp_v3},
      {"L2TP cut short", udp(1701, l2tp_v3.substr(0, 7)), kUdp, l2tp_v3.substr(0, 7)},
      {"SNAP of another organisation", llc("aaaa03 00000c 0800"), kNotIp, ""},
      {"SNAP with another length in the place of a type", llc("aaaa03 000000 05dc"), kNotIp, ""},
      {"SNAP with numbered frames", llc("aaaa00 000000 0800"), kNotIp, ""},
      {"SNAP, nothing", eth().length_field().payload(from_hex("aaaa03 000000 08")).build(), kNotIp, ""},
      {"LLC of nobody", llc("424203"), kNotIp, ""},
      {"MLPPP, the first of several fragments", mlppp("80 000001 0021"), kNotIp, ""},
      {"MLPPP, the last one", mlppp("40 000001 0021"), kNotIp, ""},
      {"MLPPP, nothing", mlppp("c0 0000"), kNotIp, ""},
      {"VXLAN cut short", udp(4789, vxlan_header.substr(0, 7)), kUdp, vxlan_header.substr(0, 7)},
      {"VXLAN with ARP", udp(4789, vxlan_header + std::string(12, 'm') + "\x08\x06" + "arp"), kUdp,
       vxlan_header + std::string(12, 'm') + "\x08\x06" + "arp"},
      {"VXLAN with broken IP", udp(4789, vxlan_header + mac_and_ip + bad), kUdp,
       vxlan_header + mac_and_ip + bad},
      {"VXLAN without its flag", udp(4789, std::string(8, '\0') + mac_and_ip + bad), kUdp,
       std::string(8, '\0') + mac_and_ip + bad},
      {"GTP-U with broken IP", udp(2152, gtp_header + bad), kUdp, gtp_header + bad},
      {"GTP-U, echo request", udp(2152, std::string("\x32\1\0\4\0\0\0\0\0\0\0\0", 12)), kUdp,
       std::string("\x32\1\0\4\0\0\0\0\0\0\0\0", 12)},
      {"GTP-U, an extension header of no length",
       udp(2152, std::string("\x34\xff\0\4\0\0\0\0\0\0\0\x85\0\0\0\0", 16)), kUdp,
       std::string("\x34\xff\0\4\0\0\0\0\0\0\0\x85\0\0\0\0", 16)},
      {"GTP-U from its port to another", outer4().udp(2152, 9999).payload(gtp_header + bad).build(), kUdp,
       gtp_header + bad},
      {"GRE in GRE, broken inside: the inner packet's headers count",
       outer4().gre().ipv4("10.0.0.1", "192.0.2.1").protocol(47).payload("xy").build(), kOther, "xy"},
  };
  for (const Guess& row : rows) {
    SCOPED_TRACE(row.name);
    const PacketView view = parse_packet(row.frame, LinkType::ethernet);
    EXPECT_EQ(view.packet_class, row.expected);
    EXPECT_EQ(test::to_text(view.payload), row.payload);
    if (row.expected == kUdp) {
      EXPECT_EQ(view.source, parse_packet(outer4().build(), LinkType::ethernet).source);
      EXPECT_NE(view.source_port, 0);
      EXPECT_EQ(view.tunnels, 0);
      EXPECT_EQ(view.ip_offset, 14U);
    }
  }
}

/// A cut packet is never anything but what its outer headers say.
TEST(Encapsulation, EveryTruncationFallsBackToTheOuterHeaders) {
  for (const EncapsulationCase& row : encapsulations()) {
    SCOPED_TRACE(row.name);
    if (row.name.find("looks like IPv") != std::string::npos) continue;  // a cut one may be either
    const Bytes whole = in4(row.around).payload("hello").build();
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      const auto cut = parse_packet(part, LinkType::ethernet).packet_class;
      ASSERT_TRUE(cut == PacketClass::malformed || cut == PacketClass::not_ip) << size << " bytes";
    }
  }
}

TEST(Encapsulation, FragmentsInsideAreFragments) {
  const Bytes inner =
      outer4().gre().ipv4("10.0.0.1", "192.0.2.1").fragment(16, true, 77).payload("x").build();
  const PacketView view = parse_packet(inner, LinkType::ethernet);
  EXPECT_EQ(view.packet_class, PacketClass::fragment);
  EXPECT_EQ(view.fragment.identification, 77U);
  EXPECT_EQ(view.fragment.offset, 16);
  EXPECT_TRUE(view.fragment.more);
  EXPECT_EQ(view.tunnels, 1);
  const Bytes v6 = eth().ipv6("::1", "::2").fragment(65528, false, 0xdeadbeef).payload("x").build();
  const PacketView last = parse_packet(v6, LinkType::ethernet);
  EXPECT_EQ(last.fragment.identification, 0xdeadbeefU);
  EXPECT_EQ(last.fragment.offset, 65528);
  EXPECT_FALSE(last.fragment.more);
}

TEST(ParseReassembled, KeepsWhatAnswersNeed) {
  const Bytes frame = eth().pppoe().ipv4("10.0.0.1", "192.0.2.1").tcp(1, 80).payload("hello").build();
  const PacketView whole = parse_packet(frame, LinkType::ethernet);
  PacketView fragment;
  fragment.ip_offset = whole.ip_offset;
  fragment.pppoe_offset = whole.pppoe_offset;
  const PacketView same = parse_reassembled(fragment, frame, whole.ip_offset);
  EXPECT_EQ(same.packet_class, PacketClass::tcp);
  EXPECT_EQ(same.ip_offset, whole.ip_offset);
  EXPECT_EQ(same.pppoe_offset, whole.pppoe_offset);
  EXPECT_EQ(same.tunnels, 0);
  EXPECT_TRUE(same.link_kept);
  EXPECT_EQ(test::to_text(same.payload), "hello");
  const auto packet = std::span(frame).subspan(whole.ip_offset);
  const PacketView bare = parse_reassembled(fragment, packet, 0);
  EXPECT_EQ(bare.packet_class, PacketClass::tcp);
  EXPECT_FALSE(bare.link_kept) << "without its link header it cannot be answered";
  EXPECT_EQ(parse_reassembled(fragment, packet, 4000).packet_class, PacketClass::malformed);
}

}  // namespace
}  // namespace weir::proto
