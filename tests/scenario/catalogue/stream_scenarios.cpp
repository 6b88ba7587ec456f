// Requests over many segments and records: each disguise once with a listed name, which never passes, and
// once with an unlisted name, which does.
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tests/scenario/catalogue/catalogue.h"
#include "tests/scenario/stream_script.h"
#include "tests/support/http_text.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::scenario {
namespace {

using test::from_hex;
using test::http_get;
using test::TlsHelloBuilder;

Scenario cuts() {
  Script script("SegmentsInAnyOrder");
  for (const auto& [name, stream, shown] : {std::tuple{std::string("HTTP"), &http_around, Shown{}},
                                            std::tuple{std::string("TLS"), &hello_around, kShownTls}}) {
    script.both(name + " in halves", stream, ordered({0, 1}), shown);
    script.both(name + " in halves, the second first", stream, ordered({1, 0}), shown);
    script.both(name + " in five, shuffled", stream, ordered({3, 1, 4, 0, 2}), shown);
    script.both(name + " in eight, reversed", stream, ordered({7, 6, 5, 4, 3, 2, 1, 0}), shown);
    script.both(name + ", one byte a segment", stream, one_byte_each, shown);
    script.both(
        name + ", overlapping", stream,
        [](std::size_t size) {
          return std::vector<Piece>{{0, size / 2}, {size / 4, size - 1}, {size / 2, size}};
        },
        shown);
  }
  return script.done();
}

Scenario every_cut() {
  Script script("CutAtEveryByte");
  for (const auto& [name, stream, shown] : {std::tuple{std::string("HTTP"), &http_around, Shown{}},
                                            std::tuple{std::string("TLS"), &hello_around, kShownTls}}) {
    for (std::size_t at = 1; at < stream(kListedName).size(); ++at) {
      for (const bool in_order : {true, false}) {
        const auto cut = [at, in_order](std::size_t size) {
          return in_order ? std::vector<Piece>{{0, at}, {at, size}} : std::vector<Piece>{{at, size}, {0, at}};
        };
        script.both(name + " cut at " + std::to_string(at) + (in_order ? "" : ", the end first"), stream, cut,
                    shown);
      }
    }
  }
  return script.done();
}

Scenario large_hellos() {
  Script script("LargeHellos");
  const auto padded = [](std::size_t bytes, bool name_last) {
    return [bytes, name_last](std::string_view name) {
      TlsHelloBuilder builder = TlsHelloBuilder().grease().typical().alpn({"h2", "http/1.1"});
      if (name_last) builder.pad_to(bytes);
      builder.sni(name);
      if (!name_last) builder.pad_to(bytes);
      return builder.record();
    };
  };
  script.both("post-quantum, the name in the first segment", padded(1780, false), ordered({0, 1}), kShownTls);
  script.both("post-quantum, the name in the second segment", padded(1780, true), ordered({0, 1}), kShownTls);
  script.both("post-quantum, three segments, reordered", padded(2540, true), ordered({2, 0, 1}), kShownTls);
  // The name is last.
  script.both(
      "post-quantum, the name across the cut", padded(1780, true),
      [](std::size_t size) {
        return std::vector<Piece>{{0, size - 10}, {size - 10, size}};
      },
      kShownTls);
  script.both("16 KiB in 12 segments", padded(16384, true), ordered({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}),
              kShownTls);
  return script.done();
}

Scenario records() {
  Script script("HelloRecords");
  const auto fragments = [](std::size_t bytes) {
    return [bytes](std::string_view name) { return TlsHelloBuilder().typical().sni(name).records(bytes); };
  };
  for (const std::size_t bytes : {1U, 5U, 32U}) {
    script.both("records of " + std::to_string(bytes), fragments(bytes), whole, kShownTls);
    script.both("records of " + std::to_string(bytes) + ", in three segments", fragments(bytes),
                ordered({0, 2, 1}), kShownTls);
  }
  script.both(
      "an empty record first",
      [](std::string_view name) {
        Bytes all = from_hex("1603010000");
        test::append(all, hello_around(name));
        return all;
      },
      whole, kShownTls);
  script.both(
      "an empty record in the middle, mixed versions",
      [](std::string_view name) {
        const Bytes split = TlsHelloBuilder().typical().sni(name).records(100);
        Bytes all(split.begin(), split.begin() + 105);
        test::append(all, from_hex("1603ff0000"));
        test::append(all, std::span(split).subspan(105));
        all[112] = std::byte{0x04};
        return all;
      },
      whole, kShownTls);
  return script.done();
}

/// More half requests than the memory can hold: the latest are inspected as usual.
Scenario flood() {
  Script script("FloodOfHalfRequests");
  script.settings("  flows: {capacity: 1024, reassembly_bytes: 262144}\n");
  const std::string half = "GET / HTTP/1.1\r\nX: " + std::string(300, 'x');
  for (std::uint32_t i = 0; i < 4000; ++i) {
    const std::string address = "10.1." + std::to_string(i >> 8) + '.' + std::to_string(i & 255U);
    const Bytes frame = PacketBuilder()
                            .ethernet()
                            .ipv4(address, "192.0.2.1")
                            .tcp(40000, 80)
                            .seq(kFirst)
                            .ack(5000)
                            .flags("PA")
                            .payload(half)
                            .build();
    script.add({"a half request", frame, "forward_incomplete"});
  }
  script.both("whole", http_around, whole);
  script.both("in pieces", http_around, ordered({2, 0, 1}));
  script.both("a hello in pieces", hello_around, ordered({1, 0}), kShownTls);
  return script.done();
}

Scenario kept_alive() {
  Script script("ConnectionsOfManyRequests");
  const std::string other = http_get("www.example.org");
  const std::string post =
      "POST / HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: 3000\r\nExpect: 100-continue\r\n\r\n";
  const std::uint16_t port = script.new_port();
  std::uint32_t sequence = kFirst;
  const auto send = [&](const std::string& what, const std::string& payload, const std::string& outcome,
                        Answer answer = Answer::none) {
    script.add({what, client(port).seq(sequence).payload(payload).build(), outcome, answer});
    sequence += static_cast<std::uint32_t>(payload.size());
  };
  script.add({"SYN", client(port).seq(kFirst - 1).flags("S").build(), "forward_not_candidate"});
  for (int i = 1; i <= 60; ++i) {
    send("request " + std::to_string(i), other, "forward_passed");
    script.expect_request("http pass www.example.org/ no_match");
  }
  send("the head of an upload", post, "forward_passed");
  script.expect_request("http pass www.example.org/ no_match");
  const std::string in_body = http_get(kListedName);
  send("its body, which looks like a request", in_body, "forward_no_request");
  send("the rest of its body", std::string(3000 - in_body.size(), 'x'), "forward_no_request");
  script.add({"a keep-alive probe",
              client(port).seq(sequence - 1).flags("A").payload(std::string_view("\0", 1)).build(),
              "forward_no_request"});
  send("the beginning of a conditional request", "GET / HTTP/1.1\r\nIf-None-Match: \"a\"\r\n",
       "forward_incomplete");
  send("its end", "X-Forwarded-Host: www.example.org\r\nHost: listed.example.com\r\n\r\n", "drop_blocked",
       Answer::page);
  script.expect_request("http block listed.example.com/ listed 1");
  return script.done();
}

}  // namespace

std::vector<Scenario> stream_scenarios() {
  return {cuts(), every_cut(), large_hellos(), records(), flood(), kept_alive()};
}

}  // namespace weir::scenario
