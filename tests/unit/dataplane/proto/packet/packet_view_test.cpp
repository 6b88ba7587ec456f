#include "dataplane/proto/packet/packet_view.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/packet_builder.h"

namespace weir::proto {
namespace {

using test::Bytes;
using test::from_hex;
using test::PacketBuilder;

std::string_view name_of(PacketClass value) {
  switch (value) {
    case PacketClass::not_ip:
      return "not_ip";
    case PacketClass::malformed:
      return "malformed";
    case PacketClass::fragment:
      return "fragment";
    case PacketClass::other:
      return "other";
    case PacketClass::tcp:
      return "tcp";
    case PacketClass::udp:
      return "udp";
  }
  return "?";
}

struct Row {
  std::string description;
  Bytes frame;
  PacketClass expected;
  std::string payload = {};
  LinkType link = LinkType::ethernet;
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.description);
    const PacketView view = parse_packet(row.frame, row.link);
    EXPECT_EQ(name_of(view.packet_class), name_of(row.expected));
    EXPECT_EQ(test::to_text(view.payload), row.payload);
    EXPECT_EQ(view.frame.data(), row.frame.data());
    EXPECT_EQ(view.frame.size(), row.frame.size());
    EXPECT_EQ(view.link, row.link);
  }
}

PacketBuilder ip4() { return PacketBuilder().ethernet().ipv4("10.0.0.1", "10.0.0.2"); }
PacketBuilder ip6() { return PacketBuilder().ethernet().ipv6("2001:db8::1", "2001:db8::2"); }
PacketBuilder tcp(PacketBuilder ip) { return ip.tcp(40000, 80).payload("hello"); }
PacketBuilder udp(PacketBuilder ip) { return ip.udp(40000, 443).payload("hello"); }

Bytes cut(Bytes frame, std::size_t bytes) {
  frame.resize(frame.size() - bytes);
  return frame;
}

TEST(ParsePacket, ReadsEveryFieldOfTcpOverIpv4) {
  const Bytes frame = PacketBuilder()
                          .ethernet()
                          .vlan(5)
                          .ipv4("192.0.2.1", "198.51.100.2")
                          .ip_options(from_hex("01010101"))
                          .tcp(1234, 8080)
                          .seq(0xdeadbeef)
                          .ack(0x01020304)
                          .flags("FA")
                          .window(513)
                          .tcp_options(from_hex("0101080a0000000100000002"))
                          .payload("hello")
                          .trailer(6)
                          .build();
  const PacketView view = parse_packet(frame, LinkType::ethernet);
  EXPECT_EQ(view.packet_class, PacketClass::tcp);
  EXPECT_EQ(view.ip_offset, 18U);
  EXPECT_EQ(view.transport_offset, 18U + 24U);
  EXPECT_FALSE(view.source.is_v6);
  EXPECT_EQ(test::difference(from_hex("c0000201"), view.source.span()), "");
  EXPECT_EQ(test::difference(from_hex("c6336402"), view.destination.span()), "");
  EXPECT_EQ(view.source_port, 1234);
  EXPECT_EQ(view.destination_port, 8080);
  EXPECT_EQ(view.ip_protocol, 6);
  EXPECT_EQ(view.tcp.sequence, 0xdeadbeefU);
  EXPECT_EQ(view.tcp.acknowledgement, 0x01020304U);
  EXPECT_EQ(view.tcp.flags, kTcpFin | kTcpAck);
  EXPECT_EQ(view.tcp.window, 513);
  EXPECT_EQ(view.payload.data(), frame.data() + 18 + 24 + 32);
  EXPECT_EQ(test::to_text(view.payload), "hello");
}

