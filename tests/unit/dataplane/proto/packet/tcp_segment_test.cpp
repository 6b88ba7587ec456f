#include "dataplane/proto/packet/tcp_segment.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/packet_builder.h"

namespace weir::proto {
namespace {

using test::Bytes;
using test::from_hex;
using test::PacketBuilder;

PacketBuilder segment() {
  return PacketBuilder().ethernet().ipv4("10.0.0.1", "10.0.0.2").tcp(1, 2).flags("S");
}

struct Case {
  std::string what;
  std::string options;
  std::uint16_t expected;
};

TEST(TcpMaximumSegment, IsFoundAmongTheOptions) {
  const std::vector<Case> cases{
      {"no options", "", 0},
      {"alone", "020405b4", 1460},
      {"as Linux sends it", "020405b40402080a0000000100000000010303 07", 1460},
      {"after no-operations", "0101 0402 02040218", 536},
      {"the first of two", "02040100 02040200", 256},
      {"after the end of the list", "00 020405b4", 0},
      {"too short", "0203 05 00", 0},
      {"too long", "0205 05b400 00", 0},
      {"after an option of length 0", "0300 020405b4", 0},
      {"after an option that is longer than the header", "08ff 020405b4", 0},
      {"cut short", "01010102", 0},
      {"cut short in its length", "01010204", 0},
  };
  for (const Case& test : cases) {
    for (const char* payload : {"", "GET / HTTP/1.1"}) {
      const Bytes frame = segment().tcp_options(from_hex(test.options)).payload(payload).build();
      EXPECT_EQ(tcp_maximum_segment(parse_packet(frame, LinkType::ethernet)), test.expected) << test.what;
    }
  }
}

TEST(TcpTimestamps, AreFoundAmongTheOptions) {
  struct Timestamped {
    std::string what;
    std::string options;
    std::optional<TcpTimestamps> expected;
  };
  const TcpTimestamps both{.value = 0x01020304, .echo = 0xfffefdfc};
  const std::vector<Timestamped> rows{
      {"no options", "", std::nullopt},
      {"as Linux sends it", "0101 080a 01020304 fffefdfc", both},
      {"in a SYN", "020405b4 0402 080a 01020304 fffefdfc 01 030307", both},
      {"too short", "0806 01020304 0000", std::nullopt},
      {"longer than the header", "080a 01020304 fffe", std::nullopt},
  };
  for (const Timestamped& row : rows) {
    const Bytes frame = segment().tcp_options(from_hex(row.options)).payload("GET /").build();
    EXPECT_EQ(tcp_timestamps(parse_packet(frame, LinkType::ethernet)), row.expected) << row.what;
  }
}

TEST(TcpJoinsConnection, IsFoundAmongTheOptions) {
  struct Row {
    std::string what;
    std::string options;
    std::string flags;
    bool expected;
  };
  const std::string join = "1e0c 10 05 00000001 00000002";
  const std::vector<Row> rows{
      {"no options", "", "S", false},
      {"a join", join, "S", true},
      {"a join, as a backup, after other options", "020405b4 0402 0101 1e0c 11 05 00000001 00000002", "S",
       true},
      {"its answer", "1e10 10 05 00000001 00000002 00000003", "SA", false},
      {"the flags of an answer", join, "SA", false},
      {"a join without SYN", join, "A", false},
      {"a new connection", "1e04 01 81", "S", false},
      {"a new connection that is as long", "1e0c 01 81 00000001 00000002", "S", false},
      {"cut short", "1e0c 10 05", "S", false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const Bytes frame = segment().flags(row.flags).tcp_options(from_hex(row.options)).build();
    EXPECT_EQ(tcp_joins_connection(parse_packet(frame, LinkType::ethernet)), row.expected);
  }
}

TEST(TcpMaximumSegment, OfTcpAlone) {
  const Bytes udp = PacketBuilder().ethernet().ipv4("10.0.0.1", "10.0.0.2").udp(1, 2).payload("x").build();
  EXPECT_EQ(tcp_maximum_segment(parse_packet(udp, LinkType::ethernet)), 0);
  EXPECT_EQ(tcp_maximum_segment(PacketView{}), 0);
}

}  // namespace
}  // namespace weir::proto
