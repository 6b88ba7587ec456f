#include "dataplane/proto/quic/quic_crypto.h"

#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include "tests/support/quic_packet_builder.h"

namespace weir::test {
namespace {

using proto::QuicConnectionId;
using proto::QuicCrypto;
using proto::QuicVersion;

std::size_t allocations = 0;

// Counts the allocations of OpenSSL. Must be set before its first one.
const bool counting = CRYPTO_set_mem_functions(
                          [](std::size_t bytes, const char*, int) {
                            ++allocations;
                            return std::malloc(bytes);
                          },
                          [](void* memory, std::size_t bytes, const char*, int) {
                            ++allocations;
                            return std::realloc(memory, bytes);
                          },
                          [](void* memory, const char*, int) { std::free(memory); }) == 1;

template <std::size_t N>
Bytes bytes_of(const std::array<std::byte, N>& array) {
  return {array.begin(), array.end()};
}

// The CRYPTO frame of RFC 9001, A.2 and RFC 9369, A.2.
Bytes sample_frame() {
  return from_hex(
      "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868"
      "04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578"
      "616d706c652e636f6dff01000100000a00080006001d00170018001000070005"
      "04616c706e000500050100000000003300260024001d00209370b2c9caa47fba"
      "baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400"
      "0d0010000e0403050306030203080408050806002d00020101001c0002400100"
      "3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000"
      "75300901100f088394c8f03e51570806048000ffff");
}

struct Vector {
  std::string what;
  std::uint32_t number;
  QuicVersion version;
  std::string key;
  std::string iv;
  std::string header_protection;
  std::string packet_begins;
  std::string packet_ends;  // with the tag, which covers every byte
};

// RFC 9001, A.1 and A.2; RFC 9369, A.1 and A.2.
std::vector<Vector> vectors() {
  return {
      {"version 1", kQuicV1, QuicVersion::v1, "1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c",
       "9f50449e04a0e810283a1e9933adedd2", "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
       "7e78bfe706ca4cf5e9c5453e9f7cfd2b8b4c8d169a44e55c88d4a9a7f9474241"
       "e221af44860018ab0856972e194cd934"},
      {"version 2", kQuicV2, QuicVersion::v2, "8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f",
       "45b95e15235d6f45a6b19cbcb0294ba9", "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
       "6f4c4938ae79324dc402894b44faf8afbab35282ab659d13c93f70412e85cb19"
       "9a37ddec600545473cfb5a05e08d0b209973b2172b4d21fb69745a262ccde96b"
       "a18b2faa745b6fe189cf772a9f84cbfc"}};
}

std::string opened(QuicCrypto& crypto, const Bytes& datagram, std::string_view id,
                   std::uint64_t next_number = 0) {
  const auto parse = proto::parse_quic_packet(datagram);
  if (parse.status != base::ParseStatus::found) return "no packet";
  Bytes plaintext(datagram.size());
  const auto& keys = crypto.client_keys(parse.packet.version, QuicConnectionId(from_hex(id)));
  const auto result = crypto.open(keys, parse.packet, next_number, plaintext);
  if (!result) return "not authentic";
  return std::to_string(result->packet_number) + ' ' + std::string(to_text(result->frames));
}

TEST(QuicCrypto, KeysOfTheStandards) {
  QuicCrypto crypto;
  for (const Vector& v : vectors()) {
    const auto& keys = crypto.client_keys(v.version, QuicConnectionId(from_hex(kQuicClientId)));
    EXPECT_EQ(bytes_of(keys.key), from_hex(v.key)) << v.what;
    EXPECT_EQ(bytes_of(keys.iv), from_hex(v.iv)) << v.what;
    EXPECT_EQ(bytes_of(keys.header_protection), from_hex(v.header_protection)) << v.what;
  }
}

TEST(QuicCrypto, PacketsOfTheStandards) {
  QuicCrypto crypto;
  for (const Vector& v : vectors()) {
    const Bytes packet =
        QuicPacketBuilder().version(v.number).number(2, 4).frames(sample_frame()).pad_to(1200).build();
    const Bytes begins = from_hex(v.packet_begins);
    const Bytes ends = from_hex(v.packet_ends);
    EXPECT_EQ(Bytes(packet.begin(), packet.begin() + 32), begins) << v.what << ": the tests' own packets";
    EXPECT_EQ(Bytes(packet.end() - static_cast<std::ptrdiff_t>(ends.size()), packet.end()), ends) << v.what;
    Bytes payload = sample_frame();
    payload.resize(1162);
    EXPECT_EQ(opened(crypto, packet, kQuicClientId), "2 " + std::string(to_text(payload))) << v.what;
  }
}

struct ServerVector {
  std::string what;
  std::uint32_t number;
  QuicVersion version;
  std::string key;
  std::string iv;
  std::string header_protection;
  std::string header;  // of the packet of A.3, with its number
  std::string packet;
};

// RFC 9001, A.1 and A.3; RFC 9369, A.1 and A.3.
std::vector<ServerVector> server_vectors() {
  return {
      {"version 1", kQuicV1, QuicVersion::v1, "cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e",
       "c206b8d9b9f0f37644430b490eeaa314", "c1000000010008f067a5502a4262b50040750001",
       "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a"
       "5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3"
       "dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84"
       "022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc4"
       "2158407dd074ee"},
      {"version 2", kQuicV2, QuicVersion::v2, "82db637861d55e1d011f19ea71d5d2a7", "dd13c276499c0249d3310652",
       "edf6d05c83121201b436e16877593c3a", "d16b3343cf0008f067a5502a4262b50040750001",
       "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698"
       "baeea26b91eb761d9b89237bbf87263017915358230035f7fd3945d88965cf17"
       "f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2"
       "c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca8"
       "4bed8521e2e140"}};
}

TEST(QuicCrypto, ServersPacketsOfTheStandards) {
  const Bytes frames = from_hex(
      "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf739"
      "88cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c94"
      "0d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00"
      "020304");
  QuicCrypto crypto;
  for (const ServerVector& v : server_vectors()) {
    const auto keys = crypto.server_keys(v.version, QuicConnectionId(from_hex(kQuicClientId)));
    EXPECT_EQ(bytes_of(keys.key), from_hex(v.key)) << v.what;
    EXPECT_EQ(bytes_of(keys.iv), from_hex(v.iv)) << v.what;
    EXPECT_EQ(bytes_of(keys.header_protection), from_hex(v.header_protection)) << v.what;
    Bytes packet = from_hex(v.header);
    const std::size_t header_bytes = packet.size();
    append(packet, frames);
    packet.resize(packet.size() + QuicCrypto::kTagBytes);
    crypto.seal(keys, 1, header_bytes, 2, packet);
    EXPECT_EQ(difference(from_hex(v.packet), packet), "") << v.what;
    const Bytes built = QuicPacketBuilder()
                            .version(v.number)
                            .id("")
                            .source_id("f067a5502a4262b5")
                            .keys_from(kQuicClientId)
                            .from_server()
                            .number(1, 2)
                            .frames(frames)
                            .build();
    EXPECT_EQ(difference(from_hex(v.packet), built), "") << v.what << ": the tests' own packets";
  }
}

TEST(QuicCrypto, EveryVersionAndNumberLength) {
  QuicCrypto crypto;
  for (const std::uint32_t version : {kQuicV1, kQuicV2, kQuicDraft29, 0xff000017U, 0xff000022U}) {
    for (std::size_t bytes = 1; bytes <= 4; ++bytes) {
      const Bytes packet =
          QuicPacketBuilder().version(version).number(7, bytes).frames(to_bytes("hello")).build();
      EXPECT_EQ(opened(crypto, packet, kQuicClientId), "7 hello") << std::hex << version << ' ' << bytes;
    }
  }
}

TEST(QuicCrypto, PacketNumbers) {
  struct Case {
    std::string what;
    std::uint64_t number;
    std::size_t sent_bytes;
    std::uint64_t next;
    std::string expected;
  };
  const std::vector<Case> cases{
      {"the first", 0, 1, 0, "0 hello"},
      {"as sent", 200, 1, 0, "200 hello"},
      {"beyond the largest byte", 0x101, 1, 0xff, "257 hello"},
      {"before the byte's end", 0xfe, 1, 0x101, "254 hello"},
      {"RFC 9000, A.3", 0xa82f9b32, 2, 0xa82f30eb, "2821692210 hello"},
      {"beyond four bytes", 0x1ffffffff, 4, 0x200000001, "8589934591 hello"},
      {"a decoy raised the next number", 3, 1, 0x100000, "3 hello"},
      {"out of reach", 0x101, 1, 0, "not authentic"},
  };
  QuicCrypto crypto;
  for (const Case& c : cases) {
    const Bytes packet = QuicPacketBuilder().number(c.number, c.sent_bytes).frames(to_bytes("hello")).build();
    EXPECT_EQ(opened(crypto, packet, kQuicClientId, c.next), c.expected) << c.what;
  }
}

TEST(QuicCrypto, OnlyAuthenticPackets) {
  QuicCrypto crypto;
  const Bytes good = QuicPacketBuilder().frames(to_bytes("hello")).build();
  EXPECT_EQ(opened(crypto, good, "0102030405060708"), "not authentic") << "other keys";
  const std::size_t first_number_byte = good.size() - to_bytes("hello").size() - 16 - 1;
  for (std::size_t i = first_number_byte; i < good.size(); ++i) {
    Bytes broken = good;
    broken[i] ^= std::byte{1};
    EXPECT_EQ(opened(crypto, broken, kQuicClientId), "not authentic") << "byte " << i;
  }
  EXPECT_EQ(opened(crypto, good, kQuicClientId), "0 hello") << "the contexts go on after failures";
  // Too short for a sample: only number and tag.
  const Bytes tiny =
      from_hex("c0 00000001 08 8394c8f03e515708 00 00 13 000102030405060708090a0b0c0d0e0f101112");
  EXPECT_EQ(opened(crypto, tiny, kQuicClientId), "not authentic");
}

TEST(QuicCrypto, IdsThatShareACachePlace) {
  QuicCrypto crypto;
  const std::vector<std::string> ids{"0100000000000002", "0200000000000001", "0100000000000102", "", "03"};
  for (int round = 0; round < 2; ++round) {
    for (const std::string& id : ids) {
      const Bytes packet = QuicPacketBuilder().id(id).frames(to_bytes("hello")).build();
      EXPECT_EQ(opened(crypto, packet, id), "0 hello") << id;
    }
  }
}

TEST(QuicCrypto, AllocatesNothingForAPacket) {
  ASSERT_TRUE(counting);
  QuicCrypto crypto;
  const Bytes packet = QuicPacketBuilder().frames(to_bytes("hello")).pad_to(1200).build();
  const auto parse = proto::parse_quic_packet(packet);
  Bytes plaintext(packet.size());
  std::size_t authentic = 0;
  const std::size_t before = allocations;
  for (unsigned i = 0; i < 100; ++i) {
    // Another id each time: derivations and failures, and the keys of the packet in between.
    const std::array<std::byte, 8> id{static_cast<std::byte>(i)};
    static_cast<void>(
        crypto.open(crypto.client_keys(QuicVersion::v1, QuicConnectionId(id)), parse.packet, 0, plaintext));
    const auto& keys = crypto.client_keys(QuicVersion::v1, QuicConnectionId(parse.packet.destination_id));
    authentic += crypto.open(keys, parse.packet, 0, plaintext) ? 1U : 0U;
  }
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(authentic, 100U);
}

}  // namespace
}  // namespace weir::test