TEST(ParsePacket, ReadsEveryFieldOfUdpOverIpv6) {
  const Bytes frame = ip6().destination_options().udp(1234, 443).payload("hello").trailer(3).build();
  const PacketView view = parse_packet(frame, LinkType::ethernet);
  EXPECT_EQ(view.packet_class, PacketClass::udp);
  EXPECT_EQ(view.ip_offset, 14U);
  EXPECT_EQ(view.transport_offset, 14U + 40U + 8U);
  EXPECT_TRUE(view.source.is_v6);
  EXPECT_EQ(test::difference(from_hex("20010db8000000000000000000000001"), view.source.span()), "");
  EXPECT_EQ(test::difference(from_hex("20010db8000000000000000000000002"), view.destination.span()), "");
  EXPECT_EQ(view.source_port, 1234);
  EXPECT_EQ(view.destination_port, 443);
  EXPECT_EQ(view.ip_protocol, 17);
  EXPECT_EQ(test::to_text(view.payload), "hello");
}

TEST(ParsePacket, LinkHeaders) {
  const auto any = PacketClass::not_ip;
  PacketBuilder deep = PacketBuilder().ethernet();
  for (std::uint16_t id = 1; id <= 40; ++id) deep.vlan(id);
  check({
      {"no tag", tcp(ip4()).build(), PacketClass::tcp, "hello"},
      {"802.1Q", tcp(PacketBuilder().ethernet().vlan(5).ipv4("10.0.0.1", "10.0.0.2")).build(),
       PacketClass::tcp, "hello"},
      {"802.1ad and 802.1Q",
       tcp(PacketBuilder().ethernet().vlan(7, 0x88a8).vlan(5).ipv6("::1", "::2")).build(), PacketClass::tcp,
       "hello"},
      {"0x9100 and a priority tag",
       tcp(PacketBuilder().ethernet().vlan(7, 0x9100).vlan(0, 0x8100, 7).ipv4("10.0.0.1", "10.0.0.2"))
           .build(),
       PacketClass::tcp, "hello"},
      {"40 tags", tcp(deep.ipv4("10.0.0.1", "10.0.0.2")).build(), PacketClass::tcp, "hello"},
      {"ARP", PacketBuilder().ethernet().arp_request("10.0.0.1", "10.0.0.2").trailer(18).build(), any},
      {"LLDP", PacketBuilder().ethernet().ethertype(0x88cc).payload("x").build(), any},
      {"MPLS", PacketBuilder().ethernet().ethertype(0x8847).payload("x").build(), any},
      {"STP: 802.3 length and LLC",
       PacketBuilder().ethernet().length_field().raw(from_hex("424203")).payload("stp").build(), any},
      {"IP after LLC and SNAP",
       tcp(PacketBuilder()
               .ethernet()
               .length_field()
               .raw(from_hex("aaaa03000000"))
               .raw(from_hex("0800"))
               .ipv4("10.0.0.1", "10.0.0.2"))
           .build(),
       PacketClass::tcp, "hello"},
      {"a length of zero", PacketBuilder().ethernet().ethertype(0).build(), any},
      {"tagged unknown type", PacketBuilder().ethernet().vlan(5).ethertype(0x1234).build(), any},
      {"an empty frame", {}, PacketClass::malformed},
      {"13 bytes", Bytes(13), PacketClass::malformed},
      {"a tag without its type", cut(PacketBuilder().ethernet().vlan(5).build(), 1), PacketClass::malformed},
      {"no byte after the type", PacketBuilder().ethernet().ethertype(0x0800).build(),
       PacketClass::malformed},
      {"no byte after the IPv6 type", PacketBuilder().ethernet().ethertype(0x86dd).build(),
       PacketClass::malformed},
  });
}

