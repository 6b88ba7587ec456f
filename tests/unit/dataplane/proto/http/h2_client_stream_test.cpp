#include "dataplane/proto/http/h2_client_stream.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/h2_builder.h"

namespace weir::proto {
namespace {

using base::ParseStatus;
using test::Bytes;
using test::Coding;
using test::from_hex;
using test::h2_connection;
using test::H2Builder;
using test::HpackWriter;

/// `GET http www.example.com,other.example /path`, and ` cut` for a cut request.
std::string text_of(const H2Request& request) {
  std::string text = std::string(request.method) + ' ' + std::string(request.scheme) + ' ';
  for (std::size_t i = 0; i < request.host_count; ++i) {
    text += (i == 0 ? "" : ",") + std::string(request.hosts[i]);
  }
  return text + ' ' + std::string(request.path) + (request.cut ? " cut" : "");
}

/// The requests of a stream and where they end; the last status as `need_more`, `absent` or `malformed`.
struct Reading {
  std::vector<std::string> requests;
  std::vector<std::size_t> ends;  // bytes of the stream that were read when each was found
  std::string end;
  std::size_t passed_over = 0;
  bool operator==(const Reading&) const = default;
};

class Reader {
 public:
  Reading read(const Bytes& stream, std::size_t piece_bytes) {
    stream_->reset();
    Reading reading;
    for (std::size_t at = 0; at < stream.size(); at += piece_bytes) {
      // A copy, so that sanitizers detect a read beyond the piece.
      const Bytes copy(
          stream.begin() + static_cast<std::ptrdiff_t>(at),
          stream.begin() + static_cast<std::ptrdiff_t>(std::min(at + piece_bytes, stream.size())));
      std::span<const std::byte> piece(copy);
      for (;;) {
        const H2Parse parse = stream_->next(piece, text_);
        reading.end = to_string(parse.status);
        if (parse.status == ParseStatus::malformed) {
          ++reading.passed_over;
          continue;
        }
        if (parse.status != ParseStatus::found) break;
        reading.requests.push_back(text_of(parse.request));
        reading.ends.push_back(at + copy.size() - piece.size());
      }
    }
    return reading;
  }

