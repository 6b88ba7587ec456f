#include "dataplane/proto/quic/quic_initial.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/quic_packet_builder.h"

namespace weir::test {
namespace {

using base::ParseStatus;
using proto::QuicPacketType;
using proto::QuicVersion;
using Type = QuicPacketBuilder::Type;

std::string name_of(QuicPacketType type) {
  switch (type) {
    case QuicPacketType::initial:
      return "initial";
    case QuicPacketType::zero_rtt:
      return "0-RTT";
    case QuicPacketType::handshake:
      return "handshake";
    case QuicPacketType::retry:
      return "retry";
    case QuicPacketType::version_negotiation:
      return "version negotiation";
    case QuicPacketType::unknown_version:
      return "unknown version";
  }
  return "?";
}

QuicPacketBuilder packet() { return QuicPacketBuilder().source_id("aabb"); }
Bytes unknown(std::size_t bytes, std::string_view id = kQuicClientId, std::uint32_t version = 0x0a1a2a3a) {
  Bytes datagram = packet().version(version).id(id).pad_to(bytes).build();
  return datagram;
}
Bytes joined(const std::vector<Bytes>& packets) {
  Bytes all;
  for (const Bytes& each : packets) append(all, each);
  return all;
}

TEST(QuicPacket, KindsOfPackets) {
  struct Case {
    std::string what;
    Bytes datagram;
    ParseStatus status;
    std::string type;
    std::size_t bytes;  // of the packet
  };
  const Bytes initial = packet().pad_to(1200).build();
  const Bytes zero_rtt = packet().type(Type::zero_rtt).pad_to(300).build();
  const std::vector<Case> cases{
      {"nothing", {}, ParseStatus::absent, "", 0},
      {"a short header", from_hex("40 8394c8f03e515708 00 00 00"), ParseStatus::absent, "", 0},
      {"version 1 initial", initial, ParseStatus::found, "initial", 1200},
      {"version 1 0-RTT", zero_rtt, ParseStatus::found, "0-RTT", 300},
      {"version 1 handshake", packet().type(Type::handshake).pad_to(300).build(), ParseStatus::found,
       "handshake", 300},
      {"version 1 retry", quic_retry(kQuicV1, "aabb", "0102"), ParseStatus::found, "retry",
       quic_retry(kQuicV1, "aabb", "0102").size()},
      {"version 2 initial", packet().version(kQuicV2).pad_to(1200).build(), ParseStatus::found, "initial",
       1200},
      {"version 2 0-RTT", packet().version(kQuicV2).type(Type::zero_rtt).pad_to(300).build(),
       ParseStatus::found, "0-RTT", 300},
      {"version 2 handshake", packet().version(kQuicV2).type(Type::handshake).pad_to(300).build(),
       ParseStatus::found, "handshake", 300},
      {"version 2 retry", quic_retry(kQuicV2, "aabb", "0102"), ParseStatus::found, "retry",
       quic_retry(kQuicV2, "aabb", "0102").size()},
      {"draft 29 initial", packet().version(kQuicDraft29).pad_to(1200).build(), ParseStatus::found, "initial",
       1200},
      {"the first of two", joined({initial, zero_rtt}), ParseStatus::found, "initial", 1200},
      {"the QUIC bit clear", packet().clear_quic_bit().pad_to(1200).build(), ParseStatus::found, "initial",
       1200},
      {"a token", packet().token(Bytes(200)).pad_to(1200).build(), ParseStatus::found, "initial", 1200},
      {"version negotiation", quic_version_negotiation("aabb", "0102", {kQuicV1}), ParseStatus::found,
       "version negotiation", quic_version_negotiation("aabb", "0102", {kQuicV1}).size()},
      {"version negotiation without versions", quic_version_negotiation("aabb", "0102", {}),
       ParseStatus::absent, "", 0},
      {"a greased version", unknown(1200), ParseStatus::found, "unknown version", 1200},
      {"a small datagram of an unknown version", unknown(1199), ParseStatus::absent, "", 0},
      {"a short id of an unknown version", unknown(1200, "01020304050607"), ParseStatus::absent, "", 0},
      {"cut in the version", Bytes(initial.begin(), initial.begin() + 3), ParseStatus::absent, "", 0},
      {"cut in the ids", Bytes(initial.begin(), initial.begin() + 10), ParseStatus::malformed, "", 0},
      {"cut in the payload", Bytes(initial.begin(), initial.end() - 1), ParseStatus::malformed, "", 0},
      {"an id of 21 bytes", packet().id("000102030405060708090a0b0c0d0e0f1011121314").pad_to(1200).build(),
       ParseStatus::malformed, "", 0},
      {"a token longer than the datagram", from_hex("c0 00000001 00 00 bfffffff 00"), ParseStatus::malformed,
       "", 0},
  };
  for (const Case& c : cases) {
    const auto parse = proto::parse_quic_packet(c.datagram);
    EXPECT_EQ(parse.status, c.status) << c.what;
    if (parse.status != ParseStatus::found || c.status != ParseStatus::found) continue;
    EXPECT_EQ(name_of(parse.packet.type), c.type) << c.what;
    EXPECT_EQ(parse.packet.bytes.size(), c.bytes) << c.what;
    EXPECT_EQ(parse.packet.bytes.data(), c.datagram.data()) << c.what;
  }
}

TEST(QuicPacket, Fields) {
  const Bytes token = to_bytes("token");
  const Bytes datagram = packet().token(token).pad_to(1200).build();
  const auto parse = proto::parse_quic_packet(datagram);
  ASSERT_EQ(parse.status, ParseStatus::found);
  EXPECT_EQ(parse.packet.version, QuicVersion::v1);
  EXPECT_EQ(parse.packet.version_number, kQuicV1);
  EXPECT_EQ(Bytes(parse.packet.destination_id.begin(), parse.packet.destination_id.end()),
            from_hex(kQuicClientId));
  EXPECT_EQ(Bytes(parse.packet.source_id.begin(), parse.packet.source_id.end()), from_hex("aabb"));
  EXPECT_EQ(to_text(parse.packet.token), "token");
  EXPECT_EQ(parse.packet.packet_number_offset, 1U + 4 + 1 + 8 + 1 + 2 + 1 + 5 + 2);
}

TEST(QuicPacket, Versions) {
  struct Case {
    std::uint32_t number;
    QuicVersion version;
  };
  for (const Case& c : std::vector<Case>{{0, QuicVersion::unknown},
                                         {1, QuicVersion::v1},
                                         {2, QuicVersion::unknown},
                                         {0x6b3343cf, QuicVersion::v2},
                                         {0x709a50c4, QuicVersion::unknown},
                                         {0xff000016, QuicVersion::unknown},
                                         {0xff000017, QuicVersion::draft23},
                                         {0xff00001c, QuicVersion::draft23},
                                         {0xff00001d, QuicVersion::draft29},
                                         {0xff000020, QuicVersion::draft29},
                                         {0xff000021, QuicVersion::v1},
                                         {0xff000022, QuicVersion::v1},
                                         {0xff000023, QuicVersion::unknown}}) {
    EXPECT_EQ(proto::quic_version_of(c.number), c.version) << std::hex << c.number;
  }
}

}  // namespace
}  // namespace weir::test
