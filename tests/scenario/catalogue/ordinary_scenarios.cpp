// What ordinary stacks and paths do to a connection. Nothing of it hides a listed request or breaks another.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/scenario/catalogue/catalogue.h"
#include "tests/scenario/stream_script.h"
#include "tests/support/http_text.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::scenario {
namespace {

using test::from_hex;
using test::http_get;

const auto kBytes = static_cast<std::uint32_t>(http_get(kListedName).size());
constexpr std::uint32_t kCut = 25;
const std::string kNothing = "forward_not_candidate";

PacketBuilder at(std::uint16_t port, std::uint32_t offset) { return client(port).seq(kFirst + offset); }

Sent completing(bool listed, std::string what, Bytes frame, std::uint32_t offset) {
  if (!listed)
    return {std::move(what), std::move(frame), "forward_passed", Answer::none, {shown_request(false)}};
  return {std::move(what),       std::move(frame), "drop_blocked", Answer::page,
          {shown_request(true)}, kFirst + offset,  kFirst + kBytes};
}

template <class Frames>
void twins(Script& script, const std::string& what, const Frames& frames, bool syn = false) {
  for (const bool listed : {true, false}) {
    const std::uint16_t port = script.new_port();
    script.exchange(what + (listed ? ", listed" : ", unlisted"),
                    frames(listed, http_get(listed ? kListedName : kUnlistedName), port), syn);
  }
}

/// MSS, SACK, time stamps, window scale; losses, reordering and a smaller MTU.
Scenario transport() {
  Script script("OrdinaryTransport");
  const Bytes syn_options = from_hex("020405b4 0402 080a 0000000100000000 01 030307");
  const Bytes stamp = from_hex("0101 080a 0000000200000001");
  const Bytes sack = from_hex("0101 080a 0000000300000001 0101 050a 0000138900001400");
  twins(script, "lost, reordered, doubled", [&](bool listed, const std::string& text, std::uint16_t port) {
    const auto piece = [&, port](std::uint32_t from, std::uint32_t to, const Bytes& options) {
      return at(port, from).tcp_options(options).payload(text.substr(from, to - from)).build();
    };
    return std::vector<Sent>{
        {"SYN", at(port, 0U - 1).flags("S").tcp_options(syn_options).build(), kNothing},
        {"SYN again", at(port, 0U - 1).flags("S").tcp_options(syn_options).build(), kNothing},
        {"an acknowledgement", at(port, 0).flags("A").tcp_options(stamp).build(), kNothing},
        {"the third part", piece(50, 60, stamp), "forward_incomplete"},
        {"an acknowledgement with SACK", at(port, 0).flags("A").tcp_options(sack).build(), kNothing},
        {"the first part", piece(0, kCut, stamp), "forward_incomplete"},
        {"the first part again", piece(0, kCut, sack), "forward_incomplete"},
        {"the third part again", piece(50, 60, sack), "forward_incomplete"},
        {"the first part in smaller segments", piece(10, kCut, stamp), "forward_incomplete"},
        {"the end", piece(60, kBytes, stamp), "forward_incomplete"},
        completing(listed, "the second part", piece(kCut, 50, stamp), kCut)};
  });
  twins(script, "a smaller MTU on the way", [&](bool listed, const std::string& text, std::uint16_t port) {
    const std::string other = http_get("www.example.org", "/" + std::string(1300, 'a'));
    const auto next = static_cast<std::uint32_t>(other.size());
    std::vector<Sent> frames{{"SYN", at(port, 0U - 1).flags("S").tcp_options(syn_options).build(), kNothing},
                             {"a large request",
                              at(port, 0).payload(other).build(),
                              "forward_passed",
                              Answer::none,
                              {"http pass www.example.org/" + std::string(1300, 'a') + " no_match"}}};
    for (std::uint32_t from = 0; from < next; from += 500) {
      frames.push_back({"a part of it again", at(port, from).payload(other.substr(from, 500)).build(),
                        "forward_no_request"});
    }
    frames.push_back({"a probe", at(port, next - 1).flags("A").payload(std::string_view("\0", 1)).build(),
                      "forward_no_request"});
    frames.push_back(completing(listed, "the next request", at(port, next).payload(text).build(), next));
    frames.back().client_end = kFirst + next + kBytes;
    return frames;
  });
  return script.done();
}

/// A capture or a route that begins in the middle of a connection.
Scenario from_the_middle() {
  Script script("ConnectionsWithoutABeginning");
  twins(script, "a whole request", [](bool listed, const std::string& text, std::uint16_t port) {
    return std::vector<Sent>{completing(listed, "it", at(port, 0).payload(text).build(), 0)};
  });
  twins(script, "its end first", [](bool listed, const std::string& text, std::uint16_t port) {
    return std::vector<Sent>{
        {"the end", at(port, kCut).payload(text.substr(kCut)).build(), "forward_no_request"},
        completing(listed, "the beginning", at(port, 0).payload(text.substr(0, kCut)).build(), 0)};
  });
  twins(script, "after what belongs to an upload",
        [](bool listed, const std::string& text, std::uint16_t port) {
          return std::vector<Sent>{
              {"of a body", at(port, 0U - 2000).payload(std::string(1000, '\x05')).build(),
               "forward_no_request"},
              {"of a body", at(port, 0U - 1000).payload(std::string(1000, '\x06')).build(),
               "forward_no_request"},
              {"the first half", at(port, 0).payload(text.substr(0, kCut)).build(), "forward_incomplete"},
              completing(listed, "the rest", at(port, kCut).payload(text.substr(kCut)).build(), kCut)};
        });
  return script.done();
}

/// A server whose window is only a few bytes.
Scenario tiny_windows() {
  Script script("TinyWindows");
  const auto pieces_of = [](std::size_t bytes) {
    return [bytes](std::size_t size) {
      std::vector<Piece> pieces;
      for (std::size_t from = 0; from < size; from += bytes) {
        // A window probe is the next byte, which is sent again when the window opens.
        pieces.push_back({from, from + 1});
        pieces.push_back({from, std::min(from + bytes, size)});
      }
      return pieces;
    };
  };
  for (const std::size_t bytes : {4U, 16U, 48U}) {
    script.both("HTTP by " + std::to_string(bytes), http_around, pieces_of(bytes));
    script.both("TLS by " + std::to_string(bytes), hello_around, pieces_of(bytes), kShownTls);
  }
  return script.done();
}

/// Ports prove nothing.
Scenario any_port() {
  Scenario scenario{
      .name = "ByContentOnAnyPort", .rules = {std::string(kListedName)}, .steps = {}, .requests = {}};
  std::uint16_t source = 30000;
  for (const std::uint16_t port : std::to_array<std::uint16_t>({1, 22, 25, 53, 80, 443, 853, 8443, 65535})) {
    for (const bool listed : {true, false}) {
      for (const bool tls : {false, true}) {
        const std::string_view name = listed ? kListedName : kUnlistedName;
        const Bytes frame = PacketBuilder()
                                .ethernet()
                                .ipv4("10.0.0.1", "192.0.2.1")
                                .tcp(++source, port)
                                .seq(kFirst)
                                .ack(5000)
                                .flags("PA")
                                .payload(tls ? hello_around(name) : http_around(name))
                                .build();
        scenario.steps.push_back({std::string(tls ? "TLS to " : "HTTP to ") + std::to_string(port), frame,
                                  listed ? "drop_blocked" : "forward_passed",
                                  !listed ? Answer::none
                                  : tls   ? Answer::alert
                                          : Answer::page});
        scenario.requests.push_back(std::to_string(scenario.steps.size()) + ' ' +
                                    shown_request(listed, tls ? kShownTls : Shown{}));
      }
    }
  }
  return scenario;
}

}  // namespace

std::vector<Scenario> ordinary_scenarios() {
  return {transport(), from_the_middle(), tiny_windows(), any_port()};
}

}  // namespace weir::scenario
