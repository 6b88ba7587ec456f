#include "dataplane/proto/routing/rewrite.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/proto/routing/icmp.h"
#include "tests/support/frame_check.h"
#include "tests/support/packet_builder.h"

namespace weir::proto {
namespace {

using test::Bytes;
using test::PacketBuilder;

constexpr std::size_t kLink = 14;
const MacAddress kOut{std::byte{2}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0x0b}};
const MacAddress kNext{std::byte{2}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0x0c}};

PacketBuilder from_to(const char* source, const char* destination, std::uint8_t ttl = 64) {
  PacketBuilder builder;
  builder.ethernet();
  if (std::string_view(source).find(':') == std::string_view::npos) {
    builder.ipv4(source, destination);
  } else {
    builder.ipv6(source, destination);
  }
  builder.ttl(ttl);
  return builder;
}

Bytes datagram(const char* source, const char* destination, std::uint8_t ttl = 64, std::size_t bytes = 32) {
  return from_to(source, destination, ttl).udp(4000, 4001).payload(std::string(bytes, 'x')).build();
}

TEST(ForwardView, TellsWhetherARouterMayForward) {
  struct Case {
    const char* description;
    Bytes frame;
    ForwardStatus status;
  };
  Bytes wrong_sum = datagram("192.0.2.2", "198.51.100.80");
  wrong_sum[kLink + 10] ^= std::byte{1};
  Bytes cut = datagram("192.0.2.2", "198.51.100.80");
  cut.pop_back();
  Bytes cut_v6 = datagram("2001:db8::2", "2001:db8:1::80");
  cut_v6.pop_back();
  const std::vector<Case> cases{
      {"IPv4", datagram("192.0.2.2", "198.51.100.80"), ForwardStatus::routable},
      {"IPv6", datagram("2001:db8::2", "2001:db8:1::80"), ForwardStatus::routable},
      {"TTL 2", datagram("192.0.2.2", "198.51.100.80", 2), ForwardStatus::routable},
      {"TTL 1", datagram("192.0.2.2", "198.51.100.80", 1), ForwardStatus::expired},
      {"TTL 0", datagram("192.0.2.2", "198.51.100.80", 0), ForwardStatus::expired},
      {"hop limit 1", datagram("2001:db8::2", "2001:db8:1::80", 1), ForwardStatus::expired},
      {"options", from_to("192.0.2.2", "198.51.100.80").ip_options(Bytes(40)).udp(1, 2).build(),
       ForwardStatus::routable},
      {"link padding",
       PacketBuilder().ethernet().ipv4("192.0.2.2", "198.51.100.80").udp(1, 2).trailer(9).build(),
       ForwardStatus::routable},
      {"a fragment", from_to("192.0.2.2", "198.51.100.80").fragment(8, true).udp(1, 2).build(),
       ForwardStatus::routable},
      {"a wrong IPv4 checksum", wrong_sum, ForwardStatus::unroutable},
      {"shorter than its length", cut, ForwardStatus::unroutable},
      {"IPv6 shorter than its length", cut_v6, ForwardStatus::unroutable},
      {"a header of four words", from_to("192.0.2.2", "198.51.100.80").header_words(4).udp(1, 2).build(),
       ForwardStatus::unroutable},
      {"version 5", from_to("192.0.2.2", "198.51.100.80").version(5).udp(1, 2).build(),
       ForwardStatus::unroutable},
      {"IPv6 of version 4", from_to("2001:db8::2", "2001:db8:1::80").version(4).udp(1, 2).build(),
       ForwardStatus::unroutable},
      {"an IPv4 length of 0", from_to("192.0.2.2", "198.51.100.80").length(0).udp(1, 2).build(),
       ForwardStatus::unroutable},
      {"an IPv6 length of 0", from_to("2001:db8::2", "2001:db8:1::80").length(0).udp(1, 2).build(),
       ForwardStatus::unroutable},
      {"ARP", PacketBuilder().ethernet().arp_request("192.0.2.2", "192.0.2.1").build(),
       ForwardStatus::unroutable},
      {"a tag", PacketBuilder().ethernet().vlan(5).ipv4("192.0.2.2", "198.51.100.80").udp(1, 2).build(),
       ForwardStatus::unroutable},
      {"to a group", datagram("192.0.2.2", "224.0.0.5"), ForwardStatus::on_link},
      {"to all", datagram("192.0.2.2", "255.255.255.255"), ForwardStatus::on_link},
      {"from nobody", datagram("0.0.0.0", "198.51.100.80"), ForwardStatus::on_link},
      {"to loopback", datagram("192.0.2.2", "127.0.0.1"), ForwardStatus::on_link},
      {"from link-local IPv4", datagram("169.254.0.1", "198.51.100.80"), ForwardStatus::on_link},
      {"from link-local IPv6", datagram("fe80::1", "2001:db8:1::80"), ForwardStatus::on_link},
      {"to link-local IPv6", datagram("2001:db8::2", "febf::1"), ForwardStatus::on_link},
      {"to an IPv6 group", datagram("2001:db8::2", "ff02::1"), ForwardStatus::on_link},
      {"from nobody, IPv6", datagram("::", "2001:db8:1::80"), ForwardStatus::on_link},
      {"to loopback, IPv6", datagram("2001:db8::2", "::1"), ForwardStatus::on_link},
      {"nothing", {}, ForwardStatus::unroutable},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.description);
    EXPECT_EQ(read_forward_view(row.frame).status, row.status);
  }
}

