#include "dataplane/proto/reply/tcp_reply.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/proto/packet/internet_checksum.h"
#include "tests/support/frame_check.h"
#include "tests/support/packet_builder.h"

namespace weir::proto {
namespace {

using base::Towards;
using test::Bytes;
using test::from_hex;
using test::PacketBuilder;

constexpr std::uint8_t kRstAck = kTcpRst | kTcpAck;

Bytes build(const Bytes& seen, LinkType link, const TcpReply& reply) {
  const PacketView view = parse_packet(seen, link);
  Bytes out(tcp_reply_bytes(view, reply));
  EXPECT_EQ(build_tcp_reply(view, reply, out), out.size());
  return out;
}

TEST(Checksum, AgreesWithTheReferee) {
  Bytes bytes;
  EXPECT_EQ(checksum_finish(checksum_add(bytes, 0)), test::internet_checksum(bytes));
  for (unsigned i = 0; i < 700; ++i) {
    bytes.push_back(static_cast<std::byte>(i * 37 + 11));
    ASSERT_EQ(checksum_finish(checksum_add(bytes, 0)), test::internet_checksum(bytes)) << bytes.size();
    const auto first = std::span(bytes).first(bytes.size() / 2 & ~std::size_t{1});
    const std::uint32_t sum = checksum_add(first, 0);
    ASSERT_EQ(checksum_finish(checksum_add(std::span(bytes).subspan(first.size()), sum)),
              test::internet_checksum(bytes));
  }
}

TEST(Checksum, SumsTheLargestInputs) {
  const Bytes ones(65536, std::byte{0xff});
  EXPECT_EQ(checksum_finish(checksum_add(ones, 0)), test::internet_checksum(ones));
  EXPECT_EQ(checksum_finish(checksum_add(ones, 0xffffffff)), 0);
  EXPECT_EQ(checksum_finish(0xffffffff), 0);
  EXPECT_EQ(checksum_finish(0), 0xffff);
}

TEST(Checksum, ExampleOfRfc1071) {
  EXPECT_EQ(checksum_finish(checksum_add(from_hex("0001 f203 f4f5 f6f7"), 0)), 0x220d);
}

struct Row {
  std::string description;
  PacketBuilder seen_link;  // link header of the packet seen
  PacketBuilder to_client_link;
  LinkType link = LinkType::ethernet;
};

std::vector<Row> links() {
  const auto plain = [](std::string_view from, std::string_view to) {
    return PacketBuilder().ethernet(from, to);
  };
  const std::string_view a = test::kClientMac;
  const std::string_view b = test::kServerMac;
  return {
      {"Ethernet", plain(a, b), plain(b, a)},
      {"802.1Q with priority", plain(a, b).vlan(5, 0x8100, 3), plain(b, a).vlan(5, 0x8100, 3)},
      {"802.1ad and 802.1Q", plain(a, b).vlan(7, 0x88a8).vlan(5), plain(b, a).vlan(7, 0x88a8).vlan(5)},
      {"raw IP", PacketBuilder(), PacketBuilder(), LinkType::raw_ip},
      {"PPPoE", plain(a, b).pppoe(), plain(b, a).pppoe()},
      {"PPPoE over QinQ", plain(a, b).vlan(7, 0x88a8).vlan(5).pppoe(9, true),
       plain(b, a).vlan(7, 0x88a8).vlan(5).pppoe(9, true)},
      {"cooked v1", PacketBuilder().linux_sll(), PacketBuilder().linux_sll(), LinkType::linux_sll},
      {"cooked v2", PacketBuilder().linux_sll2(), PacketBuilder().linux_sll2(), LinkType::linux_sll2},
      {"loopback", PacketBuilder().loopback(), PacketBuilder().loopback(), LinkType::loopback},
      {"PPP", PacketBuilder().ppp(), PacketBuilder().ppp(), LinkType::ppp},
  };
}

TEST(BuildTcpReply, WritesTheWholeFrameForIpv4) {
  for (const Row& row : links()) {
    SCOPED_TRACE(row.description);
    PacketBuilder seen = row.seen_link;
    // Options of both headers, TTL and padding of the packet are not in the reply.
    const Bytes frame = seen.ipv4("10.0.0.1", "10.0.0.2")
                            .ip_options(from_hex("01010101"))
                            .ttl(3)
                            .tcp(40000, 80)
                            .seq(1000)
                            .ack(2000)
                            .tcp_options(from_hex("0101080a0000000100000002"))
                            .payload("GET / HTTP/1.1\r\n\r\n")
                            .trailer(9)
                            .build();
    const Bytes page = test::to_bytes("HTTP/1.1 451 no\r\n\r\n.");
    PacketBuilder to_client = row.to_client_link;
    EXPECT_EQ(test::difference(to_client.ipv4("10.0.0.2", "10.0.0.1")
                                   .ip_id(2000)
                                   .tcp(80, 40000)
                                   .seq(2000)
                                   .ack(1018)
                                   .flags("PFA")
                                   .payload(page)
                                   .build(),
                               build(frame, row.link,
                                     {.towards = Towards::client,
                                      .sequence = 2000,
                                      .acknowledgement = 1018,
                                      .flags = kTcpPsh | kTcpFin | kTcpAck,
                                      .payload = page})),
              "");
    PacketBuilder to_server = row.seen_link;
    EXPECT_EQ(test::difference(to_server.ipv4("10.0.0.1", "10.0.0.2")
                                   .ip_id(1000)
                                   .tcp(40000, 80)
                                   .seq(1000)
                                   .ack(2000)
                                   .flags("RA")
                                   .window(0)
                                   .build(),
                               build(frame, row.link,
                                     {.towards = Towards::server,
                                      .sequence = 1000,
                                      .acknowledgement = 2000,
                                      .flags = kRstAck,
                                      .payload = {}})),
              "");
  }
}

TEST(BuildTcpReply, WritesTheWholeFrameForIpv6) {
  for (const Row& row : links()) {
    SCOPED_TRACE(row.description);
    PacketBuilder seen = row.seen_link;
    const Bytes frame = seen.ipv6("2001:db8::1", "2001:db8::2")
                            .hop_by_hop()
                            .fragment(0, false)
                            .tcp(40000, 443)
                            .seq(0xffffffff)
                            .ack(7)
                            .payload("x")
                            .build();
    PacketBuilder to_client = row.to_client_link;
    EXPECT_EQ(test::difference(to_client.ipv6("2001:db8::2", "2001:db8::1")
                                   .tcp(443, 40000)
                                   .seq(7)
                                   .ack(0)
                                   .flags("FA")
                                   .payload("odd")
                                   .build(),
                               build(frame, row.link,
                                     {.towards = Towards::client,
                                      .sequence = 7,
                                      .acknowledgement = 0,
                                      .flags = kTcpFin | kTcpAck,
                                      .payload = test::to_bytes("odd")})),
              "");
  }
}

TEST(BuildTcpReply, KeepsTheFlowLabelTowardsTheServerAlone) {
  Bytes frame = PacketBuilder().ipv6("2001:db8::1", "2001:db8::2").tcp(1, 2).payload("x").build();
  frame[0] = std::byte{0x6b};  // traffic class 0xb8 and flow label 0xabcde
  frame[1] = std::byte{0x8a};
  frame[2] = std::byte{0xbc};
  frame[3] = std::byte{0xde};
  const auto first_word = [&](Towards towards) {
    Bytes reply =
        build(frame, LinkType::raw_ip,
              {.towards = towards, .sequence = 1, .acknowledgement = 2, .flags = kRstAck, .payload = {}});
    EXPECT_EQ(test::checksum_error(reply, 0), "");
    reply.resize(4);
    return reply;
  };
  EXPECT_EQ(test::difference(from_hex("600abcde"), first_word(Towards::server)), "");
  EXPECT_EQ(test::difference(from_hex("60000000"), first_word(Towards::client)), "");
}

TEST(BuildTcpReply, ChecksumsAreRightForEverySize) {
  const Bytes frame = PacketBuilder().ethernet().ipv4("10.0.0.1", "10.0.0.2").tcp(1, 2).payload("x").build();
  Bytes payload;
  for (unsigned i = 0; i < 300; ++i) {
    const Bytes reply = build(frame, LinkType::ethernet,
                              {.towards = Towards::client,
                               .sequence = 0xfffffff0 + i,
                               .acknowledgement = i,
                               .flags = kTcpAck,
                               .payload = payload});
    ASSERT_EQ(test::checksum_error(reply, 14), "") << i;
    payload.push_back(static_cast<std::byte>(i * 73));
  }
}

TEST(BuildTcpReply, CarriesTimestamps) {
  const Bytes frame = PacketBuilder().ipv4("10.0.0.1", "10.0.0.2").tcp(1, 2).payload("x").build();
  const Bytes expected = PacketBuilder()
                             .ipv4("10.0.0.2", "10.0.0.1")
                             .ip_id(5)
                             .tcp(2, 1)
                             .seq(5)
                             .ack(6)
                             .flags("A")
                             .tcp_options(from_hex("0101 080a 01020304 fffefdfc"))
                             .payload("page")
                             .build();
  const Bytes reply = build(frame, LinkType::raw_ip,
                            {.towards = Towards::client,
                             .sequence = 5,
                             .acknowledgement = 6,
                             .flags = kTcpAck,
                             .timestamps = TcpTimestamps{.value = 0x01020304, .echo = 0xfffefdfc},
                             .payload = test::to_bytes("page")});
  EXPECT_EQ(test::difference(expected, reply), "");
}

TEST(BuildTcpReply, RefusesWhatItCannotWrite) {
  const Bytes tcp = PacketBuilder().ethernet().ipv4("10.0.0.1", "10.0.0.2").tcp(1, 2).payload("x").build();
  const Bytes udp = PacketBuilder().ethernet().ipv4("10.0.0.1", "10.0.0.2").udp(1, 2).payload("x").build();
  const PacketView seen = parse_packet(tcp, LinkType::ethernet);
  const TcpReply reset{.sequence = 1, .acknowledgement = 2, .flags = kTcpRst, .payload = {}};
  const Bytes untouched(200, std::byte{0x55});

  Bytes out(untouched.begin(), untouched.begin() + 53);
  EXPECT_EQ(tcp_reply_bytes(seen, reset), 54U);
  EXPECT_EQ(build_tcp_reply(seen, reset, out), 0U) << "a byte too small";
  EXPECT_EQ(test::difference(std::span(untouched).first(53), out), "");

  out = untouched;
  EXPECT_EQ(build_tcp_reply(parse_packet(udp, LinkType::ethernet), reset, out), 0U) << "not TCP";
  EXPECT_EQ(build_tcp_reply(parse_packet({}, LinkType::ethernet), reset, out), 0U) << "nothing";
  EXPECT_EQ(test::difference(untouched, out), "");

  EXPECT_EQ(build_tcp_reply(seen, reset, out), 54U) << "room left over";
  EXPECT_EQ(test::difference(std::span(untouched).subspan(54), std::span(out).subspan(54)), "");

  const Bytes longest(kMaxTcpReplyPayloadBytes);
  TcpReply large{.sequence = 1, .acknowledgement = 2, .flags = kTcpAck, .payload = longest};
  Bytes room(70000);
  EXPECT_EQ(build_tcp_reply(seen, large, room), 14U + 65535U);
  EXPECT_EQ(test::checksum_error(std::span(room).first(14 + 65535), 14), "");
  const Bytes too_long(kMaxTcpReplyPayloadBytes + 1);
  large.payload = too_long;
  EXPECT_EQ(build_tcp_reply(seen, large, room), 0U) << "longer than IPv4 can say";
}

}  // namespace
}  // namespace weir::proto
