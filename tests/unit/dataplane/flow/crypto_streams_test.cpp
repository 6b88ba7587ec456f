#include "dataplane/flow/crypto_streams.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/quic_packet_builder.h"

namespace weir::test {
namespace {

using flow::CryptoStream;
using flow::CryptoStreams;
using flow::kCryptoChunkBytes;
using flow::kMaxCryptoBytes;
using proto::QuicConnectionId;
using proto::QuicVersion;
using std::chrono::seconds;

constexpr auto kStored = CryptoStreams::Stored::stored;
constexpr auto kConflict = CryptoStreams::Stored::conflict;

QuicConnectionId id_of(std::uint64_t number) {
  Bytes bytes;
  append_integer(bytes, number, 8);
  return QuicConnectionId(bytes);
}

Bytes pattern(std::size_t bytes, std::uint32_t seed = 1) {
  std::mt19937 random(seed);
  Bytes result(bytes);
  for (std::byte& byte : result) byte = static_cast<std::byte>(random());
  return result;
}

Bytes kept(CryptoStreams& streams, const CryptoStream& stream, std::size_t begin, std::size_t end) {
  const auto bytes = streams.read(stream, begin, end);
  return {bytes.begin(), bytes.end()};
}

flow::FlowKey key_of(std::uint8_t source) {
  flow::FlowKey key;
  key.source.bytes[0] = std::byte{source};
  return key;
}

CryptoStream& add(CryptoStreams& streams, std::uint64_t connection, QuicVersion version,
                  const QuicConnectionId& id, std::chrono::nanoseconds now, std::uint8_t source = 0) {
  return streams.add(connection, streams.source_of(key_of(source)), version, id, {}, now);
}

TEST(CryptoStreams, AnyPiecesInAnyOrder) {
  struct Case {
    std::string what;
    std::size_t bytes;
    std::size_t pieces;
  };
  for (const Case& c : std::vector<Case>{{"whole", 300, 1},
                                         {"two", 300, 2},
                                         {"ten", 1800, 10},
                                         {"a byte each", 700, 700},
                                         {"over the edge of a buffer", kCryptoChunkBytes + 1, 3},
                                         {"over many buffers", 20000, 17},
                                         {"all there is room for", kMaxCryptoBytes, 50}}) {
    for (std::uint32_t seed = 0; seed < 5; ++seed) {
      CryptoStreams streams({});
      CryptoStream& stream = add(streams, 1, QuicVersion::v1, id_of(1), seconds(0));
      const Bytes all = pattern(c.bytes);
      const auto pieces = shuffled(quic_pieces(all, c.pieces), seed);
      for (std::size_t i = 0; i < pieces.size(); ++i) {
        ASSERT_FALSE(streams.has(stream, 0, all.size())) << c.what << ": before piece " << i;
        EXPECT_EQ(streams.store(stream, pieces[i].offset, pieces[i].data), kStored) << c.what;
        EXPECT_EQ(streams.store(stream, pieces[i].offset, pieces[i].data), kStored) << c.what << ": again";
      }
      ASSERT_TRUE(streams.has(stream, 0, all.size())) << c.what;
      EXPECT_FALSE(streams.has(stream, 0, all.size() + 1)) << c.what;
      EXPECT_EQ(difference(all, kept(streams, stream, 0, all.size())), "") << c.what;
    }
  }
}

TEST(CryptoStreams, TheFirstCopyCounts) {
  CryptoStreams streams({});
  CryptoStream& stream = add(streams, 1, QuicVersion::v1, id_of(1), seconds(0));
  EXPECT_EQ(streams.store(stream, 2, to_bytes("cdef")), kStored);
  EXPECT_EQ(streams.store(stream, 0, to_bytes("abcXe")), kConflict);
  EXPECT_EQ(to_text(kept(streams, stream, 0, 6)), "abcdef")
      << "and what was new of the conflicting piece is kept";
  EXPECT_EQ(streams.store(stream, 5, to_bytes("fgh")), kStored);
  EXPECT_EQ(to_text(kept(streams, stream, 0, 8)), "abcdefgh");
}

TEST(CryptoStreams, BytesBeyondTheEndAreLeftOut) {
  CryptoStreams streams({});
  CryptoStream& stream = add(streams, 1, QuicVersion::v1, id_of(1), seconds(0));
  EXPECT_EQ(streams.store(stream, kMaxCryptoBytes, to_bytes("a")), kStored);
  EXPECT_EQ(streams.store(stream, std::uint64_t{1} << 62, to_bytes("a")), kStored);
  EXPECT_EQ(streams.chunks_used(), 0U);
  EXPECT_EQ(streams.store(stream, kMaxCryptoBytes - 1, to_bytes("ab")), kStored);
  EXPECT_TRUE(streams.has(stream, kMaxCryptoBytes - 1, kMaxCryptoBytes));
  EXPECT_FALSE(streams.has(stream, kMaxCryptoBytes - 1, kMaxCryptoBytes + 1));
  EXPECT_EQ(streams.store(stream, 0, {}), kStored);
  EXPECT_EQ(streams.chunks_used(), 1U) << "no bytes, no memory";
}

TEST(CryptoStreams, StreamsAreToldApart) {
  CryptoStreams streams({});
  add(streams, 1, QuicVersion::v1, id_of(1), seconds(0));
  EXPECT_NE(streams.find(1, QuicVersion::v1, id_of(1), seconds(0)), nullptr);
  EXPECT_EQ(streams.find(2, QuicVersion::v1, id_of(1), seconds(0)), nullptr);
  EXPECT_EQ(streams.find(1, QuicVersion::v2, id_of(1), seconds(0)), nullptr);
  EXPECT_EQ(streams.find(1, QuicVersion::v1, id_of(2), seconds(0)), nullptr);
  EXPECT_NE(streams.find(1, QuicVersion::v1, id_of(1), seconds(59)), nullptr);
  EXPECT_EQ(streams.find(1, QuicVersion::v1, id_of(1), seconds(60)), nullptr);

  flow::FlowKey key;
  key.source_port = 1;
  key.destination_port = 2;
  flow::FlowKey other = key;
  other.source_port = 3;
  EXPECT_EQ(streams.connection_of(key), streams.connection_of(key));
  EXPECT_NE(streams.connection_of(key), streams.connection_of(other));
  other = key;
  other.source.is_v6 = true;
  EXPECT_NE(streams.connection_of(key), streams.connection_of(other));
}

// One set of eight places, so that the ninth stream evicts another.
TEST(CryptoStreams, OrderOfEvictionFromAFullSet) {
  struct Case {
    std::string what;
    std::vector<std::uint64_t> decided;
    std::vector<std::uint64_t> blocked;
    std::uint64_t gone;
    std::uint64_t evictions;
  };
  for (const Case& c :
       std::vector<Case>{{"the oldest", {}, {}, 0, 1},
                         {"a decided one, without loss", {5, 6}, {}, 5, 0},
                         {"blocked ones last", {}, {0, 1, 2}, 3, 1},
                         {"the oldest of blocked ones", {}, {0, 1, 2, 3, 4, 5, 6, 7}, 0, 1}}) {
    CryptoStreams streams({.capacity = 8});
    for (std::uint64_t i = 0; i < 8; ++i) add(streams, 9, QuicVersion::v1, id_of(i), seconds(i));
    for (const auto i : c.decided) streams.find(9, QuicVersion::v1, id_of(i), seconds(8))->decided[0] = true;
    for (const auto i : c.blocked) streams.find(9, QuicVersion::v1, id_of(i), seconds(8))->blocked = true;
    add(streams, 9, QuicVersion::v1, id_of(100), seconds(8));
    for (std::uint64_t i = 0; i < 8; ++i) {
      EXPECT_EQ(streams.find(9, QuicVersion::v1, id_of(i), seconds(8)) == nullptr, i == c.gone)
          << c.what << i;
    }
    EXPECT_EQ(streams.evictions(), c.evictions) << c.what;
  }
}

TEST(CryptoStreams, ExpiredStreamsMakeRoomWithoutLoss) {
  CryptoStreams streams({.capacity = 8});
  for (std::uint64_t i = 0; i < 100; ++i) {
    CryptoStream& stream = add(streams, i, QuicVersion::v1, id_of(i), seconds(61 * i));
    streams.store(stream, 0, pattern(kMaxCryptoBytes));
  }
  EXPECT_EQ(streams.evictions(), 0U);
  EXPECT_LE(streams.chunks_used(), CryptoStreams::kMinChunks);
}

// The smallest pool holds two full streams or 64 short ones.
TEST(CryptoStreams, DecidedBytesGoBeforeUndecidedOnes) {
  CryptoStreams streams({.capacity = 1024, .memory_bytes = 0});
  std::vector<CryptoStream*> all;
  for (std::uint64_t i = 0; i < CryptoStreams::kMinChunks; ++i) {
    all.push_back(&add(streams, i, QuicVersion::v1, id_of(i), seconds(0)));
    streams.store(*all.back(), 0, to_bytes("hello"));
  }
  for (const std::size_t i : {30U, 20U}) {
    all[i]->decided[0] = true;
    streams.retire(*all[i]);
  }
  CryptoStream& late = add(streams, 1000, QuicVersion::v1, id_of(1000), seconds(1));
  streams.store(late, 0, to_bytes("a"));
  EXPECT_FALSE(streams.has(*all[30], 0, 5)) << "the first that was decided";
  EXPECT_FALSE(all[30]->decided[0]) << "it is read anew";
  streams.store(late, kCryptoChunkBytes, to_bytes("a"));
  EXPECT_FALSE(streams.has(*all[20], 0, 5));
  EXPECT_EQ(streams.evictions(), 0U);
  streams.store(late, 2 * kCryptoChunkBytes, to_bytes("a"));
  EXPECT_FALSE(streams.has(*all[0], 0, 5)) << "then the one that waited longest";
  EXPECT_EQ(streams.evictions(), 1U);
  EXPECT_TRUE(streams.has(*all[1], 0, 5));
  EXPECT_EQ(streams.chunks_used(), CryptoStreams::kMinChunks);
}

TEST(CryptoStreams, NewBytesMakeADecidedStreamWaitAgain) {
  CryptoStreams streams({.capacity = 1024, .memory_bytes = 0});
  CryptoStream& second = add(streams, 0, QuicVersion::v1, id_of(0), seconds(0));
  streams.store(second, 0, to_bytes("hello"));
  second.decided[0] = true;
  streams.retire(second);
  streams.store(second, 0, to_bytes("hello"));  // nothing new
  streams.store(second, 5, to_bytes("h"));
  CryptoStream& decided = add(streams, 1, QuicVersion::v1, id_of(1), seconds(0));
  streams.store(decided, 0, to_bytes("hello"));
  decided.decided[0] = true;
  streams.retire(decided);
  CryptoStream& large = add(streams, 2, QuicVersion::v1, id_of(2), seconds(0));
  streams.store(large, 0, pattern(kMaxCryptoBytes));
  CryptoStream& rest = add(streams, 3, QuicVersion::v1, id_of(3), seconds(0));
  streams.store(rest, 0, pattern(31 * kCryptoChunkBytes));
  EXPECT_TRUE(streams.has(second, 0, 6));
  EXPECT_FALSE(streams.has(decided, 0, 5));
}

TEST(CryptoStreams, AFloodStaysBoundedAndLeavesTheLastWhole) {
  CryptoStreams streams({.capacity = 64, .memory_bytes = 0});
  for (std::uint64_t i = 0; i < 500; ++i) {
    CryptoStream& stream = add(streams, i * 7919, QuicVersion::v1, id_of(i), seconds(1));
    const Bytes all = pattern(1 + i * 37 % kMaxCryptoBytes, static_cast<std::uint32_t>(i));
    streams.store(stream, 0, all);
    ASSERT_TRUE(streams.has(stream, 0, all.size())) << i;
    ASSERT_EQ(difference(all, kept(streams, stream, 0, all.size())), "") << i;
    ASSERT_LE(streams.chunks_used(), CryptoStreams::kMinChunks);
  }
  EXPECT_GT(streams.evictions(), 300U);
}

// The table is full of one sender's undecided connections many times over.
TEST(CryptoStreams, AFloodFromOneSenderCostsNobodyElse) {
  CryptoStreams streams({.capacity = 256, .memory_bytes = 256 * kCryptoChunkBytes});
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> others;
  for (std::uint8_t source = 1; source <= 5; ++source) {
    others.push_back(random());
    streams.store(add(streams, others.back(), QuicVersion::v1, id_of(source), seconds(0), source), 0,
                  to_bytes("hello"));
  }
  for (std::uint64_t i = 0; i < 5000; ++i) {
    streams.store(add(streams, random(), QuicVersion::v1, id_of(1000 + i), seconds(1), 99), 0,
                  to_bytes("junk"));
  }
  for (std::uint8_t source = 1; source <= 5; ++source) {
    const CryptoStream* stream =
        streams.find(others[source - 1U], QuicVersion::v1, id_of(source), seconds(1));
    ASSERT_NE(stream, nullptr) << int{source};
    EXPECT_TRUE(streams.has(*stream, 0, 5)) << int{source};
  }
  EXPECT_GT(streams.evictions(), 4000U);
}

TEST(CryptoStreams, AFloodOfBlockedConnectionsCostsNobodyElse) {
  CryptoStreams streams({.capacity = 64});
  std::mt19937_64 random(2);
  const auto flood = [&] {
    for (std::uint64_t i = 0; i < 1000; ++i) {
      CryptoStream& stream = add(streams, random(), QuicVersion::v1, id_of(1000 + i), seconds(1), 99);
      stream.decided[0] = true;
      streams.retire(stream);
      streams.block(stream);
    }
  };
  flood();
  const std::uint64_t other = random();
  add(streams, other, QuicVersion::v1, id_of(1), seconds(1), 1);
  flood();
  EXPECT_NE(streams.find(other, QuicVersion::v1, id_of(1), seconds(1)), nullptr);
}

TEST(CryptoStreams, KeepsTheKeysOfEachStream) {
  CryptoStreams streams({});
  proto::QuicInitialKeys keys;
  keys.key[0] = std::byte{5};
  streams.add(1, 0, QuicVersion::v1, id_of(1), keys, seconds(0));
  add(streams, 1, QuicVersion::v1, id_of(2), seconds(0));
  EXPECT_EQ(streams.keys_of(*streams.find(1, QuicVersion::v1, id_of(1), seconds(0))).key[0], std::byte{5});
  EXPECT_EQ(streams.keys_of(*streams.find(1, QuicVersion::v1, id_of(2), seconds(0))).key[0], std::byte{0});
}

}  // namespace
}  // namespace weir::test