TEST(ParsePacket, OtherLinkTypes) {
  const auto v4 = [](PacketBuilder link) { return tcp(link.ipv4("10.0.0.1", "10.0.0.2")).build(); };
  const auto v6 = [](PacketBuilder link) { return udp(link.ipv6("::1", "::2")).build(); };
  const auto unknown_family = [&] {
    Bytes frame = v4(PacketBuilder().loopback());
    frame[0] = std::byte{7};
    return frame;
  };
  const auto odd_family = [&] {
    Bytes frame = v4(PacketBuilder().loopback());
    frame[1] = std::byte{1};
    return frame;
  };
  check({
      {"raw IPv4", v4(PacketBuilder()), PacketClass::tcp, "hello", LinkType::raw_ip},
      {"raw IPv6", v6(PacketBuilder()), PacketClass::udp, "hello", LinkType::raw_ip},
      {"raw, nothing", {}, PacketClass::malformed, "", LinkType::raw_ip},
      {"raw, version 5", tcp(PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").version(5)).build(),
       PacketClass::malformed, "", LinkType::raw_ip},
      {"cooked v1, IPv4", v4(PacketBuilder().linux_sll()), PacketClass::tcp, "hello", LinkType::linux_sll},
      {"cooked v1, IPv6", v6(PacketBuilder().linux_sll()), PacketClass::udp, "hello", LinkType::linux_sll},
      {"cooked v1 with a tag", v4(PacketBuilder().linux_sll().vlan(5)), PacketClass::tcp, "hello",
       LinkType::linux_sll},
      {"cooked v1, LLC", PacketBuilder().linux_sll().ethertype(4).payload("x").build(), PacketClass::not_ip,
       "", LinkType::linux_sll},
      {"cooked v1, cut", Bytes(15), PacketClass::malformed, "", LinkType::linux_sll},
      {"cooked v2, IPv4", v4(PacketBuilder().linux_sll2()), PacketClass::tcp, "hello", LinkType::linux_sll2},
      {"cooked v2, IPv6", v6(PacketBuilder().linux_sll2()), PacketClass::udp, "hello", LinkType::linux_sll2},
      {"cooked v2, ARP", PacketBuilder().linux_sll2().ethertype(0x0806).payload("x").build(),
       PacketClass::not_ip, "", LinkType::linux_sll2},
      {"cooked v2, cut", Bytes(19), PacketClass::malformed, "", LinkType::linux_sll2},
      {"loopback, IPv4", v4(PacketBuilder().loopback()), PacketClass::tcp, "hello", LinkType::loopback},
      {"loopback, IPv6", v6(PacketBuilder().loopback()), PacketClass::udp, "hello", LinkType::loopback},
      {"loopback, big endian", v6(PacketBuilder().loopback(true)), PacketClass::udp, "hello",
       LinkType::loopback},
      {"loopback, unknown family", unknown_family(), PacketClass::not_ip, "", LinkType::loopback},
      {"loopback, family with junk", odd_family(), PacketClass::not_ip, "", LinkType::loopback},
      {"loopback, cut", Bytes(3), PacketClass::malformed, "", LinkType::loopback},
      {"PPP, IPv4", v4(PacketBuilder().raw(from_hex("0021"))), PacketClass::tcp, "hello", LinkType::ppp},
      {"PPP, IPv6, address and control", v6(PacketBuilder().ppp()), PacketClass::udp, "hello", LinkType::ppp},
      {"PPP, short protocol", v4(PacketBuilder().raw(from_hex("21"))), PacketClass::tcp, "hello",
       LinkType::ppp},
      {"PPP, LCP", PacketBuilder().raw(from_hex("ff03 c021")).payload("x").build(), PacketClass::not_ip, "",
       LinkType::ppp},
      {"PPP, cut", Bytes(1), PacketClass::not_ip, "", LinkType::ppp},
      {"loopback, family alone", PacketBuilder().loopback().build(), PacketClass::malformed, "",
       LinkType::loopback},
  });
}

TEST(ParsePacket, Ipv4Header) {
  const Bytes all_options(40, std::byte{1});
  check({
      {"options of 40 bytes", tcp(ip4().ip_options(all_options)).build(), PacketClass::tcp, "hello"},
      {"loose source route", tcp(ip4().ip_options(from_hex("83070400000000"))).build(), PacketClass::tcp,
       "hello"},
      {"an option that runs over the header is none of our business",
       tcp(ip4().ip_options(from_hex("07ff0400"))).build(), PacketClass::tcp, "hello"},
      {"link padding", tcp(ip4()).trailer(20, std::byte{'x'}).build(), PacketClass::tcp, "hello"},
      {"wrong header checksum", tcp(ip4().checksum(0x1234)).build(), PacketClass::tcp, "hello"},
      {"wrong TCP checksum", ip4().tcp(1, 2).checksum(0).payload("hello").build(), PacketClass::tcp, "hello"},
      {"a TTL of 0", tcp(ip4().ttl(0)).build(), PacketClass::tcp, "hello"},
      {"no length, as offloads leave it", tcp(ip4().length(0)).build(), PacketClass::tcp, "hello"},
      {"a segment of 65000 bytes", ip4().tcp(1, 2).payload(std::string(65000, 'a')).build(), PacketClass::tcp,
       std::string(65000, 'a')},
      {"longer than the frame", cut(tcp(ip4()).build(), 1), PacketClass::malformed},
      {"total length below the header's", tcp(ip4().length(19)).build(), PacketClass::malformed},
      {"total length ends in the TCP header", tcp(ip4().length(39)).build(), PacketClass::malformed},
      {"header of 4 words", tcp(ip4().header_words(4)).build(), PacketClass::malformed},
      {"header of 0 words", tcp(ip4().header_words(0)).build(), PacketClass::malformed},
      {"header longer than the packet", ip4().header_words(15).protocol(1).payload("x").build(),
       PacketClass::malformed},
      {"version 6 in an IPv4 frame", tcp(ip4().version(6)).build(), PacketClass::malformed},
      {"19 bytes of header", cut(ip4().build(), 1), PacketClass::malformed},
      {"ICMP", ip4().protocol(1).payload("ping").build(), PacketClass::other, "ping"},
      {"ESP", ip4().protocol(50).payload("esp").trailer(5).build(), PacketClass::other, "esp"},
      {"IPv6 inside", ip4().protocol(41).payload("6").build(), PacketClass::other, "6"},
      {"a hop-by-hop number means nothing here", ip4().protocol(0).payload("0").build(), PacketClass::other,
       "0"},
  });
}

TEST(ParsePacket, Ipv4Fragments) {
  check({
      {"first", ip4().fragment(0, true).payload("abcdefgh").build(), PacketClass::fragment, "abcdefgh"},
      {"middle", ip4().fragment(8, true).payload("abcdefgh").build(), PacketClass::fragment, "abcdefgh"},
      {"last", ip4().fragment(16, false).payload("abc").trailer(9).build(), PacketClass::fragment, "abc"},
      {"a first one with a whole TCP header", tcp(ip4().fragment(0, true)).payload("").build(),
       PacketClass::fragment, std::string(test::to_text(tcp(ip4()).payload("").build())).substr(34)},
      {"a fragment that lies about its length", cut(ip4().fragment(8, true).payload("abc").build(), 1),
       PacketClass::malformed},
  });
  for (const Bytes& frame : tcp(ip4()).build_fragments(8)) {
    EXPECT_EQ(name_of(parse_packet(frame, LinkType::ethernet).packet_class), "fragment");
    EXPECT_EQ(parse_packet(frame, LinkType::ethernet).ip_protocol, 6);
  }
  Bytes reserved = tcp(ip4()).build();
  reserved[14 + 6] = std::byte{0xc0};  // the reserved bit and DF
  EXPECT_EQ(name_of(parse_packet(reserved, LinkType::ethernet).packet_class), "tcp");
}

TEST(ParsePacket, Ipv6Header) {
  check({
      {"link padding", tcp(ip6()).trailer(20, std::byte{'x'}).build(), PacketClass::tcp, "hello"},
      {"a hop limit of 0", tcp(ip6().ttl(0)).build(), PacketClass::tcp, "hello"},
      {"longer than the frame", cut(tcp(ip6()).build(), 1), PacketClass::malformed},
      {"no payload length", tcp(ip6().length(0)).build(), PacketClass::malformed},
      {"payload length ends in the TCP header", tcp(ip6().length(19)).build(), PacketClass::malformed},
      {"39 bytes of header", cut(ip6().build(), 1), PacketClass::malformed},
      {"version 4 in an IPv6 frame", tcp(ip6().version(4)).build(), PacketClass::malformed},
      {"no next header", ip6().payload("x").build(), PacketClass::other, "x"},
      {"ICMPv6", ip6().protocol(58).payload("ping").build(), PacketClass::other, "ping"},
      {"IPv4 inside", ip6().protocol(4).payload("E").build(), PacketClass::other, "E"},
  });
}

TEST(ParsePacket, Ipv6ExtensionHeaders) {
  PacketBuilder many = ip6();
  for (int i = 0; i < 100; ++i) many.destination_options();
  const auto jumbo = [](std::string_view options) {
    PacketBuilder builder = PacketBuilder().ethernet().ipv6("::1", "::2").protocol(0).length(0);
    return tcp(builder.raw(from_hex(options))).build();
  };
  check({
      {"hop-by-hop", tcp(ip6().hop_by_hop()).build(), PacketClass::tcp, "hello"},
      {"routing", tcp(ip6().routing()).build(), PacketClass::tcp, "hello"},
      {"destination options of 2048 bytes", tcp(ip6().extension(60, 2048)).build(), PacketClass::tcp,
       "hello"},
      {"authentication", tcp(ip6().authentication_header()).build(), PacketClass::tcp, "hello"},
      {"all of them",
       tcp(ip6().hop_by_hop().destination_options().routing().authentication_header().destination_options())
           .build(),
       PacketClass::tcp, "hello"},
      {"two hop-by-hop headers", tcp(ip6().hop_by_hop().hop_by_hop()).build(), PacketClass::tcp, "hello"},
      {"hop-by-hop after others", tcp(ip6().routing().hop_by_hop()).build(), PacketClass::tcp, "hello"},
      {"a hundred", tcp(many).build(), PacketClass::tcp, "hello"},
      {"a header that ends beyond the payload", ip6().length(16).extension(60, 24).protocol(6).build(),
       PacketClass::malformed},
      {"a header cut short", cut(ip6().length(1).extension(60).protocol(6).build(), 7),
       PacketClass::malformed},
      {"nothing after the headers", ip6().destination_options().protocol(6).build(), PacketClass::malformed},
      {"no next header after one", ip6().destination_options().payload("x").build(), PacketClass::other, "x"},
      {"ESP after one", ip6().destination_options().protocol(50).payload("x").build(), PacketClass::other,
       "x"},
      {"jumbogram", jumbo("06 00 c2 04 00010000"), PacketClass::malformed},
      {"jumbo option after padding", jumbo("06 01 01 02 0000 00 00 00 00 c2 04 00010000"),
       PacketClass::malformed},
      {"no length, a hop-by-hop header without jumbo option: the frame's", jumbo("06 00 01 04 00000000"),
       PacketClass::tcp, "hello"},
      {"the jumbo number inside padding is data", jumbo("06 00 01 04 c2040000"), PacketClass::tcp, "hello"},
      {"an option that runs over its header", jumbo("06 00 05 ff 00000000"), PacketClass::tcp, "hello"},
  });
}

TEST(ParsePacket, Ipv6Fragments) {
  check({
      {"first", ip6().fragment(0, true).protocol(6).payload("abcdefgh").build(), PacketClass::fragment,
       "abcdefgh"},
      {"last", ip6().fragment(8, false).protocol(6).payload("abc").trailer(4).build(), PacketClass::fragment,
       "abc"},
      {"atomic", tcp(ip6().fragment(0, false)).build(), PacketClass::tcp, "hello"},
      {"two atomic ones", tcp(ip6().fragment(0, false).fragment(0, false)).build(), PacketClass::tcp,
       "hello"},
      {"atomic after options", udp(ip6().hop_by_hop().fragment(0, false).destination_options()).build(),
       PacketClass::udp, "hello"},
      {"a real one after an atomic one",
       ip6().fragment(0, false).fragment(8, true).protocol(6).payload("abcdefgh").build(),
       PacketClass::fragment, "abcdefgh"},
      {"a fragment header cut short", cut(ip6().length(7).fragment(0, false).protocol(6).build(), 1),
       PacketClass::malformed},
      {"a fragment without content", ip6().fragment(8, false).protocol(6).build(), PacketClass::fragment, ""},
  });
  for (const Bytes& frame : udp(ip6()).build_fragments(8)) {
    EXPECT_EQ(name_of(parse_packet(frame, LinkType::ethernet).packet_class), "fragment");
    EXPECT_EQ(parse_packet(frame, LinkType::ethernet).ip_protocol, 17);
  }
  Bytes reserved = tcp(ip6().fragment(0, false)).build();
  reserved[14 + 40 + 3] = std::byte{0x06};  // reserved bits are ignored (RFC 8200, 4.5)
  EXPECT_EQ(name_of(parse_packet(reserved, LinkType::ethernet).packet_class), "tcp");
}

TEST(ParsePacket, TcpHeader) {
  const Bytes options(40, std::byte{1});
  const auto with_words = [](std::uint8_t words) {
    return ip4().tcp(1, 2).header_words(words).payload("hello").build();
  };
  check({
      {"no payload", ip4().tcp(1, 2).flags("A").build(), PacketClass::tcp, ""},
      {"no payload, Ethernet padding", ip4().tcp(1, 2).flags("A").trailer(6).build(), PacketClass::tcp, ""},
      {"options of 40 bytes", ip4().tcp(1, 2).tcp_options(options).payload("x").build(), PacketClass::tcp,
       "x"},
      {"data on SYN", ip4().tcp(1, 2).flags("S").payload("x").build(), PacketClass::tcp, "x"},
      {"no flags at all", ip4().tcp(1, 2).flags("").payload("x").build(), PacketClass::tcp, "x"},
      {"data offset of 0", with_words(0), PacketClass::malformed},
      {"data offset of 4", with_words(4), PacketClass::malformed},
      {"data offset of 6 into the payload", with_words(6), PacketClass::tcp, "o"},
      {"data offset beyond the end", with_words(7), PacketClass::malformed},
      {"data offset of 15 with Ethernet padding does not reach into it",
       ip4().tcp(1, 2).header_words(15).trailer(60).build(), PacketClass::malformed},
      {"19 bytes", ip4().protocol(6).payload(Bytes(19)).build(), PacketClass::malformed},
  });
}

TEST(ParsePacket, UdpHeader) {
  const auto with_length = [](std::uint16_t length) {
    return ip4().udp(1, 2).length(length).payload("hello").build();
  };
  check({
      {"right length", with_length(13), PacketClass::udp, "hello"},
      {"no payload", ip4().udp(1, 2).build(), PacketClass::udp, ""},
      {"shorter: the rest is not payload", with_length(10), PacketClass::udp, "he"},
      {"the header alone", with_length(8), PacketClass::udp, ""},
      {"longer: what is there", with_length(500), PacketClass::udp, "hello"},
      {"zero: what is there", with_length(0), PacketClass::udp, "hello"},
      {"longer, with link padding: not the padding",
       ip4().udp(1, 2).length(500).payload("hello").trailer(20).build(), PacketClass::udp, "hello"},
      {"1", with_length(1), PacketClass::malformed},
      {"7", with_length(7), PacketClass::malformed},
      {"7 bytes of header", ip4().protocol(17).payload(Bytes(7)).build(), PacketClass::malformed},
      {"no checksum", ip4().udp(1, 2).checksum(0).payload("x").build(), PacketClass::udp, "x"},
  });
}

// Every cut frame is malformed: the parser never guesses.
TEST(ParsePacket, EveryTruncationIsMalformed) {
  const Bytes frames[] = {
      tcp(PacketBuilder().ethernet().vlan(7, 0x88a8).vlan(5).ipv4("10.0.0.1", "10.0.0.2")).build(),
      tcp(ip6().hop_by_hop().fragment(0, false).destination_options()).build(), udp(ip6()).build()};
  for (const Bytes& whole : frames) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      // A heap copy of exactly this size, so that the address sanitizer detects a read beyond it.
      const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_EQ(name_of(parse_packet(part, LinkType::ethernet).packet_class), "malformed")
          << size << " bytes";
    }
    ASSERT_NE(name_of(parse_packet(whole, LinkType::ethernet).packet_class), "malformed");
  }
}

TEST(IpAddress, SpansItsFamily) {
  IpAddress address;
  EXPECT_EQ(address.span().size(), 4U);
  address.is_v6 = true;
  EXPECT_EQ(address.span().size(), 16U);
  EXPECT_NE(address, IpAddress{});
}

}  // namespace
}  // namespace weir::proto
