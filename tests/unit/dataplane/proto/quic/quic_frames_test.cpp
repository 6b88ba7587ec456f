#include "dataplane/proto/quic/quic_frames.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/bytes.h"

namespace weir::test {
namespace {

TEST(QuicFrames, Integers) {
  struct Case {
    std::string hex;
    std::uint64_t value;
    bool ok;
  };
  // RFC 9000, A.1.
  for (const Case& c : std::vector<Case>{{"c2197c5eff14e88c", 151288809941952652, true},
                                         {"9d7f3e7d", 494878333, true},
                                         {"7bbd", 15293, true},
                                         {"25", 37, true},
                                         {"4025", 37, true},
                                         {"c2197c5eff14e8", 0, false},
                                         {"40", 0, false},
                                         {"", 0, false}}) {
    const Bytes bytes = from_hex(c.hex);
    base::ByteReader reader(bytes);
    EXPECT_EQ(proto::read_quic_integer(reader), c.value) << c.hex;
    EXPECT_EQ(reader.ok(), c.ok) << c.hex;
  }
}

/// `offset:text` for each CRYPTO frame; a `!` at the end when the payload is malformed.
std::string read(const Bytes& payload) {
  proto::QuicFrameReader reader(payload);
  proto::QuicCryptoFrame frame;
  std::string text;
  while (reader.next(frame))
    text += std::to_string(frame.offset) + ':' + std::string(to_text(frame.data)) + ' ';
  return reader.malformed() ? text + '!' : text;
}

TEST(QuicFrames, Payloads) {
  struct Case {
    std::string what;
    std::string hex;
    std::string frames;
  };
  const std::vector<Case> cases{
      {"nothing", "", ""},
      {"padding alone", "00 00 00 00 00 00 00 00 00 00 00", ""},
      {"a CRYPTO frame", "06 00 03 616263", "0:abc "},
      {"an empty CRYPTO frame", "06 05 00", "5: "},
      {"at an offset, the length in eight bytes", "06 4100 c000000000000001 61", "256:a "},
      {"the largest offset", "06 ffffffffffffffff 01 61", "4611686018427387903:a "},
      {"the frame type in two bytes", "4006 00 01 61", "0:a "},
      {"padding, PING and CRYPTO mixed", "00 01 06 01 01 62 00000000000000000000 01 06 00 01 61 01",
       "1:b 0:a "},
      {"an ACK before it", "02 03 00 01 00 00 00 06 00 01 61", "0:a "},
      {"an ACK with ECN counts", "03 05 00 00 05 01 02 03 06 00 01 61", "0:a "},
      {"a CONNECTION_CLOSE before it", "1c 0a 00 03 616263 06 00 01 61", "0:a "},
      {"what comes before a forbidden frame stands", "06 00 01 61 08 00 06 01 01 62", "0:a !"},
      {"a CRYPTO frame longer than the packet", "06 00 04 616263", "!"},
      {"a length beyond any packet", "06 00 ffffffffffffffff 61", "!"},
      {"CRYPTO cut in its offset", "06 80", "!"},
      {"ACK ranges beyond the packet", "02 00 00 bfffffff 00", "!"},
      {"ACK cut short", "02 00", "!"},
      {"a reason longer than the packet", "1c 00 00 bfffffff", "!"},
      {"an application's close", "1d 00 00", "!"},
  };
  for (const Case& c : cases) EXPECT_EQ(read(from_hex(c.hex)), c.frames) << c.what;
}

TEST(QuicFrames, PaddingOfEveryLengthBeforeAFrame) {
  for (std::size_t bytes = 0; bytes < 40; ++bytes) {
    Bytes payload(bytes);
    append(payload, from_hex("06 00 01 61"));
    EXPECT_EQ(read(payload), "0:a ") << bytes;
  }
}

}  // namespace
}  // namespace weir::test
