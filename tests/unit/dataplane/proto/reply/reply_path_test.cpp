#include "dataplane/proto/reply/reply_path.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/proto/reply/tcp_reply.h"
#include "dataplane/proto/reply/udp_reply.h"
#include "tests/support/frame_check.h"
#include "tests/support/packet_builder.h"

namespace weir::proto {
namespace {

using base::Towards;
using test::Bytes;
using test::from_hex;
using test::PacketBuilder;

constexpr std::string_view kA = test::kClientMac;
constexpr std::string_view kB = test::kServerMac;
constexpr std::string_view kC = "02:00:00:00:0c:01";  // inside tunnels
constexpr std::string_view kD = "02:00:00:00:0d:01";
constexpr std::uint32_t kSequence = 0x00021234;
constexpr std::uint16_t kId =
    0x1236;  // identification of every IPv4 header of a reply with that sequence number

PacketBuilder to_server() { return PacketBuilder().ethernet(kA, kB); }
PacketBuilder to_client() { return PacketBuilder().ethernet(kB, kA); }
PacketBuilder out4() { return to_server().ipv4("198.51.100.1", "198.51.100.2").ip_id(kId); }
PacketBuilder back4() { return to_client().ipv4("198.51.100.2", "198.51.100.1").ip_id(kId); }
PacketBuilder out6() { return to_server().ipv6("2001:db8:f::1", "2001:db8:f::2"); }
PacketBuilder back6() { return to_client().ipv6("2001:db8:f::2", "2001:db8:f::1"); }
Bytes vxlan_header() { return from_hex("08000000 00abcd00"); }
PacketBuilder vxlan(PacketBuilder outer, bool checksum) {
  outer.udp(50123, 4789);
  if (!checksum) outer.checksum(0);
  return outer.raw(vxlan_header());
}

struct Row {
  std::string what;
  PacketBuilder seen;  // the headers around the packet
  PacketBuilder client;
  PacketBuilder server;
};

std::vector<Row> known_ways() {
  return {
      {"IP in IPv4", out4().ttl(3), back4(), out4()},
      {"IP in IPv4 with options", out4().ip_options(from_hex("01010101")), back4(), out4()},
      {"IP in IPv6", out6(), back6(), out6()},
      {"IP in IPv6 with the option that bounds nesting", out6().destination_options(), back6(), out6()},
      {"IP in IPv6 with hop-by-hop and an atomic fragment", out6().hop_by_hop().fragment(0, false), back6(),
       out6()},
      {"three deep", out4().ipv6("::1", "::2").ipv4("192.0.2.7", "192.0.2.8").ip_id(kId),
       back4().ipv6("::2", "::1").ipv4("192.0.2.8", "192.0.2.7").ip_id(kId),
       out4().ipv6("::1", "::2").ipv4("192.0.2.7", "192.0.2.8").ip_id(kId)},
      {"GRE", out4().gre(), back4().gre(), out4().gre()},
      {"GRE over IPv6", out6().gre(), back6().gre(), out6().gre()},
      {"GRE with Ethernet", out4().gre().ethernet(kC, kD).vlan(9), back4().gre().ethernet(kD, kC).vlan(9),
       out4().gre().ethernet(kC, kD).vlan(9)},
      {"EtherIP", out4().etherip().ethernet(kC, kD), back4().etherip().ethernet(kD, kC),
       out4().etherip().ethernet(kC, kD)},
      {"EtherIP over IPv6, PPPoE inside", out6().etherip().ethernet(kC, kD).pppoe(5),
       back6().etherip().ethernet(kD, kC).pppoe(5), out6().etherip().ethernet(kC, kD).pppoe(5)},
      {"VXLAN without a checksum", vxlan(out4(), false).ethernet(kC, kD),
       vxlan(back4(), false).ethernet(kD, kC), vxlan(out4(), false).ethernet(kC, kD)},
      {"VXLAN with a checksum", vxlan(out4(), true).ethernet(kC, kD), vxlan(back4(), true).ethernet(kD, kC),
       vxlan(out4(), true).ethernet(kC, kD)},
      {"VXLAN over IPv6", vxlan(out6(), true).ethernet(kC, kD), vxlan(back6(), true).ethernet(kD, kC),
       vxlan(out6(), true).ethernet(kC, kD)},
      {"VXLAN over IPv6 without a checksum", vxlan(out6(), false).ethernet(kC, kD),
       vxlan(back6(), false).ethernet(kD, kC), vxlan(out6(), false).ethernet(kC, kD)},
      {"VXLAN in VXLAN",
       vxlan(vxlan(out4(), true).ethernet(kC, kD).ipv4("192.0.2.7", "192.0.2.8").ip_id(kId), true)
           .ethernet(kC, kD),
       vxlan(vxlan(back4(), true).ethernet(kD, kC).ipv4("192.0.2.8", "192.0.2.7").ip_id(kId), true)
           .ethernet(kD, kC),
       vxlan(vxlan(out4(), true).ethernet(kC, kD).ipv4("192.0.2.7", "192.0.2.8").ip_id(kId), true)
           .ethernet(kC, kD)},
      {"VXLAN on its old port", out4().vxlan(5, 8472).ethernet(kC, kD),
       back4().vxlan(5, 8472).ethernet(kD, kC), out4().vxlan(5, 8472).ethernet(kC, kD)},
      {"802.1BR and old tags", to_server().etag(9).vlan(7, 0x9200).vlan(8, 0x9300),
       to_client().etag(9).vlan(7, 0x9200).vlan(8, 0x9300),
       to_server().etag(9).vlan(7, 0x9200).vlan(8, 0x9300)},
      {"SNAP", to_server().snap(), to_client().snap(), to_server().snap()},
      {"SNAP after tags", to_server().etag(9).vlan(5).snap(), to_client().etag(9).vlan(5).snap(),
       to_server().etag(9).vlan(5).snap()},
      {"SNAP, PPPoE", to_server().snap().pppoe(3), to_client().snap().pppoe(3), to_server().snap().pppoe(3)},
      {"SNAP in EtherIP in SNAP",
       to_server()
           .snap()
           .ipv4("198.51.100.1", "198.51.100.2")
           .ip_id(kId)
           .etherip()
           .ethernet(kC, kD)
           .vlan(5)
           .snap(),
       to_client()
           .snap()
           .ipv4("198.51.100.2", "198.51.100.1")
           .ip_id(kId)
           .etherip()
           .ethernet(kD, kC)
           .vlan(5)
           .snap(),
       to_server()
           .snap()
           .ipv4("198.51.100.1", "198.51.100.2")
           .ip_id(kId)
           .etherip()
           .ethernet(kC, kD)
           .vlan(5)
           .snap()},
      {"tags and PPPoE around and inside",
       vxlan(to_server().vlan(7, 0x88a8).pppoe(3).ipv4("198.51.100.1", "198.51.100.2").ip_id(kId), false)
           .ethernet(kC, kD)
           .vlan(5)
           .pppoe(4, true),
       vxlan(to_client().vlan(7, 0x88a8).pppoe(3).ipv4("198.51.100.2", "198.51.100.1").ip_id(kId), false)
           .ethernet(kD, kC)
           .vlan(5)
           .pppoe(4, true),
       vxlan(to_server().vlan(7, 0x88a8).pppoe(3).ipv4("198.51.100.1", "198.51.100.2").ip_id(kId), false)
           .ethernet(kC, kD)
           .vlan(5)
           .pppoe(4, true)},
  };
}

PacketBuilder inside(PacketBuilder around, bool v6, bool client) {
  if (v6)
    return client ? around.ipv6("2001:db8::2", "2001:db8::1") : around.ipv6("2001:db8::1", "2001:db8::2");
  return (client ? around.ipv4("192.0.2.1", "10.0.0.1") : around.ipv4("10.0.0.1", "192.0.2.1")).ip_id(kId);
}

TEST(ReplyPath, RepliesToTcpInTunnels) {
  const Bytes page = test::to_bytes("HTTP/1.1 451 no\r\n\r\nx");
  for (const Row& row : known_ways()) {
    for (const bool v6 : {false, true}) {
      SCOPED_TRACE(row.what + (v6 ? ", IPv6 inside" : ", IPv4 inside"));
      const Bytes frame = inside(row.seen, v6, false)
                              .tcp(40000, 80)
                              .seq(9)
                              .ack(kSequence)
                              .payload("GET /")
                              .trailer(4)
                              .build();
      const PacketView seen = parse_packet(frame, LinkType::ethernet);
      ASSERT_EQ(seen.packet_class, PacketClass::tcp);
      for (const bool client : {true, false}) {
        const TcpReply reply{.towards = client ? Towards::client : Towards::server,
                             .sequence = kSequence,
                             .acknowledgement = 77,
                             .flags = kTcpAck | kTcpPsh,
                             .payload = page};
        Bytes out(tcp_reply_bytes(seen, reply));
        ASSERT_EQ(build_tcp_reply(seen, reply, out), out.size());
        PacketBuilder expected = inside(client ? row.client : row.server, v6, client);
        expected.tcp(client ? 80 : 40000, client ? 40000 : 80)
            .seq(kSequence)
            .ack(77)
            .flags("AP")
            .payload(page);
        EXPECT_EQ(test::difference(expected.build(), out), "")
            << (client ? "to the client" : "to the server");
        Bytes small(out.size() - 1);
        EXPECT_EQ(build_tcp_reply(seen, reply, small), 0U);
      }
    }
  }
}

TEST(ReplyPath, RepliesToUdp) {
  std::vector<Row> rows = known_ways();
  rows.push_back({"Ethernet", to_server(), to_client(), to_server()});
  rows.push_back(
      {"QinQ", to_server().vlan(7, 0x88a8).vlan(5), to_client().vlan(7, 0x88a8).vlan(5), to_server()});
  rows.push_back({"PPPoE", to_server().pppoe(), to_client().pppoe(), to_server()});
  for (const Row& row : rows) {
    for (const bool v6 : {false, true}) {
      SCOPED_TRACE(row.what + (v6 ? ", IPv6 inside" : ", IPv4 inside"));
      const Bytes frame = inside(row.seen, v6, false).udp(40000, 443).payload(Bytes(1200)).trailer(2).build();
      const PacketView seen = parse_packet(frame, LinkType::ethernet);
      ASSERT_EQ(seen.packet_class, PacketClass::udp);
      Bytes out(200);
      const std::size_t bytes = build_udp_reply(seen, test::to_bytes("closed"), out);
      ASSERT_NE(bytes, 0U);
      out.resize(bytes);
      const PacketView reply = parse_packet(out, LinkType::ethernet);
      EXPECT_EQ(test::checksum_error(out, reply.ip_offset), "");
      EXPECT_EQ(reply.source_port, 443);
      EXPECT_EQ(reply.destination_port, 40000);
      EXPECT_EQ(reply.source, seen.destination);
      EXPECT_EQ(reply.destination, seen.source);
      EXPECT_EQ(test::to_text(reply.payload), "closed");
      // The outer headers are the same as for TCP, except for identifications.
      const Bytes around = inside(row.client, v6, true).udp(443, 40000).payload("closed").build();
      EXPECT_EQ(out.size(), around.size());
      EXPECT_EQ(reply.ip_offset, parse_packet(around, LinkType::ethernet).ip_offset);
    }
  }
}

TEST(ReplyPath, ADatagramIsNeverWithoutChecksum) {
  const Bytes frame = to_server().ipv4("10.0.0.1", "192.0.2.1").udp(1, 443).payload("x").build();
  const PacketView seen = parse_packet(frame, LinkType::ethernet);
  bool carried = false;
  // For one of these 65536 payloads the sum is 0, which would mean that there is no checksum (RFC 768).
  for (unsigned i = 0; i < 0x10000; ++i) {
    Bytes payload;
    test::append_integer(payload, i, 2);
    Bytes out(100);
    out.resize(build_udp_reply(seen, payload, out));
    const auto checksum = std::span(out).subspan(14 + 20 + 6, 2);
    ASSERT_FALSE(checksum[0] == std::byte{0} && checksum[1] == std::byte{0}) << i;
    carried |= checksum[0] == std::byte{0xff} && checksum[1] == std::byte{0xff};
  }
  EXPECT_TRUE(carried);
}

TEST(ReplyPath, SomePacketsCannotBeAnswered) {
  struct Case {
    std::string what;
    PacketBuilder around;
  };
  const std::vector<Case> cases{
      {"MPLS", to_server().mpls(3)},
      {"MPLS with Ethernet", to_server().mpls(3).ethernet()},
      {"MPLS over IPv4", out4().mpls(3)},
      {"MPLS over PPPoE", to_server().pppoe().mpls(3)},
      {"GRE with a key", out4().gre("K")},
      {"GRE with a checksum", out4().gre("C")},
      {"GRE with a sequence number", out4().gre("S")},
      {"NVGRE", out4().gre("K").ethernet()},
      {"GRE in UDP", out4().gre_in_udp()},
      {"PPTP", out4().pptp_gre()},
      {"MPLS in UDP", out4().udp(50000, 6635).mpls(3)},
      {"L2TP", out4().l2tp("L")},
      {"MLPPP", to_server().pppoe().multilink()},
      {"SNAP before a tag", to_server().snap().vlan(5)},
      {"GTP-U", out4().gtp_u()},
      {"Geneve", out4().geneve().ethernet()},
      {"GTP-U within IP-in-IP", out4().ipv6("::1", "::2").gtp_u()},
      {"IP-in-IP within GTP-U", out4().gtp_u().ipv4("192.0.2.7", "192.0.2.8")},
      {"an authenticated header", out6().authentication_header()},
      {"segment routing", out6().routing()},
      {"a multicast group", to_server().ipv4("198.51.100.1", "239.1.1.1").gre()},
      {"a broadcast", to_server().ipv4("198.51.100.1", "255.255.255.255")},
      {"a multicast group of IPv6", to_server().ipv6("2001:db8::7", "ff05::7")},
      {"VXLAN to a group", vxlan(to_server().ipv4("198.51.100.1", "239.1.1.1"), false).ethernet(kC, kD)},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.what);
    const Bytes untouched(300, std::byte{0x55});
    Bytes out = untouched;
    const TcpReply reset{.sequence = 1, .acknowledgement = 2, .flags = kTcpRst};
    PacketBuilder tcp = row.around;
    const Bytes segment = tcp.ipv4("10.0.0.1", "192.0.2.1").tcp(1, 2).payload("x").build();
    ASSERT_EQ(parse_packet(segment, LinkType::ethernet).packet_class, PacketClass::tcp);
    EXPECT_EQ(tcp_reply_bytes(parse_packet(segment, LinkType::ethernet), reset), 0U);
    EXPECT_EQ(build_tcp_reply(parse_packet(segment, LinkType::ethernet), reset, out), 0U);
    PacketBuilder udp = row.around;
    const Bytes datagram = udp.ipv4("10.0.0.1", "192.0.2.1").udp(1, 2).payload("x").build();
    ASSERT_EQ(parse_packet(datagram, LinkType::ethernet).packet_class, PacketClass::udp);
    EXPECT_EQ(build_udp_reply(parse_packet(datagram, LinkType::ethernet), test::to_bytes("x"), out), 0U);
    EXPECT_EQ(test::difference(untouched, out), "");
  }
}

TEST(ReplyPath, NoMoreThanALengthOfIeee802Holds) {
  const Bytes frame = to_server().snap().ipv4("10.0.0.1", "192.0.2.1").tcp(1, 80).payload("GET /").build();
  const auto path = ReplyPath::of(parse_packet(frame, LinkType::ethernet), Towards::client);
  ASSERT_TRUE(path);
  EXPECT_TRUE(path->fits(1500 - 8 - 20));
  EXPECT_FALSE(path->fits(1500 - 8 - 20 + 1));
}

TEST(ReplyPath, LlcWithTheAccessPointOfIp) {
  const auto link = [](PacketBuilder builder) { return builder.length_field().raw(from_hex("060603")); };
  const Bytes frame =
      inside(link(to_server()), false, false).tcp(1, 80).ack(kSequence).payload("GET /").build();
  const PacketView seen = parse_packet(frame, LinkType::ethernet);
  const TcpReply reply{
      .towards = Towards::client, .sequence = kSequence, .acknowledgement = 77, .flags = kTcpRst | kTcpAck};
  Bytes out(tcp_reply_bytes(seen, reply));
  ASSERT_EQ(build_tcp_reply(seen, reply, out), out.size());
  const Bytes expected =
      inside(link(to_client()), false, true).tcp(80, 1).seq(kSequence).ack(77).flags("RA").window(0).build();
  EXPECT_EQ(test::difference(expected, out), "");
}

TEST(ReplyPath, NothingForAReassembledPacketWithoutItsLink) {
  const Bytes frame = PacketBuilder().ipv4("10.0.0.1", "192.0.2.1").tcp(1, 80).payload("hello").build();
  PacketView fragment;
  fragment.ip_offset = 14;
  const PacketView bare = parse_reassembled(fragment, frame, 0);
  ASSERT_EQ(bare.packet_class, PacketClass::tcp);
  EXPECT_FALSE(ReplyPath::of(bare, Towards::client));
}

TEST(ReplyPath, DeepStacksEnd) {
  PacketBuilder around = to_server();
  for (int i = 0; i < 16; ++i) around.ipv4("198.51.100.1", "198.51.100.2").etherip().ethernet().vlan(1);
  const Bytes frame = around.ipv4("10.0.0.1", "192.0.2.1").tcp(1, 2).payload("x").build();
  const PacketView seen = parse_packet(frame, LinkType::ethernet);
  ASSERT_EQ(seen.packet_class, PacketClass::tcp) << "parsed as deep as this";
  EXPECT_FALSE(ReplyPath::of(seen, Towards::client)) << "and not answered";
}

TEST(ReplyPath, CookedHeadersKeepTheirTags) {
  const Bytes v1 = from_hex("0000 0001 0006 020000000001 0000 8100 0005 0800");
  const Bytes v2 = from_hex("8100 0000 00000002 0001 00 06 020000000001 0000 0005 0800");
  for (const auto& [link, header] :
       {std::pair{LinkType::linux_sll, v1}, std::pair{LinkType::linux_sll2, v2}}) {
    Bytes frame = header;
    test::append(frame, PacketBuilder().ipv4("10.0.0.1", "192.0.2.1").tcp(1, 80).ack(5).payload("x").build());
    const PacketView seen = parse_packet(frame, link);
    ASSERT_EQ(seen.packet_class, PacketClass::tcp);
    Bytes expected = header;
    test::append(expected, PacketBuilder()
                               .ipv4("192.0.2.1", "10.0.0.1")
                               .ip_id(5)
                               .tcp(80, 1)
                               .seq(5)
                               .ack(6)
                               .flags("RA")
                               .window(0)
                               .build());
    const TcpReply reset{.sequence = 5, .acknowledgement = 6, .flags = kTcpRst | kTcpAck};
    Bytes out(tcp_reply_bytes(seen, reset));
    EXPECT_EQ(build_tcp_reply(seen, reset, out), out.size());
    EXPECT_EQ(test::difference(expected, out), "");
  }
}

}  // namespace
}  // namespace weir::proto
