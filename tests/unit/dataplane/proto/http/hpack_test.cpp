#include "dataplane/proto/http/hpack.h"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/proto/http/hpack_huffman.h"
#include "tests/support/h2_builder.h"

namespace weir::proto {
namespace {

using test::Bytes;
using test::Coding;
using test::from_hex;
using test::HpackWriter;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Fields = std::vector<std::string>;

/// The decoder of a connection; shows each block as text.
class Decoder {
 public:
  /// `name: value` for each field, and `malformed` at the end of a malformed block.
  Fields decode(const Bytes& block) {
    std::vector<char> text(max_huffman_decoded_bytes(block.size()));
    HpackBlock fields(table_, block, text);
    Fields decoded;
    HpackField field;
    HpackStatus status = HpackStatus::field;
    while ((status = fields.next(field)) == HpackStatus::field) {
      decoded.push_back(std::string(field.name) + ": " + std::string(field.value) +
                        (field.never_indexed ? " (never)" : ""));
      EXPECT_EQ(field.name.size(), std::min(field.name_bytes, kHpackMaxNameBytes));
    }
    if (status == HpackStatus::malformed) decoded.emplace_back("malformed");
    return decoded;
  }
  Fields decode(std::string_view hex) { return decode(from_hex(hex)); }

  Fields table() const {
    Fields fields;
    for (std::size_t i = 0; i < table_.entries(); ++i) {
      const auto field = table_.at(i);
      fields.push_back(std::string(field->name) + ": " + std::string(field->value));
    }
    EXPECT_FALSE(table_.at(table_.entries()).has_value());
    return fields;
  }
  HpackDynamicTable& dynamic() { return table_; }

