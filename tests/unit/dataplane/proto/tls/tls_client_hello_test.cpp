#include "dataplane/proto/tls/tls_client_hello.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/tls_hello_builder.h"

namespace weir::proto {
namespace {

using base::ParseStatus;
using test::Bytes;
using test::from_hex;
using test::TlsHelloBuilder;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> names_of(const ClientHello& hello) {
  return {hello.server_names.begin(), hello.server_names.begin() + hello.server_name_count};
}

std::vector<std::string> other_names_of(const ClientHello& hello) {
  return {hello.other_names.begin(), hello.other_names.begin() + hello.other_name_count};
}

std::vector<std::string> alpn_of(const ClientHello& hello) {
  return {hello.alpn.begin(), hello.alpn.begin() + hello.alpn_count};
}

Bytes times(std::size_t count, std::string_view hex) {
  Bytes all;
  for (std::size_t i = 0; i < count; ++i) test::append(all, from_hex(hex));
  return all;
}

/// A hello in two records, the first with `first` bytes of it, with `between` after that one.
Bytes split(std::size_t first, const Bytes& between) {
  const Bytes message = TlsHelloBuilder().sni("a.example").handshake();
  Bytes all = from_hex("160301");
  test::append_integer(all, first, 2);
  all.insert(all.end(), message.begin(), message.begin() + static_cast<std::ptrdiff_t>(first));
  test::append(all, between);
  test::append(all, from_hex("160301"));
  test::append_integer(all, message.size() - first, 2);
  all.insert(all.end(), message.begin() + static_cast<std::ptrdiff_t>(first), message.end());
  return all;
}

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) test::append(all, part);
  return all;
}

struct Row {
  std::string description;
  Bytes stream;
  ParseStatus status;
  std::vector<std::string> names = {};
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.description);
    Bytes assembly(kMaxAssembledHelloBytes);
    const TlsParse parse = parse_tls_client_hello(row.stream, assembly);
    EXPECT_EQ(to_string(parse.status), to_string(row.status));
    if (parse.status == ParseStatus::found) {
      EXPECT_EQ(names_of(parse.hello), row.names);
    }
  }
}

TEST(TlsClientHello, ReadsWhatBrowsersSend) {
  const Bytes record = TlsHelloBuilder()
                           .grease()
                           .sni("www.example.com")
                           .typical()
                           .alpn({"\x1a\x1a", "h2", "http/1.1"})
                           .ech()
                           .pad_to(1800)
                           .record();
  ASSERT_EQ(record.size(), 1800U);
  const TlsParse parse = parse_tls_client_hello(record);
  ASSERT_EQ(parse.status, ParseStatus::found);
  EXPECT_THAT(names_of(parse.hello), ElementsAre("www.example.com"));
  EXPECT_THAT(alpn_of(parse.hello), ElementsAre("h2", "http/1.1"));
  EXPECT_TRUE(parse.hello.has_ech);
  const auto* data = reinterpret_cast<const char*>(record.data());
  EXPECT_GE(parse.hello.server_names[0].data(), data);
  EXPECT_LE(parse.hello.server_names[0].data() + 15, data + record.size());
}

TEST(TlsClientHello, Names) {
  const auto hello = [](const std::vector<std::string_view>& names) {
    return TlsHelloBuilder().server_names(names).record();
  };
  check({
      {"one", hello({"a.example"}), ParseStatus::found, {"a.example"}},
      {"as sent: case, dot, port",
       hello({"WwW.Example.Com.:443"}),
       ParseStatus::found,
       {"WwW.Example.Com.:443"}},
      {"several", hello({"a.example", "b.example"}), ParseStatus::found, {"a.example", "b.example"}},
      {"more than are kept",
       hello({"a.example", "b.example", "c.example", "d.example", "e.example"}),
       ParseStatus::found,
       {"a.example", "b.example", "c.example", "d.example"}},
      {"in two extensions",
       TlsHelloBuilder().sni("a.example").sni("b.example").record(),
       ParseStatus::found,
       {"a.example", "b.example"}},
      {"after 60 other extensions",
       [] {
         TlsHelloBuilder builder;
         for (std::uint16_t i = 0; i < 60; ++i)
           builder.extension(static_cast<std::uint16_t>(1000 + i), Bytes(20));
         return builder.sni("a.example").record();
       }(),
       ParseStatus::found,
       {"a.example"}},
      {"after 8 KiB of padding and a large ticket",
       TlsHelloBuilder().extension(21, Bytes(8192)).extension(35, Bytes(3000)).sni("a.example").record(),
       ParseStatus::found,
       {"a.example"}},
      {"of another type than host_name", TlsHelloBuilder().server_names({"a.example"}, 1).record(),
       ParseStatus::found},
      {"empty ones are none", hello({"", "a.example"}), ParseStatus::found, {"a.example"}},
      {"an empty extension", TlsHelloBuilder().extension(0, {}).record(), ParseStatus::found},
      {"an empty list", TlsHelloBuilder().extension(0, from_hex("0000")).record(), ParseStatus::found},
      {"none", TlsHelloBuilder().typical().record(), ParseStatus::found},
      {"no extensions at all", TlsHelloBuilder().without_extensions().record(), ParseStatus::found},
      {"an empty extensions block", TlsHelloBuilder().record(), ParseStatus::found},
      {"of 4000 bytes", hello({std::string(4000, 'a')}), ParseStatus::found, {std::string(4000, 'a')}},
  });
}