TEST(Rewrite, LowersTheTtlAndKeepsTheChecksumRight) {
  for (unsigned ttl = 2; ttl <= 255; ++ttl) {
    for (const unsigned number : {0x0000U, 0x0001U, 0x1234U, 0xfeffU, 0xffffU}) {
      const auto id = static_cast<std::uint16_t>(number);
      const auto builder = from_to("192.0.2.2", "198.51.100.80", static_cast<std::uint8_t>(ttl))
                               .ip_id(id)
                               .udp(4000, 4001)
                               .payload("data");
      Bytes frame = builder.build();
      const Bytes expected = PacketBuilder()
                                 .ethernet("02:00:00:00:00:0b", "02:00:00:00:00:0c")
                                 .ipv4("192.0.2.2", "198.51.100.80")
                                 .ttl(static_cast<std::uint8_t>(ttl - 1))
                                 .ip_id(id)
                                 .udp(4000, 4001)
                                 .payload("data")
                                 .build();
      ASSERT_TRUE(rewrite_for_next_hop(frame, kOut, kNext));
      ASSERT_EQ(test::difference(expected, frame), "") << ttl << " " << id;
    }
  }
}

TEST(Rewrite, LowersTheHopLimit) {
  Bytes frame = datagram("2001:db8::2", "2001:db8:1::80", 17);
  Bytes expected = datagram("2001:db8::2", "2001:db8:1::80", 16);
  set_link_addresses(expected, kOut, kNext);
  ASSERT_TRUE(rewrite_for_next_hop(frame, kOut, kNext));
  EXPECT_EQ(test::difference(expected, frame), "");
  EXPECT_EQ(link_destination(frame), kNext);
}

TEST(Rewrite, LeavesAFrameThatCannotBeForwarded) {
  for (const Bytes& original :
       {datagram("192.0.2.2", "198.51.100.80", 1), datagram("2001:db8::2", "2001:db8:1::80", 0),
        Bytes(33, std::byte{8}), Bytes(5), Bytes()}) {
    Bytes frame = original;
    EXPECT_FALSE(rewrite_for_next_hop(frame, kOut, kNext));
    EXPECT_EQ(frame, original);
  }
}

IpAddress address_of(const char* text) {
  return read_forward_view(datagram(text, std::string_view(text).find(':') == std::string_view::npos
                                              ? "198.51.100.80"
                                              : "2001:db8:1::80"))
      .source;
}

