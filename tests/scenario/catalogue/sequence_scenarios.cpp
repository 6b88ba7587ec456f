// Several messages on one connection: what precedes a request (a body, a tunnel) does not hide it.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/scenario/catalogue/catalogue.h"
#include "tests/scenario/stream_script.h"
#include "tests/support/h2_builder.h"
#include "tests/support/http_text.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::scenario {
namespace {

using test::from_hex;
using test::h2_connection;
using test::http_get;
using test::to_bytes;

constexpr Shown kShownH2c{.protocol = "h2c", .form = "~/", .answer = Answer::reset};

/// A connection whose first part passes and whose second part contains the name.
struct After {
  std::string what;
  std::string first;  // bytes
  std::string outcome;
  std::vector<std::string> requests;
  Around second;
  Shown shown{};
};

std::uint32_t size_of(const Bytes& bytes) { return static_cast<std::uint32_t>(bytes.size()); }

/// In two segments, and in one.
void both_ways(Script& script, const After& row) {
  for (const bool listed : {true, false}) {
    const Bytes first = to_bytes(row.first);
    const Bytes second = row.second(listed ? kListedName : kUnlistedName);
    const std::string outcome = listed ? "drop_blocked" : "forward_passed";
    const std::string request = shown_request(listed, row.shown);
    std::uint16_t port = script.new_port();
    const Answer answer = listed ? row.shown.answer : Answer::none;
    script.exchange(row.what, {{"what passes", client(port).seq(kFirst).payload(first).build(), row.outcome,
                                Answer::none, row.requests},
                               {"the request",
                                client(port).seq(kFirst + size_of(first)).payload(second).build(),
                                outcome,
                                answer,
                                {request}}});
    port = script.new_port();
    Bytes all = first;
    test::append(all, second);
    std::vector<std::string> requests = row.requests;
    requests.push_back(request);
    const bool alone = row.requests.empty() && row.shown.answer == Answer::page;
    script.exchange(row.what + ", in one segment",
                    {{"both", client(port).seq(kFirst).payload(all).build(), outcome,
                      !listed ? Answer::none
                      : alone ? Answer::page
                              : Answer::reset,
                      requests}});
  }
}

const std::string kSeenOther = "http pass www.example.org/ no_match";

Scenario bodies() {
  Script script("RequestsInAndAfterBodies");
  const auto post = [](const std::string& headers, const std::string& body) {
    return "POST / HTTP/1.1\r\nHost: www.example.org\r\n" + headers + "\r\n\r\n" + body;
  };
  const auto row = [&](const std::string& what, const std::string& first) {
    both_ways(script, {what, first, "forward_passed", {kSeenOther}, http_around});
  };
  row("after a request", http_get("www.example.org"));
  row("after a body of known length", post("Content-Length: 5", "abcde"));
  row("after chunks", post("Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n"));
  row("in a body of two lengths", post("Content-Length: 4000\r\nContent-Length: 7", "abcde\r\n"));
  row("in a body of a length and chunks",
      post("Content-Length: 4000\r\nTransfer-Encoding: chunked", "0\r\n\r\n"));
  row("in a body of chunks and a length", post("Transfer-Encoding: chunked\r\nContent-Length: 0", "fff\r\n"));
  row("in a body of an unknown coding", post("Transfer-Encoding: chunked, x", "fff\r\n"));
  row("in a body of a length that is none", post("Content-Length: +4000", ""));
  row("after an upgrade that the server may ignore",
      "GET / HTTP/1.1\r\nHost: www.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  return script.done();
}

Scenario garbage() {
  Script script("RequestsAfterGarbage");
  const auto row = [&](const std::string& what, const std::string& first, const std::string& outcome) {
    both_ways(script, {what, first, outcome, {}, http_around});
  };
  row("a line", "this is nothing that anybody knows\r\n", "forward_no_request");
  row("bytes", std::string("\x01\x02\xff\xfe\x00\x10", 6) + "\r\n", "forward_no_request");
  row("a broken request", "GET\r\n\r\n", "forward_no_request");
  return script.done();
}

Scenario tunnels() {
  Script script("HellosAndRequestsAfterConnect");
  const std::string connect = "CONNECT www.example.org:443 HTTP/1.1\r\nHost: www.example.org:443\r\n\r\n";
  const std::string seen = "http pass www.example.org:443 no_match";
  both_ways(script, {"a hello", connect, "forward_passed", {seen}, hello_around, kShownTls});
  const Around after_empty_records = [](std::string_view name) {
    Bytes all = from_hex("1603010000 1403010000");
    test::append(all, hello_around(name));
    return all;
  };
  both_ways(
      script,
      {"a hello after empty records", connect, "forward_passed", {seen}, after_empty_records, kShownTls});
  both_ways(script, {"a request", connect, "forward_passed", {seen}, http_around});
  return script.done();
}

Scenario second_hello() {
  Script script("TheHelloAfterAHelloRetryRequest");
  const auto after = [&script](const std::string& what, const Bytes& first_hello, const Bytes& between,
                               const Around& second) {
    for (const bool listed : {true, false}) {
      const std::uint16_t port = script.new_port();
      Bytes bytes = between;
      test::append(bytes, second(listed ? kListedName : kUnlistedName));
      script.exchange(what + (listed ? ", listed" : ", unlisted"),
                      {{"the first",
                        client(port).seq(kFirst).payload(first_hello).build(),
                        "forward_passed",
                        Answer::none,
                        {"tls pass www.example.org no_match"}},
                       {"the second",
                        client(port).seq(kFirst + size_of(first_hello)).payload(bytes).build(),
                        listed ? "drop_blocked" : "forward_passed",
                        listed ? Answer::alert : Answer::none,
                        {shown_request(listed, kShownTls)}}});
    }
  };
  const Bytes other = hello_around("www.example.org");
  after("at once", other, {}, hello_around);
  after("after a change of cipher specs", other, from_hex("140303000101"), hello_around);
  after("after empty records and a warning", other, from_hex("1603010000 1403010000 1503010002015a"),
        hello_around);
  after("in records of another version", other, from_hex("140f0f000101"), [](std::string_view name) {
    return test::TlsHelloBuilder().typical().record_version(0x0f0f).sni(name).record();
  });
  after("in records of 5", other, from_hex("140303000101"),
        [](std::string_view name) { return test::TlsHelloBuilder().typical().sni(name).records(5); });
  return script.done();
}

/// HTTP/2 that servers must refuse, and that some of them read on.
Scenario odd_h2c() {
  using test::H2Builder;
  using test::HpackWriter;
  Script script("H2cThatServersReadOn");
  const Cut before_the_last = [](std::size_t size) {
    return std::vector<Piece>{{.begin = 0, .end = size - 3}, {.begin = size - 3, .end = size}};
  };
  const auto row = [&](const std::string& what, const Around& stream) {
    script.both(what, stream, whole, kShownH2c);
    script.both(what + ", cut before its last bytes", stream, before_the_last, kShownH2c);
  };
  const auto block_of = [](std::string_view name) {
    return HpackWriter().indexed(2).indexed(6).indexed(4).literal(1, name).bytes();
  };
  for (const std::string_view padding : {"ff", "ffff"}) {
    row("a name padded by " + std::to_string(padding.size() / 2) + " bytes", [=](std::string_view name) {
      Bytes coded = test::huffman(name);
      test::append(coded, from_hex(padding));
      Bytes block = HpackWriter().indexed(2).indexed(6).indexed(4).raw("01").bytes();
      test::append_integer(block, 0x80 | coded.size(), 1);
      test::append(block, coded);
      return h2_connection().headers(block).bytes();
    });
  }
  row("a table beyond the limit", [=](std::string_view name) {
    Bytes block = HpackWriter().table_size(std::size_t{1} << 20).bytes();
    test::append(block, block_of(name));
    return h2_connection().headers(block).bytes();
  });
  row("an unknown frame between HEADERS and CONTINUATION", [=](std::string_view name) {
    const Bytes block = block_of(name);
    return h2_connection()
        .frame(test::kH2Headers, 0, 1, {block.begin(), block.begin() + 6})
        .frame(0xfa, 0, 0, Bytes(20))
        .frame(test::kH2Continuation, test::kH2EndHeaders, 1, {block.begin() + 6, block.end()})
        .bytes();
  });
  const auto after = [&](const std::string& what, const H2Builder& before) {
    row("after " + what, [=](std::string_view name) {
      return H2Builder(before).headers(block_of(name), {.stream = 3}).bytes();
    });
  };
  after("padding longer than its frame",
        h2_connection().frame(test::kH2Headers, 0x0d, 1, from_hex("ff 828684")));
  after("a frame too short for its priority",
        h2_connection().frame(test::kH2Headers, 0x25, 1, from_hex("0000")));
  after("a block that does not decode", h2_connection().headers(from_hex("80")));
  after("CONTINUATION of nothing",
        h2_connection().frame(test::kH2Continuation, test::kH2EndHeaders, 1, from_hex("828684")));
  after("a block without an end", h2_connection().frame(test::kH2Headers, 0, 1, from_hex("828684")));
  after("PUSH_PROMISE", h2_connection().frame(test::kH2PushPromise, 4, 1, Bytes(8)));
  const Bytes filler = HpackWriter().literal("x", std::string(50000, 'x')).bytes();
  script.both(
      "a header block of more than 64 KiB",
      [=](std::string_view name) {
        Bytes block = filler;
        test::append(block, block_of(name));
        test::append(block, filler);
        return h2_connection().headers(block, {.fragment_bytes = 16384}).bytes();
      },
      in_segments(), kShownH2c);
  return script.done();
}

Scenario h2c() {
  Script script("H2cOfBothNames");
  using test::Coding;
  using test::HpackWriter;
  const auto whole_stream = [&script](const std::string& what, const Around& stream) {
    script.both(what, stream, whole, kShownH2c);
  };
  whole_stream("Huffman coded", [](std::string_view name) { return h2_connection().get(name).bytes(); });
  whole_stream("plain", [](std::string_view name) {
    return h2_connection().get(name, "/", 1, Coding::plain).bytes();
  });
  whole_stream("in CONTINUATIONs", [](std::string_view name) {
    return h2_connection()
        .headers(HpackWriter().indexed(2).indexed(6).literal(1, name, Coding::huffman).indexed(4).bytes(),
                 {.fragment_bytes = 2})
        .bytes();
  });
  whole_stream("put into the table", [](std::string_view name) {
    return h2_connection()
        .headers(HpackWriter().indexed(2).indexed(6).incremental(1, name).indexed(4).bytes())
        .bytes();
  });
  const std::string upgrade = test::http_request_text(
      {.host = "www.example.org",
       .headers = {
           {"Connection", "Upgrade, HTTP2-Settings"}, {"Upgrade", "h2c"}, {"HTTP2-Settings", "AAMAAABk"}}});
  const Around second = [](std::string_view name) { return h2_connection().get(name, "/", 3).bytes(); };
  both_ways(script, {"after an upgrade", upgrade, "forward_passed", {kSeenOther}, second, kShownH2c});
  return script.done();
}

}  // namespace

std::vector<Scenario> sequence_scenarios() {
  return {bodies(), garbage(), tunnels(), second_hello(), h2c(), odd_h2c()};
}

}  // namespace weir::scenario