 private:
  HpackDynamicTable table_;
};

struct Example {
  std::string_view section;
  std::string_view block;
  Fields fields;
  Fields table;
  std::size_t table_bytes;
};

void check(Decoder& decoder, const std::vector<Example>& examples) {
  for (const Example& example : examples) {
    SCOPED_TRACE(example.section);
    EXPECT_EQ(decoder.decode(example.block), example.fields);
    EXPECT_EQ(decoder.table(), example.table);
    EXPECT_EQ(decoder.dynamic().bytes(), example.table_bytes);
  }
}

const Fields kFirstRequest{":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"};
const Fields kSecondRequest{":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com",
                            "cache-control: no-cache"};
const Fields kThirdRequest{":method: GET", ":scheme: https", ":path: /index.html",
                           ":authority: www.example.com", "custom-key: custom-value"};
const Fields kFirstTable{":authority: www.example.com"};
const Fields kSecondTable{"cache-control: no-cache", ":authority: www.example.com"};
const Fields kThirdTable{"custom-key: custom-value", "cache-control: no-cache",
                         ":authority: www.example.com"};

TEST(Hpack, Rfc7541SectionC2) {
  for (const Example& example : std::vector<Example>{
           {"C.2.1",
            "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
            {"custom-key: custom-header"},
            {"custom-key: custom-header"},
            55},
           {"C.2.2", "040c 2f73 616d 706c 652f 7061 7468", {":path: /sample/path"}, {}, 0},
           {"C.2.3", "1008 7061 7373 776f 7264 0673 6563 7265 74", {"password: secret (never)"}, {}, 0},
           {"C.2.4", "82", {":method: GET"}, {}, 0},
       }) {
    Decoder decoder;
    check(decoder, {example});
  }
}

TEST(Hpack, Rfc7541SectionC3RequestsWithoutHuffman) {
  Decoder decoder;
  check(decoder,
        {{"C.3.1", "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", kFirstRequest, kFirstTable, 57},
         {"C.3.2", "8286 84be 5808 6e6f 2d63 6163 6865", kSecondRequest, kSecondTable, 110},
         {"C.3.3", "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", kThirdRequest,
          kThirdTable, 164}});
}

TEST(Hpack, Rfc7541SectionC4RequestsWithHuffman) {
  Decoder decoder;
  check(decoder, {{"C.4.1", "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", kFirstRequest, kFirstTable, 57},
                  {"C.4.2", "8286 84be 5886 a8eb 1064 9cbf", kSecondRequest, kSecondTable, 110},
                  {"C.4.3", "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", kThirdRequest,
                   kThirdTable, 164}});
}

// The responses of C.5 and C.6, with a table of 256 bytes: entries are evicted.
std::vector<Example> responses(std::string_view first, std::string_view second, std::string_view third) {
  const std::string date21 = "date: Mon, 21 Oct 2013 20:13:21 GMT";
  const std::string date22 = "date: Mon, 21 Oct 2013 20:13:22 GMT";
  const std::string location = "location: https://www.example.com";
  const std::string priv = "cache-control: private";
  const std::string cookie = "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
  const std::string gzip = "content-encoding: gzip";
  return {
      {"first",
       first,
       {":status: 302", priv, date21, location},
       {location, date21, priv, ":status: 302"},
       222},
      {"second",
       second,
       {":status: 307", priv, date21, location},
       {":status: 307", location, date21, priv},
       222},
      {"third", third, {":status: 200", priv, date22, location, gzip, cookie}, {cookie, gzip, date22}, 215}};
}

TEST(Hpack, Rfc7541SectionC5ResponsesWithEviction) {
  Decoder decoder;
  decoder.dynamic().set_limit(256);
  check(decoder,
        responses("4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a"
                  "3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
                  "4803 3330 37c1 c0bf",
                  "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04"
                  "677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49"
                  "553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31"));
}

TEST(Hpack, Rfc7541SectionC6ResponsesWithHuffmanAndEviction) {
  Decoder decoder;
  decoder.dynamic().set_limit(256);
  check(decoder,
        responses("4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e"
                  "919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
                  "4883 640e ffc1 c0bf",
                  "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7"
                  "821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed"
                  "4ee5 b106 3d50 07"));
}

TEST(Hpack, StaticTableEnds) {
  Decoder decoder;
  EXPECT_THAT(decoder.decode(HpackWriter().indexed(1).indexed(38).indexed(58).indexed(61).bytes()),
              ElementsAre(":authority: ", "host: ", "user-agent: ", "www-authenticate: "));
}

TEST(Hpack, RefusesWhatADecoderMustRefuse) {
  struct Row {
    std::string_view description;
    std::string_view block;
  };
  const std::vector<Row> rows{
      {"index 0", "80"},
      {"the first index beyond an empty table", "be"},
      {"a name's index beyond the table", "7f80ffff00 01 61"},
      {"a huge index", "ffffffffff0f"},
      {"an index that is cut", "ff"},
      {"an integer of 2^62", "3fe1ffffffffffffff3f"},
      {"an integer with more than ten more bytes", "ff 80808080 80808080 80808000"},
      {"an integer that never ends", "3f 80808080 80808080 8080 80808080 80808080"},
      {"a literal without a name", "40"},
      {"a name that is cut", "4003 6162"},
      {"a literal without a value", "4001 61"},
      {"a value that is cut", "4001 61 05 61626364"},
      {"a string of 2^30 bytes", "4001 61 7f 81ffffff03 61"},
      {"a Huffman string that is cut", "0484 ffff"},
      {"EOS in a string", "0484 ffffffff"},
      {"EOS and a symbol", "0485 fffffffc07"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.description);
    Decoder decoder;
    const Fields fields = decoder.decode(row.block);
    ASSERT_FALSE(fields.empty());
    EXPECT_EQ(fields.back(), "malformed");
  }
}

TEST(Hpack, AcceptsWhatADecoderMayAccept) {
  struct Row {
    std::string_view description;
    std::string_view block;
    Fields fields;
  };
  const std::vector<Row> rows{
      {"an empty block", "", {}},
      {"a table size of 65536, then of 0", "3fe1ff03 20 82", {":method: GET"}},
      {"a table size after a field", "82 20 83", {":method: GET", ":method: POST"}},
      {"an integer with leading zeros", "3f ea808080 80808080 00 82", {":method: GET"}},
      {"an empty name and value", "0000 00", {": "}},
      {"an empty Huffman string", "0480", {":path: "}},
      {"padding of seven bits", "0481 07", {":path: 0"}},
      {"padding of eight bits", "0482 07ff", {":path: 0"}},
      {"padding of 27 bits", "0484 07ffffff", {":path: 0"}},
      {"padding with a zero", "0481 06", {":path: 0"}},
      {"a table size of 65537", "3fe2ff03 82", {":method: GET"}},
      {"a table size of 2^29", "3fe1ffffff01 82", {":method: GET"}},
      {"bytes of any kind", "00 02 00ff 02 0d0a", {std::string("\0\xff: \r\n", 6)}},
      {"upper case", "0004 486f7374 01 61", {"Host: a"}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.description);
    Decoder decoder;
    EXPECT_EQ(decoder.decode(row.block), row.fields);
  }
}

TEST(Hpack, ATableBeyondTheLimitHasTheLimit) {
  Decoder decoder;
  const std::string value(40000, 'v');
  decoder.decode(HpackWriter().table_size(100000).incremental("a", value).incremental("b", value).bytes());
  EXPECT_THAT(decoder.table(), ElementsAre("b: " + value));
}

TEST(Hpack, WhatPrecedesAnErrorStands) {
  Decoder decoder;
  EXPECT_THAT(decoder.decode(HpackWriter().incremental("a", "1").raw("80").bytes()),
              ElementsAre("a: 1", "malformed"));
  EXPECT_THAT(decoder.decode(HpackWriter().indexed(62).bytes()), ElementsAre("a: 1"));
}

TEST(Hpack, BytesOfALiteral) {
  struct Row {
    std::string_view block;
    std::optional<std::size_t> bytes;
  };
  for (const auto& [block, bytes] : std::vector<Row>{{"04 03 616263 82", 5},
                                                     {"04 03", 5},
                                                     {"04 7f 8104", 4 + 127 + 513},
                                                     {"41 83 616263", 5},
                                                     {"10 01 61 02 6263", 6},
                                                     {"00 01 61 05", 9},
                                                     {"40 01 61", std::nullopt},
                                                     {"40 05 61", std::nullopt},
                                                     {"04", std::nullopt},
                                                     {"82", std::nullopt},
                                                     {"20", std::nullopt},
                                                     {"", std::nullopt}}) {
    EXPECT_EQ(hpack_literal_bytes(from_hex(block)), bytes) << block;
  }
}

// RFC 7541, 4.4: the entry whose name is used is dropped for the new one.
TEST(Hpack, ANameOutlivesItsEntry) {
  Decoder decoder;
  decoder.dynamic().set_limit(100);
  const std::string value(60, 'v');
  EXPECT_THAT(decoder.decode(HpackWriter().incremental("x-name", "a").incremental(62, value).bytes()),
              ElementsAre("x-name: a", "x-name: " + value));
  EXPECT_THAT(decoder.table(), ElementsAre("x-name: " + value));
  const std::string large(200, 'w');
  EXPECT_THAT(decoder.decode(HpackWriter().incremental(62, large).bytes()), ElementsAre("x-name: " + large));
  EXPECT_THAT(decoder.table(), IsEmpty());
}

TEST(Hpack, ASizeUpdateForgetsTheOldest) {
  Decoder decoder;
  decoder.decode(HpackWriter().incremental("a", "1").incremental("b", "2").incremental("c", "3").bytes());
  EXPECT_THAT(decoder.decode(HpackWriter().table_size(70).indexed(63).indexed(64).bytes()),
              ElementsAre("b: 2", "malformed"));
  EXPECT_THAT(decoder.table(), ElementsAre("c: 3", "b: 2"));
}

// Long names are cut, but count in full for the size of the table.
TEST(Hpack, LongNames) {
  Decoder decoder;
  const std::string name(3000, 'n');
  const std::string cut = name.substr(0, kHpackMaxNameBytes);
  EXPECT_THAT(decoder.decode(HpackWriter().incremental(name, "1").incremental(62, "2").bytes()),
              ElementsAre(cut + ": 1", cut + ": 2"));
  EXPECT_THAT(decoder.table(), ElementsAre(cut + ": 2"));
  EXPECT_EQ(decoder.dynamic().bytes(), 3033U);
}

// Entries of all sizes fill the table many times; a plain list of strings is the reference.
TEST(Hpack, TheTableAgreesWithAList) {
  Decoder decoder;
  std::size_t limit = kHpackMaxTableBytes;
  decoder.dynamic().set_limit(limit);
  std::vector<std::string> reference;  // the newest first
  std::size_t bytes = 0;
  std::uint32_t random = 1;
  for (int i = 0; i < 3000; ++i) {
    random = random * 1664525 + 1013904223;
    const std::size_t shift = random >> 8 & 15U;
    const std::string value((random >> 16) % (std::size_t{1} << shift), static_cast<char>('a' + i % 26));
    decoder.decode(HpackWriter().incremental("n", value).bytes());
    reference.insert(reference.begin(), "n: " + value);
    bytes += value.size() + 33;
    for (; bytes > limit; reference.pop_back()) bytes -= reference.back().size() - 3 + 33;
    ASSERT_EQ(decoder.dynamic().bytes(), bytes) << i;
    if (i % 100 == 0) {
      ASSERT_EQ(decoder.table(), reference) << i;
    }
  }
}

TEST(HpackHuffman, EverySymbol) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  for (const std::string& text :
       {all, all + all + "a", std::string("a\0\xff", 3), std::string(1000, '\x16')}) {
    const Bytes coded = test::huffman(text);
    std::string decoded(text.size(), '?');
    const auto count = decode_huffman(coded, decoded);
    ASSERT_TRUE(count.has_value());
    EXPECT_EQ(*count, text.size());
    EXPECT_EQ(decoded, text);
    EXPECT_LE(text.size(), max_huffman_decoded_bytes(coded.size()));
    decoded.pop_back();
    EXPECT_FALSE(decode_huffman(coded, decoded).has_value()) << "no room";
  }
}

// Each symbol at each bit offset, with the padding that follows from it.
TEST(HpackHuffman, EverySymbolAtEveryOffset) {
  for (int c = 0; c < 256; ++c) {
    for (std::size_t lead = 0; lead < 8; ++lead) {
      const std::string text = std::string(lead, '0') + static_cast<char>(c);
      std::string decoded(text.size(), '?');
      ASSERT_EQ(decode_huffman(test::huffman(text), decoded), text.size()) << c << ' ' << lead;
      ASSERT_EQ(decoded, text) << c << ' ' << lead;
    }
  }
}

}  // namespace
}  // namespace weir::proto