Bytes error_about(const Bytes& frame, IcmpReason reason = IcmpReason::time_exceeded, std::uint16_t mtu = 0,
                  bool is_v6 = false) {
  Bytes out(2048, std::byte{0x55});
  const IpAddress from = address_of(is_v6 ? "2001:db8::1" : "192.0.2.1");
  out.resize(build_icmp_error(frame, {.reason = reason, .from = from, .mtu = mtu}, out));
  return out;
}

TEST(Icmp, ErrorsNameTheReasonAndQuoteThePacket) {
  struct Case {
    const char* description;
    bool is_v6;
    IcmpReason reason;
    std::uint16_t mtu;
    std::size_t payload;
    const char* head;    // type, code
    const char* detail;  // the word after the checksum
    std::size_t bytes;   // of the IP packet with the error
  };
  const std::vector<Case> cases{
      {"time exceeded", false, IcmpReason::time_exceeded, 0, 32, "0b00", "00000000", 20 + 8 + 60},
      {"host unreachable", false, IcmpReason::unreachable, 0, 32, "0301", "00000000", 20 + 8 + 60},
      {"fragmentation needed", false, IcmpReason::too_big, 1400, 1450, "0304", "00000578", 576},
      {"time exceeded, IPv6", true, IcmpReason::time_exceeded, 0, 32, "0300", "00000000", 40 + 8 + 80},
      {"address unreachable, IPv6", true, IcmpReason::unreachable, 0, 32, "0103", "00000000", 40 + 8 + 80},
      {"packet too big", true, IcmpReason::too_big, 1400, 1450, "0200", "00000578", 1280},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.description);
    const Bytes frame = row.is_v6 ? datagram("2001:db8::2", "2001:db8:1::80", 1, row.payload)
                                  : datagram("192.0.2.2", "198.51.100.80", 1, row.payload);
    const Bytes error = error_about(frame, row.reason, row.mtu, row.is_v6);
    ASSERT_EQ(error.size(), kLink + row.bytes);
    const auto view = parse_packet(error, LinkType::ethernet);
    EXPECT_EQ(test::difference(std::span(frame).subspan(6, 6), std::span(error).first(6)), "")
        << "to who sent it";
    EXPECT_EQ(test::difference(std::span(frame).first(6), std::span(error).subspan(6, 6)), "");
    EXPECT_EQ(view.packet_class, PacketClass::other);
    EXPECT_EQ(view.source, address_of(row.is_v6 ? "2001:db8::1" : "192.0.2.1"));
    EXPECT_EQ(view.destination, address_of(row.is_v6 ? "2001:db8::2" : "192.0.2.2"));
    EXPECT_EQ(test::checksum_error(error, kLink), "");
    const auto message = view.payload;
    EXPECT_EQ(test::difference(test::from_hex(row.head), message.first(2)), "");
    EXPECT_EQ(test::difference(test::from_hex(row.detail), message.subspan(4, 4)), "");
    const auto quoted = message.subspan(8);
    EXPECT_EQ(test::difference(std::span(frame).subspan(kLink, quoted.size()), quoted), "");
    if (!row.is_v6) {
      EXPECT_EQ(test::internet_checksum(message), 0);
    }
  }
}

