#include "dataplane/proto/reply/quic_close.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/quic_packet_builder.h"

namespace weir::test {
namespace {

using proto::QuicConnectionId;
using proto::QuicInitialSeen;

/// CONNECTION_CLOSE: type 0x1c, error code 0x100 + unrecognized_name (112), no frame type, no reason.
const std::string kCloseFrame = "1c 4170 00 00";

TEST(QuicClose, IsTheInitialOfAServerThatRefuses) {
  struct Case {
    std::string what;
    std::uint32_t version;
    std::string keys;
    std::string destination;
    std::string source;
    std::uint64_t number;
    std::uint64_t answered_as;
  };
  const std::string longest = "000102030405060708090a0b0c0d0e0f10111213";
  const std::vector<Case> cases{
      {"a first flight without a source id", kQuicV1, "8394c8f03e515708", "8394c8f03e515708", "", 0, 1000},
      {"with one", kQuicV1, "8394c8f03e515708", "8394c8f03e515708", "0a0b0c", 1, 1001},
      {"the server's id taken over", kQuicV1, "8394c8f03e515708", "f067a5502a4262b5", "0a0b0c", 3, 1003},
      {"the longest ids", kQuicV1, longest, longest, longest, 0, 1000},
      {"no ids", kQuicV1, "", "", "", 0, 1000},
      {"version 2", kQuicV2, "8394c8f03e515708", "8394c8f03e515708", "0a", 0, 1000},
      {"draft 29", kQuicDraft29, "8394c8f03e515708", "8394c8f03e515708", "0a", 0, 1000},
      {"draft 23", 0xff000017, "8394c8f03e515708", "8394c8f03e515708", "0a", 0, 1000},
      {"draft 34", 0xff000022, "8394c8f03e515708", "8394c8f03e515708", "0a", 0, 1000},
      {"a client that counts far", kQuicV1, "8394c8f03e515708", "8394c8f03e515708", "0a", 1U << 30, 2000},
  };
  proto::QuicCrypto crypto;
  for (const Case& c : cases) {
    const QuicInitialSeen seen{.version = proto::quic_version_of(c.version),
                               .version_number = c.version,
                               .keys_id = QuicConnectionId(from_hex(c.keys)),
                               .destination_id = QuicConnectionId(from_hex(c.destination)),
                               .source_id = QuicConnectionId(from_hex(c.source)),
                               .packet_number = c.number};
    const Bytes expected = QuicPacketBuilder()
                               .version(c.version)
                               .id(c.source)
                               .source_id(c.destination)
                               .keys_from(c.keys)
                               .from_server()
                               .number(c.answered_as, 2)
                               .frames(from_hex(kCloseFrame))
                               .build();
    Bytes out(proto::kMaxQuicCloseBytes, std::byte{0x55});
    out.resize(proto::build_quic_close(crypto, seen, out));
    EXPECT_EQ(difference(expected, out), "") << c.what;
  }
}

TEST(QuicClose, NeedsRoomAndAVersion) {
  proto::QuicCrypto crypto;
  Bytes small(proto::kMaxQuicCloseBytes - 1);
  QuicInitialSeen seen{.version = proto::QuicVersion::v1, .version_number = kQuicV1};
  EXPECT_EQ(proto::build_quic_close(crypto, seen, small), 0U);
  Bytes out(proto::kMaxQuicCloseBytes);
  EXPECT_NE(proto::build_quic_close(crypto, seen, out), 0U);
  seen.version = proto::QuicVersion::unknown;
  EXPECT_EQ(proto::build_quic_close(crypto, seen, out), 0U);
}

}  // namespace
}  // namespace weir::test
