// Requests over many segments and records: each disguise once around a listed name, which never gets through,
// and once around an unlisted one, which does.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "scenario/scenario.h"
#include "support/http_text.h"
#include "support/tls_hello_builder.h"

namespace weir::scenario {
namespace {

using test::from_hex;
using test::http_get;
using test::http_request_text;
using test::TlsHelloBuilder;
using test::to_bytes;

constexpr std::uint32_t kFirst = 1000;  // sequence number of a connection's first byte
constexpr std::string_view kListed = "listed.example.com";
constexpr std::string_view kUnlisted = "passed.example.com";

/// One piece of a connection's stream, and how it is sent.
struct Piece {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::function<void(PacketBuilder&)> disguise{};
};

/// Builds a scenario, connection by connection.
class Script {
 public:
  explicit Script(std::string name) {
    scenario_.name = std::move(name);
    scenario_.rules = {std::string(kListed)};
  }

  /// A connection whose stream is `stream` in pieces, of which the last one sent completes a request for the
  /// listed or the unlisted name.
  void connection(const std::string& what, const Bytes& stream, const std::vector<Piece>& pieces, bool listed,
                  std::string_view protocol = "http", Answer answer = Answer::page) {
    const std::uint16_t port = next_port_++;
    add({what + ": SYN", client(port).seq(kFirst - 1).flags("S").build(), "forward_not_candidate"});
    std::size_t sent = 0;  // without a gap
    std::size_t furthest = 0;
    std::vector<bool> there(stream.size());
    for (const Piece& piece : pieces) {
      PacketBuilder packet = client(port).seq(kFirst + static_cast<std::uint32_t>(piece.begin));
      packet.payload(std::span<const std::byte>(stream).subspan(piece.begin, piece.end - piece.begin));
      if (piece.disguise) piece.disguise(packet);
      furthest = std::max(furthest, piece.end);
      Step step{what + ": byte " + std::to_string(piece.begin), packet.build(), "forward_incomplete"};
      if (&piece == &pieces.back()) {
        step.outcome = listed ? "drop_blocked" : "forward_passed";
        if (listed) step.answer = answer;
        step.server_next = kFirst + static_cast<std::uint32_t>(sent);
        step.client_end = kFirst + static_cast<std::uint32_t>(furthest);
      }
      add(std::move(step));
      std::fill(there.begin() + static_cast<std::ptrdiff_t>(piece.begin),
                there.begin() + static_cast<std::ptrdiff_t>(piece.end), true);
      sent = static_cast<std::size_t>(std::find(there.begin(), there.end(), false) - there.begin());
    }
    const std::string name(listed ? kListed : kUnlisted);
    scenario_.requests.push_back(std::to_string(scenario_.steps.size()) + ' ' + std::string(protocol) +
                                 (listed ? " block " : " pass ") + name + (protocol == "http" ? "/" : "") +
                                 (listed ? " listed 1" : " no_match"));
  }
  /// The same disguise around both names.
  void both(const std::string& what, const std::function<Bytes(std::string_view)>& stream,
            const std::function<std::vector<Piece>(std::size_t)>& pieces,
            std::string_view protocol = "http") {
    for (const bool listed : {true, false}) {
      const Bytes bytes = stream(listed ? kListed : kUnlisted);
      connection(what + (listed ? ", listed" : ", unlisted"), bytes, pieces(bytes.size()), listed, protocol,
                 protocol == "tls" ? Answer::alert : Answer::page);
    }
  }
  void add(Step step) { scenario_.steps.push_back(std::move(step)); }
  std::uint16_t new_port() { return next_port_++; }
  void expect_request(std::string_view text) {
    scenario_.requests.push_back(std::to_string(scenario_.steps.size()) + ' ' + std::string(text));
  }
  [[nodiscard]] Scenario done() const { return scenario_; }