 private:
  H2Text text_;
  std::unique_ptr<H2ClientStream> stream_ = std::make_unique<H2ClientStream>();
};

struct Row {
  std::string description;
  Bytes stream;
  std::vector<std::string> requests;
  std::string end = "need_more";
  std::size_t passed_over = 0;
};

void check(const std::vector<Row>& rows) {
  Reader reader;
  for (const Row& row : rows) {
    SCOPED_TRACE(row.description);
    const Reading whole = reader.read(row.stream, row.stream.size());
    EXPECT_EQ(whole.requests, row.requests);
    EXPECT_EQ(whole.end, row.end);
    EXPECT_EQ(whole.passed_over, row.passed_over);
    for (const std::size_t piece_bytes : {1U, 2U, 3U, 7U, 10U, 24U, 25U, 33U, 100U, 1448U}) {
      EXPECT_EQ(reader.read(row.stream, piece_bytes), whole) << "in pieces of " << piece_bytes;
    }
  }
}

Bytes block_of(std::string_view authority, std::string_view path = "/") {
  return HpackWriter().indexed(2).indexed(6).literal(1, authority).literal(4, path).bytes();
}

Bytes joined(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const Bytes& part : parts) test::append(all, part);
  return all;
}

TEST(H2ClientStream, ReadsWhatCurlSends) {
  check({
      {"a request",
       h2_connection().get("www.example.com", "/a?b").bytes(),
       {"GET http www.example.com /a?b"}},
      {"plain strings",
       h2_connection().get("www.example.com", "/a?b", 1, Coding::plain).bytes(),
       {"GET http www.example.com /a?b"}},
      {"the second by index",
       h2_connection()
           .get("www.example.com", "/a")
           // 62 is the newest: accept, user-agent, :authority.
           .headers(HpackWriter().indexed(2).indexed(6).indexed(64).literal(4, "/b").bytes(), {.stream = 3})
           .bytes(),
       {"GET http www.example.com /a", "GET http www.example.com /b"}},
      {"frames of all other kinds between",
       h2_connection()
           .frame(test::kH2Settings, 1, 0)
           .frame(test::kH2Ping, 0, 0, Bytes(8))
           .frame(test::kH2Data, 0, 1, Bytes(20000))
           .frame(2, 0, 3, Bytes(5))
           .frame(3, 0, 5, Bytes(4))
           .frame(7, 0, 0, Bytes(8))
           .frame(0xfa, 0xff, 0x80000007, Bytes(100))
           .get("www.example.com")
           .bytes(),
       {"GET http www.example.com /"}},
      {"a body that looks like frames",
       h2_connection()
           .get("a.example")
           .frame(test::kH2Data, 0, 1, h2_connection().get("b.example").bytes())
           .get("c.example", "/", 3)
           .bytes(),
       {"GET http a.example /", "GET http c.example /"}},
      {"nothing but the preface", H2Builder().preface().bytes(), {}},
      {"no SETTINGS", H2Builder().preface().get("a.example").bytes(), {"GET http a.example /"}},
  });
}

TEST(H2ClientStream, ShapesOfHeaderBlocks) {
  const Bytes block = block_of("a.example", "/p");
  const std::string request = "GET http a.example /p";
  const auto shaped = [&](const H2Builder::HeadersShape& shape) {
    return h2_connection().headers(block, shape).get("b.example", "/", 3).bytes();
  };
  const std::vector<std::string> both{request, "GET http b.example /"};
  check({
      {"padded", shaped({.padding = 200}), both},
      {"padded with nothing", shaped({.padding = 0}), both},
      {"with a priority", shaped({.priority = true}), both},
      {"padded and with a priority", shaped({.padding = 255, .priority = true}), both},
      {"in fragments of one byte", shaped({.fragment_bytes = 1}), both},
      {"in fragments, padded and with a priority",
       shaped({.padding = 9, .priority = true, .fragment_bytes = 3}), both},
      {"an empty HEADERS, then an empty CONTINUATION, then the block",
       h2_connection()
           .frame(test::kH2Headers, 0, 1)
           .frame(test::kH2Continuation, 0, 1)
           .frame(test::kH2Continuation, test::kH2EndHeaders, 1, block)
           .bytes(),
       {request}},
      {"an empty CONTINUATION ends the block",
       h2_connection()
           .frame(test::kH2Headers, 0, 1, block)
           .frame(test::kH2Continuation, test::kH2EndHeaders, 1)
           .bytes(),
       {request}},
      {"a reserved bit and stream 0",
       h2_connection().headers(block, {.stream = 0x80000000}).bytes(),
       {request}},
      {"trailers",
       h2_connection().headers(block).headers(HpackWriter().literal("x-sum", "1").bytes()).bytes(),
       {request}},
      {"an empty block", h2_connection().headers({}).headers(block, {.stream = 3}).bytes(), {request}},
      {"a block of 64 KiB",
       h2_connection()
           .headers(joined({block,
                            HpackWriter().literal("x", std::string(65536 - block.size() - 7, 'x')).bytes()}),
                    {.fragment_bytes = 16384})
           .bytes(),
       {request}},
  });
}

TEST(H2ClientStream, Names) {
  const auto request = [](const HpackWriter& block) {
    return h2_connection().headers(block.bytes()).bytes();
  };
  const auto get = [] { return HpackWriter().indexed(2).indexed(6).indexed(4); };
  check({
      {"Host alone", request(get().literal("host", "a.example")), {"GET http a.example /"}},
      {"Host by the static table", request(get().literal(38, "a.example")), {"GET http a.example /"}},
      {"Host in upper case", request(get().literal("HOST", "a.example")), {"GET http a.example /"}},
      {":authority and two Hosts",
       request(get().literal("host", "b.example").literal(1, "a.example").literal("host", "c.example")),
       {"GET http b.example,a.example,c.example /"}},
      {"two authorities",
       request(get().literal(1, "a.example").literal(1, "b.example")),
       {"GET http a.example,b.example /"}},
      {"the first path", request(get().literal(4, "/second")), {"GET http  /"}},
      {"more names than are kept",
       request([&] {
         HpackWriter block = get();
         for (int i = 0; i < 12; ++i) block.literal(1, std::to_string(i));
         return block;
       }()),
       {"GET http 0,1,2,3,4,5,6,7 /"}},
      {"empty names are none",
       request(get().literal(1, "").literal("host", "a.example")),
       {"GET http a.example /"}},
      {"no name", request(get()), {"GET http  /"}},
      {"CONNECT",
       request(HpackWriter().literal(2, "CONNECT").literal(1, "a.example:443")),
       {"CONNECT  a.example:443 "}},
      {"never indexed", request(get().never_indexed(":authority", "a.example")), {"GET http a.example /"}},
      {"a name and a path that the same block throws out of the table",
       h2_connection()
           .headers(HpackWriter().incremental(1, "a.example").incremental(4, "/p").bytes())
           .headers(HpackWriter()
                        .indexed(63)
                        .indexed(62)
                        .table_size(0)
                        .table_size(4096)
                        .incremental("x", std::string(3000, 'x'))
                        .bytes(),
                    {.stream = 3})
           .bytes(),
       {"  a.example /p", "  a.example /p"}},
  });
}

TEST(H2ClientStream, WhatIsNotHttp2) {
  check({
      {"HTTP/1", test::to_bytes("GET / HTTP/1.1\r\n\r\n"), {}, "absent"},
      {"another method", test::to_bytes("PUT * HTTP/2.0\r\n\r\n"), {}, "absent"},
      {"the preface's first lines alone, then HTTP/1",
       test::to_bytes("PRI * HTTP/2.0\r\n\r\nGET / HTTP/1.1\r\n"),
       {},
       "absent"},
      {"the beginning of the preface", test::to_bytes("PRI * HT"), {}},
  });
}

// Some servers refuse only one request, or nothing: what follows is read.
TEST(H2ClientStream, ReadsOnAfterWhatItCannotUnderstand) {
  const Bytes block = block_of("a.example");
  const auto then_valid = [](H2Builder builder) { return builder.get("b.example", "/", 99).bytes(); };
  const auto connection = [] { return h2_connection(); };
  const std::string a = "GET http a.example /";
  const std::string b = "GET http b.example /";
  const auto row = [&](const std::string& what, H2Builder builder) {
    return Row{what, then_valid(std::move(builder)), {b}, "need_more", 1};
  };
  check({
      row("padding longer than the frame",
          connection().frame(test::kH2Headers, 0x0c, 1, from_hex("05 00000000"))),
      row("padding longer than the frame, with the block in a CONTINUATION that is cut",
          connection()
              .frame(test::kH2Headers, 0x08, 1, from_hex("05 00000000"))
              .frame(test::kH2Continuation, test::kH2EndHeaders, 1)),
      row("padding without a frame", connection().frame(test::kH2Headers, 0x0c, 1)),
      row("a frame too short for its priority",
          connection().frame(test::kH2Headers, 0x24, 1, from_hex("00000000"))),
      row("the next HEADERS inside a block", connection().frame(test::kH2Headers, 0, 1, block)),
      row("CONTINUATION of nothing",
          connection().frame(test::kH2Continuation, test::kH2EndHeaders, 1, block)),
      row("a block that does not decode", connection().headers(from_hex("80"))),
      {"PUSH_PROMISE", then_valid(connection().frame(test::kH2PushPromise, 4, 1, Bytes(8))), {b}},
      {"a block that is cut", then_valid(connection().headers(from_hex("8286 84 41"))), {"GET http  /", b}},
      {"an error after the name", then_valid(connection().headers(joined({block, from_hex("80")}))), {a, b}},
      {"an unknown frame inside a block",
       then_valid(
           connection()
               .frame(test::kH2Headers, 0, 1, {block.begin(), block.begin() + 5})
               .frame(0xfa, 0xff, 0, Bytes(30))
               .frame(test::kH2Ping, 0, 0, Bytes(8))
               .frame(test::kH2Continuation, test::kH2EndHeaders, 1, {block.begin() + 5, block.end()})),
       {a, b}},
      {"CONTINUATION of another stream",
       then_valid(
           connection()
               .frame(test::kH2Headers, 0, 1, {block.begin(), block.begin() + 5})
               .frame(test::kH2Continuation, test::kH2EndHeaders, 3, {block.begin() + 5, block.end()})),
       {a, b}},
      {"a table beyond the limit",
       then_valid(connection().headers(joined({HpackWriter().table_size(70000).bytes(), block}))),
       {a, b}},
      {"padding of a string by two bytes",
       then_valid(connection().headers(HpackWriter().indexed(2).raw("01 83 07ffff").bytes())),
       {"GET  0 ", b}},
  });
}

// Go's server takes a megabyte.
TEST(H2ClientStream, BlocksBeyond64KiB) {
  const auto field = [](std::size_t bytes) {
    return HpackWriter().literal("x-filler", std::string(bytes, 'x')).bytes();
  };
  const auto fields = [&](std::size_t count, std::size_t bytes) {
    Bytes all;
    for (std::size_t i = 0; i < count; ++i) test::append(all, field(bytes));
    return all;
  };
  const auto request = [](const std::vector<Bytes>& parts) {
    return h2_connection()
        .headers(joined(parts), {.fragment_bytes = 16384})
        .get("b.example", "/", 99)
        .bytes();
  };
  const Bytes block = block_of("a.example", "/p");
  const Bytes name = HpackWriter().literal(1, "a.example").bytes();
  const Bytes rest = HpackWriter().indexed(2).indexed(6).literal(4, "/p").bytes();
  const std::string a = "GET http a.example /p";
  const std::string b = "GET http b.example /";
  const Bytes named = HpackWriter().incremental(1, "a.example").bytes();
  const Bytes again = HpackWriter().indexed(2).indexed(6).indexed(62).literal(4, "/p").bytes();
  check({
      {"the request first", request({block, fields(100, 3000)}), {a, b}},
      {"the request last", request({fields(100, 3000), block}), {a, b}},
      {"the request in the middle", request({fields(50, 3000), block, fields(50, 3000)}), {a, b}},
      {"its parts far from each other", request({rest, fields(70, 3000), name}), {a, b}},
      {"the name first, the rest last", request({name, fields(70, 3000), rest}), {a, b}},
      {"an entry of the table in between",
       h2_connection()
           .headers(joined({block, fields(70, 3000), named}), {.fragment_bytes = 16384})
           .headers(again, {.stream = 3})
           .bytes(),
       {"GET http a.example,a.example /p", a}},
      {"a field of 60 KiB", request({block, fields(3, 60000), name}), {"GET http a.example,a.example /p", b}},
      {"a field of 65 KiB before the name", request({rest, field(66000), name}), {a, b}},
      {"a field of 300 KiB after the name", request({block, field(300000)}), {a, b}},
      {"a field of 300 KiB before all", request({field(300000), block}), {a, b}},
      {"names of that size",
       request({block, HpackWriter().literal(std::string(70000, 'n'), "x").bytes()}),
       {a, b}},
      {"an error in it", request({block, from_hex("80"), fields(70, 3000)}), {a, b}},
      {"a path of 9 KiB",
       request({HpackWriter().indexed(2).literal(1, "a.example").literal(4, std::string(9000, 'p')).bytes(),
                fields(70, 3000)}),
       {"GET  a.example  cut", b}},
      {"trailers", request({block, Bytes{}}), {a, b}},
      {"long trailers",
       h2_connection().headers(block).headers(fields(70, 3000), {.fragment_bytes = 16384}).bytes(),
       {a}},
  });
}

// A server acts on a block before it has the padding, so the request must be found by then.
TEST(H2ClientStream, FoundWithTheLastByteOfTheBlock) {
  Reader reader;
  const std::size_t start = h2_connection().bytes().size();
  const Bytes block = block_of("a.example");
  const Bytes padded = h2_connection().headers(block, {.padding = 100}).bytes();
  EXPECT_THAT(reader.read(padded, 1).ends, ::testing::ElementsAre(start + 9 + 1 + block.size()));
  const Bytes plain = h2_connection().headers(block).frame(test::kH2Data, 0, 1, Bytes(10)).bytes();
  EXPECT_THAT(reader.read(plain, 1).ends, ::testing::ElementsAre(start + 9 + block.size()));
  EXPECT_THAT(reader.read(plain, plain.size()).ends, ::testing::ElementsAre(start + 9 + block.size()));
}

TEST(H2ClientStream, SkipsTheLargestFrameExactly) {
  constexpr std::uint32_t kLargest = 0xffffff;
  H2ClientStream& stream = *std::make_unique<H2ClientStream>().release();
  const std::unique_ptr<H2ClientStream> owner(&stream);
  H2Text text;
  const auto feed = [&](const Bytes& bytes) {
    std::span<const std::byte> piece(bytes);
    return std::string(to_string(stream.next(piece, text).status));
  };
  EXPECT_EQ(feed(h2_connection().frame(test::kH2Data, 0, 1, {}, kLargest).bytes()), "need_more");
  const Bytes chunk = h2_connection().get("inside.example").bytes();
  std::uint32_t left = kLargest;
  for (; left > chunk.size(); left -= static_cast<std::uint32_t>(chunk.size()))
    ASSERT_EQ(feed(chunk), "need_more");
  ASSERT_EQ(feed(Bytes(left)), "need_more");
  EXPECT_EQ(feed(H2Builder().get("after.example").bytes()), "found");
}

TEST(H2ClientStream, AFloodOfContinuationsNeedsNoMemory) {
  H2Builder flood = h2_connection();
  flood.frame(test::kH2Headers, 0, 1, block_of("a.example"));
  for (int i = 0; i < 20000; ++i) flood.frame(test::kH2Continuation, 0, 1);
  flood.frame(test::kH2Continuation, test::kH2EndHeaders, 1);
  check({{"empty ones", flood.bytes(), {"GET http a.example /"}}});
}

// Short requests that refer to a lot of text: the first ones are whole, the others are cut, until new bytes
// allow for more.
TEST(H2ClientStream, IndexedFieldsCannotBlowUpTheWork) {
  const std::string path = '/' + std::string(29999, 'p');
  H2Builder builder = h2_connection();
  builder.headers(
      HpackWriter().table_size(65536).indexed(2).incremental(1, "a.example").incremental(4, path).bytes(),
      {.fragment_bytes = 16384});
  HpackWriter again;
  again.indexed(62);
  for (int i = 0; i < 8; ++i) again.indexed(63);
  for (int i = 0; i < 50; ++i) builder.headers(again.bytes(), {.stream = 3});
  builder.frame(test::kH2Data, 0, 1, Bytes(20000)).headers(again.bytes(), {.stream = 5});
  Reader reader;
  const Reading reading = reader.read(builder.bytes(), builder.bytes().size());
  EXPECT_EQ(reading, reader.read(builder.bytes(), 1));
  ASSERT_EQ(reading.requests.size(), 52U);
  EXPECT_EQ(reading.requests.front(), "GET  a.example " + path);
  std::size_t bytes = 0;
  for (const std::string& request : reading.requests) bytes += request.size();
  EXPECT_LT(bytes, 300000U);
  EXPECT_EQ(reading.requests[50], "  a.example,a.example  cut");
  const std::string names = "a.example,a.example,a.example,a.example,a.example,a.example,a.example,a.example";
  EXPECT_EQ(reading.requests[51], "  " + names + ' ' + path);
}

TEST(H2ClientStream, LiteralsAreNeverCut) {
  HpackWriter block;
  const std::string path = '/' + std::string(99999, '0');  // five bits each
  block.indexed(2).literal(4, path, Coding::huffman);
  std::string names;
  for (int i = 0; i < 8; ++i) {
    block.literal("host", "a.example");
    names += (i == 0 ? "" : ",") + std::string("a.example");
  }
  const Bytes stream = h2_connection().headers(block.bytes(), {.fragment_bytes = 16384}).bytes();
  EXPECT_THAT(Reader().read(stream, 1448).requests, ::testing::ElementsAre("GET  " + names + ' ' + path));
}

}  // namespace
}  // namespace weir::proto