TEST(TlsClientHello, Records) {
  const auto sni = [] { return TlsHelloBuilder().sni("a.example"); };
  const std::vector<std::string> a{"a.example"};
  Bytes bad_type = sni().record();
  bad_type[5] = std::byte{2};
  Bytes long_message = sni().record();
  long_message[6] = std::byte{3};
  check({
      {"nothing yet", {}, ParseStatus::need_more},
      {"record version 0x0300", sni().record_version(0x0300).record(), ParseStatus::found, a},
      {"record version 0x0304", sni().record_version(0x0304).record(), ParseStatus::found, a},
      {"record version 0x03ff", sni().record_version(0x03ff).record(), ParseStatus::found, a},
      {"record version 0x0201", sni().record_version(0x0201).record(), ParseStatus::found, a},
      {"record version 0x0fff", sni().record_version(0x0fff).record(), ParseStatus::found, a},
      {"record version 0xffff", sni().record_version(0xffff).record(), ParseStatus::found, a},
      {"any version of the hello", sni().legacy_version(0x0201).record(), ParseStatus::found, a},
      {"no session id", sni().session_id(0).record(), ParseStatus::found, a},
      {"session id of 255 bytes", sni().session_id(255).record(), ParseStatus::found, a},
      {"exactly 16 KiB", sni().pad_to(16384 + 5).record(), ParseStatus::found, a},
      {"more than 16 KiB", sni().pad_to(16385 + 5).record(), ParseStatus::found, a},
      {"more than any server takes in one record", sni().pad_to(33089 + 5).record(), ParseStatus::malformed},
      {"another record after", joined({sni().record(), from_hex("1703030001aa")}), ParseStatus::found, a},
      {"in records of 1 byte", sni().records(1), ParseStatus::found, a},
      {"in records of 5 bytes", sni().records(5), ParseStatus::found, a},
      {"in records of 32 bytes", sni().records(32), ParseStatus::found, a},
      {"all but the last byte in the first record", sni().records(sni().handshake().size() - 1),
       ParseStatus::found, a},
      {"20 KiB in records of 16 KiB", sni().pad_to(20000).records(16384), ParseStatus::found, a},
      {"more than is put together",
       sni().extension(35, Bytes(65000)).extension(35, Bytes(600)).records(16384), ParseStatus::malformed},
      {"an empty handshake record first", joined({from_hex("1603010000"), sni().record()}),
       ParseStatus::found, a},
      {"empty handshake records in the middle",
       [&] {
         const Bytes all = sni().records(40);
         const auto cut = all.begin() + 45;
         return joined({Bytes(all.begin(), cut), from_hex("16030100001603030000"), Bytes(cut, all.end())});
       }(),
       ParseStatus::found, a},
      {"records of mixed versions",
       [&] {
         Bytes all = sni().records(20);
         std::uint8_t version = 0;
         for (std::size_t at = 0; at < all.size(); at += 25)
           all[at + 2] = static_cast<std::byte>(version += 77);
         return all;
       }(),
       ParseStatus::found, a},
      {"application data in the middle", split(45, from_hex("1703030000")), ParseStatus::absent},
      {"an alert that is no warning", from_hex("15030100020228"), ParseStatus::absent},
      {"application data", from_hex("170303000100"), ParseStatus::absent},
      {"HTTP", test::to_bytes("GET / HTTP/1.1\r\n"), ParseStatus::absent},
      {"a ServerHello", bad_type, ParseStatus::absent},
      {"a hello of more than any server takes", long_message, ParseStatus::malformed},
      {"handshake record, another major version, nothing more", from_hex("1602"), ParseStatus::need_more},
  });
}