 private:
  Scenario scenario_;
  std::uint16_t next_port_ = 2000;
};

Bytes http(std::string_view name) { return to_bytes(http_get(name)); }
Bytes hello(std::string_view name) { return TlsHelloBuilder().typical().sni(name).record(); }

/// Equal pieces in the given order of their places.
std::vector<Piece> in_pieces(std::size_t size, std::size_t count, const std::vector<std::size_t>& order) {
  std::vector<Piece> pieces;
  for (const std::size_t i : order) pieces.push_back({size * i / count, size * (i + 1) / count});
  return pieces;
}
std::function<std::vector<Piece>(std::size_t)> ordered(std::vector<std::size_t> order) {
  return [order = std::move(order)](std::size_t size) { return in_pieces(size, order.size(), order); };
}
std::vector<Piece> one_byte_each(std::size_t size) {
  std::vector<std::size_t> order(size);
  std::iota(order.begin(), order.end(), std::size_t{0});
  return in_pieces(size, size, order);
}
std::vector<Piece> whole(std::size_t size) { return {{0, size}}; }

Scenario cuts() {
  Script script("SegmentsInAnyOrder");
  for (const auto& [what, stream, protocol] :
       {std::tuple{"HTTP", &http, "http"}, std::tuple{"TLS", &hello, "tls"}}) {
    const std::string name(what);
    script.both(name + " in halves", stream, ordered({0, 1}), protocol);
    script.both(name + " in halves, the second first", stream, ordered({1, 0}), protocol);
    script.both(name + " in five, shuffled", stream, ordered({3, 1, 4, 0, 2}), protocol);
    script.both(name + " in eight, reversed", stream, ordered({7, 6, 5, 4, 3, 2, 1, 0}), protocol);
    script.both(name + ", one byte a segment", stream, one_byte_each, protocol);
    script.both(
        name + ", overlapping", stream,
        [](std::size_t size) {
          return std::vector<Piece>{{0, size / 2}, {size / 4, size - 1}, {size / 2, size}};
        },
        protocol);
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
  script.both("post-quantum, the name in the first segment", padded(1780, false), ordered({0, 1}), "tls");
  script.both("post-quantum, the name in the second segment", padded(1780, true), ordered({0, 1}), "tls");
  script.both("post-quantum, three segments, reordered", padded(2540, true), ordered({2, 0, 1}), "tls");
  script.both("16 KiB in 12 segments", padded(16384, true), ordered({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}),
              "tls");
  return script.done();
}

Scenario records() {
  Script script("HelloRecords");
  const auto fragments = [](std::size_t bytes) {
    return [bytes](std::string_view name) { return TlsHelloBuilder().typical().sni(name).records(bytes); };
  };
  for (const std::size_t bytes : {1U, 5U, 32U}) {
    script.both("records of " + std::to_string(bytes), fragments(bytes), whole, "tls");
    script.both("records of " + std::to_string(bytes) + ", in three segments", fragments(bytes),
                ordered({0, 2, 1}), "tls");
  }
  script.both(
      "an empty record first",
      [](std::string_view name) {
        Bytes all = from_hex("1603010000");
        test::append(all, hello(name));
        return all;
      },
      whole, "tls");
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
      whole, "tls");
  return script.done();
}

Scenario flags_and_lies() {
  Script script("FlagsAndLies");
  const auto with = [](const std::function<void(PacketBuilder&)>& disguise) {
    return [disguise](std::size_t size) {
      return std::vector<Piece>{{0, size / 2, disguise}, {size / 2, size, disguise}};
    };
  };
  script.both("no ACK flag", http, [](std::size_t size) {
    // Nothing can be answered to a packet that acknowledges nothing, so the last piece has the flag.
    return std::vector<Piece>{{0, size / 2, [](PacketBuilder& p) { p.flags("P"); }}, {size / 2, size}};
  });
  script.both("FIN, URG and PSH", http, [](std::size_t size) {
    return std::vector<Piece>{{0, size / 2, [](PacketBuilder& p) { p.flags("PAU").urgent(0); }},
                              {size / 2, size}};
  });
  // Read with the urgent byte and without it.
  script.expect_request("http pass passed.example.com/ no_match");
  script.both("ECN flags", http, with([](PacketBuilder& p) { p.flags("PAEC"); }));
  script.both("a small window", http, with([](PacketBuilder& p) { p.window(1); }));
  script.both("wrong checksums", http, with([](PacketBuilder& p) { p.checksum(0x1234); }));
  script.both("an MD5 option and an old timestamp", http, with([](PacketBuilder& p) {
                p.tcp_options(from_hex("0101080a0000000000000000 1312 00112233445566778899aabbccddeeff"));
              }));
  script.both("a TTL of 1 on the first half, sent again", http, [](std::size_t size) {
    const auto dies = [](PacketBuilder& p) { p.window(512); };
    return std::vector<Piece>{{0, size / 2, dies}, {0, size / 2}, {size / 2, size}};
  });
  return script.done();
}

Scenario decoys() {
  Script script("Decoys");
  const std::string listed = http_get(kListed);
  const std::string decoy = http_get("decoys.example.com");
  const std::size_t cut = listed.find("listed") + 3;
  for (const bool seen_first : {true, false}) {
    const std::uint16_t port = script.new_port();
    const auto at = [port](std::size_t offset, std::string_view text) {
      return client(port).seq(kFirst + static_cast<std::uint32_t>(offset)).payload(text).build();
    };
    script.add({"SYN", client(port).seq(kFirst - 1).flags("S").build(), "forward_not_candidate"});
    if (seen_first) {
      script.add({"decoy", at(0, decoy), "forward_passed"});
      script.expect_request("http pass decoys.example.com/ no_match");
      script.add({"first piece", at(0, listed.substr(0, cut)), "drop_conflict"});
      script.add({"second piece", at(cut, listed.substr(cut)), "drop_conflict"});
    } else {
      script.add({"first piece", at(0, listed.substr(0, cut)), "forward_incomplete"});
      script.add({"decoy for it", at(0, decoy.substr(0, cut)), "drop_conflict"});
      script.add({"second piece", at(cut, listed.substr(cut)), "drop_blocked", Answer::page});
      script.expect_request("http block listed.example.com/ listed 1");
    }
  }
  return script.done();
}

Scenario fake_ends_and_beginnings() {
  Script script("FakeSynRstFin");
  const std::string listed = http_get(kListed);
  const auto fake = [&script, &listed](const std::string& what, const std::vector<Bytes>& between,
                                       std::uint16_t port) {
    const auto at = [port](std::size_t offset, std::string_view text) {
      return client(port).seq(kFirst + static_cast<std::uint32_t>(offset)).payload(text).build();
    };
    script.add({what + ": SYN", client(port).seq(kFirst - 1).flags("S").build(), "forward_not_candidate"});
    script.add({what + ": first half", at(0, listed.substr(0, 30)), "forward_incomplete"});
    for (const Bytes& frame : between) script.add({what, frame, "forward_not_candidate"});
    script.add({what + ": second half", at(30, listed.substr(30)), "drop_blocked", Answer::page});
    script.expect_request("http block listed.example.com/ listed 1");
  };
  const auto empty = [](std::uint16_t port, std::uint32_t sequence, std::string_view flags) {
    return client(port).seq(sequence).flags(flags).build();
  };
  const std::uint16_t a = script.new_port();
  fake("RST", {empty(a, kFirst + 30, "R"), empty(a, 77, "RA")}, a);
  const std::uint16_t b = script.new_port();
  fake("FIN", {empty(b, kFirst + 30, "FA"), empty(b, 123456, "F")}, b);
  const std::uint16_t c = script.new_port();
  fake("SYNs", {empty(c, 0x70000000, "S"), empty(c, kFirst + 28, "S"), empty(c, kFirst - 1, "SA")}, c);
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
  const std::string in_body = http_get(kListed);
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

Scenario disguised_heads() {
  Script script("DisguisedHeadsOverSegments");
  const auto get = [](const std::string& before_host, const std::string& host_line) {
    return [=](std::string_view name) {
      std::string line = host_line;
      line.replace(line.find('@'), 1, name);
      return to_bytes("GET / HTTP/1.1\r\n" + before_host + line + "\r\n\r\n");
    };
  };
  const auto text = [](const std::string& format) {
    return [=](std::string_view name) {
      std::string all = format;
      all.replace(all.find('@'), 1, name);
      return to_bytes(all);
    };
  };
  const auto cut = ordered({0, 2, 1});
  script.both("mixed case, no blank", get("", "hoSt:@"), cut);
  script.both("1413 blanks", get("", "Host:" + std::string(1413, ' ') + "@"), cut);
  script.both("a tab, trailing blanks", get("", "Host:\t@   "), cut);
  script.both("trailing dot", get("", "Host: @."), cut);
  script.both("folded", get("", "Host:\r\n @"), cut);
  script.both(
      "2000 empty lines first",
      [&](std::string_view name) {
        std::string all(4000, '\n');
        for (std::size_t i = 0; i < all.size(); i += 2) all[i] = '\r';
        return to_bytes(all + http_get(name));
      },
      whole);
  script.both("bare LF", text("GET / HTTP/1.1\nHost: @\n\n"), cut);
  script.both("blanks around the version", text("GET  /  HTTP/1.1 \r\nHost: @\r\n\r\n"), cut);
  script.both("HTTP/1.10", text("GET / HTTP/1.10\r\nHost: @\r\n\r\n"), cut);
  script.both("HTTP/1.0", text("GET / HTTP/1.0\r\nHost: @\r\n\r\n"), cut);
  script.both("an unknown method", text("BREW / HTTP/1.1\r\nHost: @\r\n\r\n"), cut);
  script.both("7 KiB of a garbage line", get(std::string(7000, 'x') + "\r\n", "Host: @"), cut);
  std::string many;
  for (int i = 0; i < 95; ++i) many += "X-" + std::to_string(i) + ": " + std::string(240, 'v') + "\r\n";
  script.both("95 headers of 24 KiB together", get(many, "Host: @"), cut);
  script.both("absolute form, no Host", text("GET http://@/ HTTP/1.1\r\n\r\n"), cut);
  return script.done();
}

}  // namespace

std::vector<Scenario> stream_scenarios() {
  return {cuts(),       large_hellos(),   records(), flags_and_lies(), decoys(), fake_ends_and_beginnings(),
          kept_alive(), disguised_heads()};
}

}  // namespace weir::scenario