TEST(Icmp, ErrorsAreNotAnswered) {
  struct Case {
    const char* description;
    Bytes frame;
    bool answered;
  };
  const auto icmp = [](const char* hex) {
    return from_to("192.0.2.2", "198.51.100.80").protocol(1).payload(test::from_hex(hex)).build();
  };
  const auto icmp6 = [](const char* hex) {
    return from_to("2001:db8::2", "2001:db8:1::80").protocol(58).payload(test::from_hex(hex)).build();
  };
  const std::vector<Case> cases{
      {"an echo request", icmp("0800 0000 0001 0001"), true},
      {"unreachable", icmp("0301 0000 00000000"), false},
      {"redirect", icmp("0500 0000 00000000"), false},
      {"time exceeded", icmp("0b00 0000 00000000"), false},
      {"no message", icmp(""), false},
      {"an IPv6 echo request", icmp6("8000 0000 0001 0001"), true},
      {"IPv6 unreachable", icmp6("0100 0000 00000000"), false},
      {"IPv6 error of an unknown type", icmp6("7f00 0000 00000000"), false},
      {"an IPv6 redirect", icmp6("8900 0000 00000000"), false},
      {"the first fragment",
       from_to("192.0.2.2", "198.51.100.80").fragment(0, true).payload("12345678").build(), true},
      {"another fragment",
       from_to("192.0.2.2", "198.51.100.80").fragment(8, true).payload("12345678").build(), false},
      {"to a group", datagram("192.0.2.2", "224.0.0.5"), false},
      {"from nobody", datagram("0.0.0.0", "198.51.100.80"), false},
      {"an IPv6 error after an extension header",
       from_to("2001:db8::2", "2001:db8:1::80")
           .destination_options()
           .protocol(58)
           .payload(test::from_hex("0300 0000 00000000"))
           .build(),
       false},
      {"ARP", PacketBuilder().ethernet().arp_request("192.0.2.2", "192.0.2.1").build(), false},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.description);
    const bool is_v6 = parse_packet(row.frame, LinkType::ethernet).source.is_v6;
    EXPECT_EQ(!error_about(row.frame, IcmpReason::time_exceeded, 0, is_v6).empty(), row.answered);
  }
  EXPECT_TRUE(error_about(datagram("2001:db8::2", "2001:db8:1::80", 1)).empty())
      << "from an address of the other family";
}

TEST(Icmp, EchoRequestsAreAnsweredWhole) {
  const auto request = [](bool is_v6, std::string_view hex) {
    return from_to(is_v6 ? "2001:db8::2" : "192.0.2.2", is_v6 ? "2001:db8::1" : "192.0.2.1", 9)
        .protocol(is_v6 ? 58 : 1)
        .payload(test::from_hex(hex))
        .build();
  };
  struct Case {
    const char* description;
    bool is_v6;
    const char* message;
    const char* answer;  // null: none
  };
  const std::vector<Case> cases{
      {"IPv4", false, "0800 a488 1234 0001 4142", "0000 ac88 1234 0001 4142"},
      {"IPv6", true, "8000 d0ce 1234 0001 4142", "8100 cfce 1234 0001 4142"},
      {"a wrong checksum", false, "0800 a489 1234 0001 4142", nullptr},
      {"a code", false, "0801 a487 1234 0001 4142", nullptr},
      {"an answer", false, "0000 ac88 1234 0001 4142", nullptr},
      {"too short", false, "0800 f7ff", nullptr},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.description);
    const Bytes frame = request(row.is_v6, row.message);
    Bytes out(frame.size(), std::byte{0x55});
    out.resize(build_echo_reply(frame, out));
    ASSERT_EQ(out.empty(), row.answer == nullptr);
    if (row.answer == nullptr) continue;
    const auto view = parse_packet(out, LinkType::ethernet);
    EXPECT_EQ(view.source, parse_packet(frame, LinkType::ethernet).destination);
    EXPECT_EQ(view.destination, parse_packet(frame, LinkType::ethernet).source);
    EXPECT_EQ(test::checksum_error(out, kLink), "");
    EXPECT_EQ(test::difference(test::from_hex(row.answer), view.payload), "");
    Bytes small(out.size() - 1);
    EXPECT_EQ(build_echo_reply(frame, small), 0U);
  }
  Bytes room(2048);
  EXPECT_EQ(build_echo_reply(datagram("192.0.2.2", "192.0.2.1"), std::span(room)), 0U);
}

}  // namespace
}  // namespace weir::proto