TEST(TlsClientHello, RecordsThatServersPassOver) {
  const Bytes hello = TlsHelloBuilder().sni("a.example").record();
  const std::vector<std::string> a{"a.example"};
  struct Passed {
    std::string what;
    std::string_view record;
  };
  for (const auto& [what, record] :
       std::vector<Passed>{{"empty handshake", "1603010000"},
                           {"empty change_cipher_spec", "1403010000"},
                           {"change_cipher_spec", "140303000101"},
                           {"a warning", "1503010002015a"},
                           {"a warning of another version", "15ffff0002015a"},
                           {"two warnings in one record", "1503010004015a015a"}}) {
    check({
        {what + " first", joined({from_hex(record), hello}), ParseStatus::found, a},
        {what + ", 5000 times first", joined({times(5000, record), hello}), ParseStatus::found, a},
        {what + " after the first byte", split(1, from_hex(record)), ParseStatus::found, a},
        {what + " within the header", split(3, from_hex(record)), ParseStatus::found, a},
        {what + " within the hello", split(45, from_hex(record)), ParseStatus::found, a},
        {what + ", 1024 times within it", split(45, times(1024, record)), ParseStatus::found, a},
        {what + ", 1025 times within it", split(45, times(1025, record)), ParseStatus::malformed},
        {what + " alone", from_hex(record), ParseStatus::need_more},
        {what + ", then HTTP", joined({from_hex(record), test::to_bytes("GET / HTTP/1.1")}),
         ParseStatus::absent},
    });
  }
  check({
      {"change_cipher_spec of two bytes", joined({from_hex("14030100020101"), hello}), ParseStatus::absent},
      {"an empty alert", joined({from_hex("1503010000"), hello}), ParseStatus::absent},
      {"a long alert", joined({from_hex("15030100410101"), hello}), ParseStatus::absent},
      {"heartbeat", joined({from_hex("1803010003010000"), hello}), ParseStatus::absent},
      {"empty application data", joined({from_hex("1703010000"), hello}), ParseStatus::absent},
      {"any two bytes, then no length of an alert", from_hex("15ffffffff"), ParseStatus::absent},
  });
}

TEST(TlsClientHello, SaysWhatComesBeforeTheHello) {
  const Bytes before = joined({times(3, "1603010000"), from_hex("140301000101 1503010002015a")});
  const Bytes all = joined({before, TlsHelloBuilder().sni("a.example").record()});
  for (std::size_t size = 0; size < all.size(); ++size) {
    const TlsParse parse = parse_tls_client_hello(std::span(all).first(size));
    ASSERT_EQ(to_string(parse.status), "need_more") << size;
    ASSERT_GT(parse.needed_bytes, size);
    ASSERT_LE(parse.needed_bytes, all.size());
    ASSERT_LE(parse.leading_bytes, size);
    ASSERT_EQ(parse.leading_bytes == before.size(), size >= before.size()) << size;
    const TlsParse rest = parse_tls_client_hello(std::span(all).subspan(parse.leading_bytes));
    ASSERT_EQ(to_string(rest.status), "found") << size;
  }
}

TEST(TlsClientHello, NamesOfOtherTypes) {
  const auto read = [](std::string_view hex) {
    const Bytes record = TlsHelloBuilder().extension(0, from_hex(hex)).record();
    const TlsParse parse = parse_tls_client_hello(record);
    EXPECT_EQ(to_string(parse.status), "found") << hex;
    return std::pair(names_of(parse.hello), other_names_of(parse.hello));
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(read("0006 01 0003 612e62"), std::pair(Names{}, Names{"a.b"}));
  EXPECT_EQ(read("000c 01 0003 612e62 00 0003 632e64"), std::pair(Names{"c.d"}, Names{"a.b"}));
  EXPECT_EQ(read("000c 00 0003 632e64 ff 0003 612e62"), std::pair(Names{"c.d"}, Names{"a.b"}));
  EXPECT_EQ(read("0018 01000161 02000162 03000163 04000164 05000165 00000166"),
            std::pair(Names{"f"}, Names{"a", "b", "c", "d"}))
      << "they take no place from a host name";
}

TEST(TlsClientHello, ContradictingLengths) {
  const auto with = [](std::uint16_t type, std::string_view hex) {
    return TlsHelloBuilder().extension(type, from_hex(hex)).record();
  };
  // The fixed part of a hello is version, random, session id length at 34, ...
  const auto broken_at = [](std::size_t offset, std::uint8_t value) {
    Bytes record = TlsHelloBuilder().session_id(0).sni("a.example").record();
    record[9 + offset] = static_cast<std::byte>(value);
    return record;
  };
  const std::size_t extensions_at = 34 + 1 + 2 + 10 + 2;
  check({
      {"name list longer than the extension", with(0, "0009 00 0003 612e62"), ParseStatus::found, {"a.b"}},
      {"name list shorter than its name", with(0, "0001 00 0003 612e62"), ParseStatus::found, {"a.b"}},
      {"name longer than the list", with(0, "0006 00 0009 612e62"), ParseStatus::found},
      {"half a name header", with(0, "0002 0000"), ParseStatus::found},
      {"half a list length", with(0, "00"), ParseStatus::found},
      {"bytes after the name list", with(0, "0006 00 0003 612e62 ffff"), ParseStatus::found, {"a.b"}},
      {"a byte after the name in the list", with(0, "0007 00 0003 612e62 00"), ParseStatus::found, {"a.b"}},
      {"half a name after the name in the list",
       with(0, "000b 00 0003 612e62 00 0009 63"),
       ParseStatus::found,
       {"a.b"}},
      {"session id longer than the hello", broken_at(34, 255), ParseStatus::malformed},
      {"cipher suites longer than the hello", broken_at(35, 0xff), ParseStatus::malformed},
      {"extensions longer than the hello", broken_at(extensions_at, 1), ParseStatus::malformed},
      {"last extension longer than the block", broken_at(extensions_at + 5, 200), ParseStatus::malformed},
      {"extensions shorter than the hello: the rest is ignored", broken_at(extensions_at + 1, 0),
       ParseStatus::found},
      {"half an extension header",
       [] {
         Bytes message = from_hex("160301 0032 01 00002e");
         test::append(message, Bytes(34));  // version, random
         test::append(message, from_hex("00 0002 1301 01 00 0003 000000"));
         return message;
       }(),
       ParseStatus::malformed},
      {"a hello of no bytes", from_hex("1603010004 01000000"), ParseStatus::malformed},
  });
}

TEST(TlsClientHello, ABrokenAlpnListDoesNotHideTheName) {
  for (const std::string_view hex : {"", "00", "0003", "0003 02", "0003 05 6832", "0003 026832 ff"}) {
    SCOPED_TRACE(hex);
    const Bytes record = TlsHelloBuilder().extension(16, from_hex(hex)).sni("a.example").record();
    const TlsParse parse = parse_tls_client_hello(record);
    EXPECT_EQ(to_string(parse.status), "found");
    EXPECT_THAT(names_of(parse.hello), ElementsAre("a.example"));
  }
}

TEST(TlsClientHello, Alpn) {
  const auto alpn = [](const std::vector<std::string_view>& protocols) {
    const Bytes record = TlsHelloBuilder().alpn(protocols).record();
    return alpn_of(parse_tls_client_hello(record).hello);
  };
  EXPECT_THAT(alpn({"h2"}), ElementsAre("h2"));
  EXPECT_THAT(alpn({}), IsEmpty());
  EXPECT_THAT(alpn({"\x0a\x0a", "\xfa\xfa", "h3"}), ElementsAre("h3"));
  EXPECT_THAT(alpn({"\x0a\x1a", "aa"}), ElementsAre("\x0a\x1a", "aa"));  // not GREASE
  EXPECT_THAT(alpn({"1", "2", "3", "4", "5", "6", "7", "8", "9"}),
              ElementsAre("1", "2", "3", "4", "5", "6", "7", "8"));
}

TEST(TlsClientHello, FindsEchInAnyPlace) {
  const auto has_ech = [](const TlsHelloBuilder& builder) {
    return parse_tls_client_hello(builder.record()).hello.has_ech;
  };
  EXPECT_FALSE(has_ech(TlsHelloBuilder().sni("a.example")));
  EXPECT_TRUE(has_ech(TlsHelloBuilder().ech().sni("a.example")));
  EXPECT_TRUE(has_ech(TlsHelloBuilder().sni("a.example").ech(32)));
  EXPECT_TRUE(has_ech(TlsHelloBuilder().sni("a.example").extension(0xfe0d, {})));
}

TEST(TlsClientHello, EveryPrefixNeedsMore) {
  const Bytes record = TlsHelloBuilder().grease().sni("a.example").typical().alpn({"h2"}).record();
  for (std::size_t size = 0; size < record.size(); ++size) {
    const Bytes prefix(record.begin(), record.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_EQ(to_string(parse_tls_client_hello(prefix).status), "need_more") << size;
  }
  EXPECT_EQ(to_string(parse_tls_client_hello(record).status), "found");
}

TEST(TlsClientHello, EveryPrefixOfManyRecordsNeedsMore) {
  const TlsHelloBuilder builder = TlsHelloBuilder().sni("a.example").typical().alpn({"h2"});
  Bytes assembly(kMaxAssembledHelloBytes);
  for (const std::size_t fragment : {1U, 3U, 4U, 5U, 50U, 10000U}) {
    const Bytes stream = builder.records(fragment);
    std::size_t needed = 0;
    for (std::size_t size = 0; size < stream.size(); ++size) {
      const auto parse = parse_tls_client_hello(std::span(stream).first(size), assembly);
      ASSERT_EQ(to_string(parse.status), "need_more") << fragment << ' ' << size;
      ASSERT_GT(parse.needed_bytes, size);
      needed = std::max(needed, parse.needed_bytes);
    }
    const auto parse = parse_tls_client_hello(stream, assembly);
    EXPECT_EQ(to_string(parse.status), "found") << fragment;
    EXPECT_EQ(parse.stream_bytes, stream.size());
    EXPECT_LE(needed, stream.size()) << "never more than the hello has";
  }
}

TEST(TlsClientHello, WithoutRoomSeveralRecordsAreNeverComplete) {
  const Bytes stream = TlsHelloBuilder().sni("a.example").records(32);
  EXPECT_EQ(to_string(parse_tls_client_hello(stream).status), "need_more");
}

TEST(TlsClientHello, InTheFormatOfSsl2) {
  const std::string challenge = "00112233445566778899aabbccddeeff";
  const auto hello = [&challenge](const std::string& head) { return from_hex(head + challenge); };
  check({
      {"one cipher", hello("801c 01 0303 0003 0000 0010 00002f"), ParseStatus::found},
      {"a session id of 4 bytes", hello("8020 01 0301 0003 0004 0010 00002f aabbccdd"), ParseStatus::found},
      {"more after it", joined({hello("801c 01 0303 0003 0000 0010 00002f"), from_hex("1603")}),
       ParseStatus::found},
      {"its first half", from_hex("801c 01 0303 0003"), ParseStatus::need_more},
      {"all but its last byte", from_hex("801c 01 0303 0003 0000 0010 00002f 00112233445566778899aabbccddee"),
       ParseStatus::need_more},
      {"SSL 2 itself", hello("801c 01 0002 0003 0000 0010 00002f"), ParseStatus::absent},
      {"another message", hello("801c 02 0303 0003 0000 0010 00002f"), ParseStatus::absent},
      {"lengths that do not add up", hello("801d 01 0303 0003 0000 0010 00002f"), ParseStatus::absent},
      {"no ciphers", hello("8019 01 0303 0000 0000 0010"), ParseStatus::absent},
      {"half a cipher", hello("801b 01 0303 0002 0000 0010 0000"), ParseStatus::absent},
  });
}

TEST(ClientHelloBody, IsTheHandshakeMessageWithoutItsHeader) {
  const TlsHelloBuilder builder = TlsHelloBuilder().sni("a.example").alpn({"h3"}).typical();
  const Bytes body = builder.body();
  const TlsParse parse = parse_client_hello_body(body);
  EXPECT_EQ(to_string(parse.status), "found");
  EXPECT_THAT(names_of(parse.hello), ElementsAre("a.example"));
  EXPECT_THAT(alpn_of(parse.hello), ElementsAre("h3"));
}

// A cut body never reads as a whole one, except where a hello without extensions may end.
TEST(ClientHelloBody, EveryTruncationIsMalformed) {
  const Bytes body = TlsHelloBuilder().sni("a.example").typical().body();
  const std::size_t without_extensions = TlsHelloBuilder().without_extensions().body().size();
  for (std::size_t size = 0; size < body.size(); ++size) {
    const Bytes prefix(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_EQ(to_string(parse_client_hello_body(prefix).status),
              size == without_extensions ? "found" : "malformed")
        << size;
  }
}

}  // namespace
}  // namespace weir::proto
