// Segments that a server may not accept: they must not hide a listed request. An unlisted request passes if
// no byte of it is contradicted.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/scenario/catalogue/catalogue.h"
#include "tests/scenario/stream_script.h"
#include "tests/support/http_text.h"

namespace weir::scenario {
namespace {

using test::from_hex;
using test::http_get;

/// A reason for a server to refuse a segment.
struct Lie {
  std::string what;
  Disguise disguise{};
  std::uint8_t ttl = 64;
  std::optional<std::uint16_t> ip_length{};
  bool syn = false;  // takes one sequence number before the data
};

Bytes told(const Lie& lie, std::uint16_t port, std::uint32_t offset, std::string_view payload) {
  PacketBuilder packet = PacketBuilder().ethernet().ipv4("10.0.0.1", "192.0.2.1").ttl(lie.ttl);
  if (lie.ip_length) packet.length(*lie.ip_length);
  packet.tcp(40000, port).seq(kFirst + offset - (lie.syn ? 1U : 0U)).ack(5000).flags(lie.syn ? "SPA" : "PA");
  if (lie.disguise) lie.disguise(packet);
  return packet.payload(payload).build();
}
Bytes truth(std::uint16_t port, std::uint32_t offset, std::string_view payload) {
  return told({}, port, offset, payload);
}

/// Servers differ on these, so their bytes count.
std::vector<Lie> believed_lies() {
  const auto options = [](std::string_view hex) {
    return [bytes = from_hex(hex)](PacketBuilder& p) { p.tcp_options(bytes); };
  };
  return {{"a TTL that dies", {}, 1},
          {"an MD5 option", options("0101 1312 00112233445566778899aabbccddeeff")},
          {"an old timestamp", options("0101080a 00000000 00000000")},
          {"a window scale", options("0101 01 03030e")},
          {"a window of 0", [](PacketBuilder& p) { p.window(0); }},
          {"an acknowledgement of what nobody sent", [](PacketBuilder& p) { p.ack(0x50000000).flags("PA"); }},
          {"no ACK flag", [](PacketBuilder& p) { p.flags("P"); }},
          {"no flag at all", [](PacketBuilder& p) { p.flags(""); }},
          {"FIN", [](PacketBuilder& p) { p.flags("FPA"); }},
          {"RST", [](PacketBuilder& p) { p.flags("RPA"); }},
          {"SYN", {}, 64, {}, true},
          {"ECN flags", [](PacketBuilder& p) { p.flags("PAEC"); }}};
}

/// No receiver accepts data from these.
std::vector<std::pair<Lie, std::string>> void_lies() {
  return {{{"a data offset of 2", [](PacketBuilder& p) { p.header_words(2); }}, "forward_malformed"},
          {{"an IP length beyond the frame", {}, 64, std::uint16_t{9000}}, "forward_malformed"},
          {{"an IP length that ends before the data", {}, 64, std::uint16_t{40}}, "forward_not_candidate"}};
}

constexpr std::string_view kDecoyName = "decoys.example.com";  // as long as the other names
const std::string kDecoy = http_get(kDecoyName);
const std::string kDecoyRequest = "http pass decoys.example.com/ no_match";
constexpr std::uint32_t kCut = 25;  // inside the name
const auto kBytes = static_cast<std::uint32_t>(kDecoy.size());
const Lie kBroken{"a wrong checksum", [](PacketBuilder& p) { p.checksum(0x1234); }};

/// The beginning of the name with the end of the decoy's name.
std::string half_decoy(std::string_view name) {
  constexpr std::size_t kHalf = kCut - 22;
  return "http pass " + std::string(name.substr(0, kHalf)) + std::string(kDecoyName.substr(kHalf)) +
         "/ no_match";
}

Sent blocked(std::string what, Bytes frame, std::uint32_t server_next) {
  return {.what = std::move(what),
          .frame = std::move(frame),
          .outcome = "drop_blocked",
          .answer = Answer::page,
          .requests = {shown_request(true)},
          .server_next = kFirst + server_next,
          .client_end = kFirst + kBytes};
}
Sent passed(std::string what, Bytes frame) {
  return {.what = std::move(what),
          .frame = std::move(frame),
          .outcome = "forward_passed",
          .requests = {shown_request(false)}};
}
Sent completing(bool listed, std::string what, Bytes frame, std::uint32_t server_next) {
  return listed ? blocked(std::move(what), std::move(frame), server_next)
                : passed(std::move(what), std::move(frame));
}

/// Adds `frames(listed, request, port)` for both names.
template <class Frames>
void twins(Script& script, const std::string& what, const Frames& frames, bool syn = true) {
  for (const bool listed : {true, false}) {
    const std::uint16_t port = script.new_port();
    script.exchange(what + (listed ? ", listed" : ", unlisted"),
                    frames(listed, http_get(listed ? kListedName : kUnlistedName), port), syn);
  }
}

Scenario lies_about_the_request() {
  Script script("LiesAboutTheRequestItself");
  for (const Lie& lie : believed_lies()) {
    twins(script, lie.what, [&](bool listed, const std::string& text, std::uint16_t port) {
      return std::vector<Sent>{
          {"a first half with it", told(lie, port, 0, text.substr(0, kCut)), "forward_incomplete"},
          {"it sent again", truth(port, 0, text.substr(0, kCut)), "forward_incomplete"},
          completing(listed, "the rest", truth(port, kCut, text.substr(kCut)), kCut)};
    });
  }
  for (const Lie& lie : {Lie{"wrong checksums", [](PacketBuilder& p) { p.checksum(0x1234); }},
                         Lie{"a TTL that dies", {}, 1}}) {
    twins(script, lie.what + " throughout", [&](bool listed, const std::string& text, std::uint16_t port) {
      return std::vector<Sent>{
          {"the rest first", told(lie, port, kCut, text.substr(kCut)), "forward_incomplete"},
          completing(listed, "the beginning", told(lie, port, 0, text.substr(0, kCut)), 0)};
    });
  }
  return script.done();
}

/// A decoy that may have reached the server takes the place of the bytes: the real request's are dropped.
Scenario decoys_before() {
  Script script("DecoysBeforeTheRequest");
  const std::string text = http_get(kListedName);
  for (const Lie& lie : believed_lies()) {
    const std::uint16_t port = script.new_port();
    script.exchange(
        lie.what, {{"the decoy", told(lie, port, 0, kDecoy), "forward_passed", Answer::none, {kDecoyRequest}},
                   {"the request's first half", truth(port, 0, text.substr(0, kCut)), "drop_conflict"},
                   {"its second half", truth(port, kCut, text.substr(kCut)), "drop_conflict"},
                   {"all of it", truth(port, 0, text), "drop_conflict"}});
  }
  const std::uint16_t port = script.new_port();
  script.exchange(
      "a data offset of 15",
      {{"the decoy, in part options",
        told({"", [](PacketBuilder& p) { p.header_words(15); }}, port, 0, kDecoy), "forward_no_request"},
       {"the request", truth(port, 0, text), "drop_conflict"}});
  return script.done();
}

/// No receiver accepts these, so they contradict nothing.
Scenario decoys_of_no_account() {
  Script script("DecoysOfNoAccount");
  const auto around = [&script](const std::string& what, const auto& decoy, const std::string& outcome,
                                const std::vector<std::string>& requests) {
    twins(script, what, [&](bool listed, const std::string& text, std::uint16_t port) {
      return std::vector<Sent>{{"the decoy", decoy(port, 0U, kDecoy), outcome, Answer::none, requests},
                               {"the first half", truth(port, 0, text.substr(0, kCut)), "forward_incomplete"},
                               completing(listed, "the rest", truth(port, kCut, text.substr(kCut)), kCut)};
    });
  };
  for (const auto& [lie, outcome] : void_lies()) {
    around(lie.what,
           [&lie = lie](auto port, auto offset, auto text) { return told(lie, port, offset, text); }, outcome,
           {});
  }
  around("a sequence number far away",
         [](auto port, auto offset, auto text) { return truth(port, offset + 0x10000000, text); },
         "forward_passed", {kDecoyRequest});
  around("a sequence number from before",
         [](auto port, auto offset, auto text) { return truth(port, offset - 20000, text); },
         "forward_passed", {kDecoyRequest});
  // Held bytes with a wrong checksum are replaced by bytes with a right one, piece by piece.
  twins(script, kBroken.what, [](bool listed, const std::string& text, std::uint16_t port) {
    return std::vector<Sent>{
        {"the decoy", told(kBroken, port, 0, kDecoy), "forward_passed", Answer::none, {kDecoyRequest}},
        {"the first half",
         truth(port, 0, text.substr(0, kCut)),
         "forward_passed",
         Answer::none,
         {half_decoy(listed ? kListedName : kUnlistedName)}},
        completing(listed, "the rest", truth(port, kCut, text.substr(kCut)), kBytes)};
  });
  return script.done();
}

/// The first half of the name is real; decoys replace the second.
Scenario decoys_for_a_part() {
  Script script("DecoysForAPartOfTheName");
  const std::string text = http_get(kListedName);
  for (const Lie& lie : believed_lies()) {
    const std::uint16_t port = script.new_port();
    script.exchange(
        lie.what, {{"the first half", truth(port, 0, text.substr(0, kCut)), "forward_incomplete"},
                   {"a decoy of the first half", told(lie, port, 0, kDecoy.substr(0, kCut)), "drop_conflict"},
                   {"a decoy of the rest",
                    told(lie, port, kCut, kDecoy.substr(kCut)),
                    "forward_passed",
                    Answer::none,
                    {half_decoy(kListedName)}},
                   {"the rest", truth(port, kCut, text.substr(kCut)), "drop_conflict"}});
  }
  twins(script, kBroken.what, [](bool listed, const std::string& real, std::uint16_t port) {
    return std::vector<Sent>{
        {"the first half", truth(port, 0, real.substr(0, kCut)), "forward_incomplete"},
        {"a decoy of the first half", told(kBroken, port, 0, kDecoy.substr(0, kCut)), "drop_conflict"},
        {"a decoy of the rest",
         told(kBroken, port, kCut, kDecoy.substr(kCut)),
         "forward_passed",
         Answer::none,
         {half_decoy(listed ? kListedName : kUnlistedName)}},
        completing(listed, "the rest", truth(port, kCut, real.substr(kCut)), kBytes)};
  });
  return script.done();
}

Scenario overlaps() {
  Script script("ConflictingOverlaps");
  twins(script, "a later copy says otherwise", [](bool listed, const std::string& text, std::uint16_t port) {
    return std::vector<Sent>{
        {"the beginning", truth(port, 0, text.substr(0, 30)), "forward_incomplete"},
        {"what overlaps it", truth(port, kCut, kDecoy.substr(kCut - 3, 30)), "drop_conflict"},
        completing(listed, "the rest, overlapping as well", truth(port, kCut, text.substr(kCut)), 30)};
  });
  twins(script, "the end first", [](bool listed, const std::string& text, std::uint16_t port) {
    return std::vector<Sent>{
        {"the end", truth(port, kCut, text.substr(kCut)), "forward_incomplete"},
        {"a beginning that contradicts it", truth(port, 0, kDecoy.substr(0, 30) + "x"), "drop_conflict"},
        completing(listed, "the beginning, overlapping", truth(port, 0, text.substr(0, 30)), 0)};
  });
  // Only the SYN says where the stream begins, so bytes before it are read too, as another stream.
  twins(script, "left of the first byte", [](bool listed, const std::string& text, std::uint16_t port) {
    Sent last =
        completing(listed, "ten old bytes and the request", truth(port, 0U - 10, "0123456789" + text), 0);
    if (!listed) last.requests.push_back(shown_request(false));
    return std::vector<Sent>{{"old bytes", truth(port, 0U - 10, "0123456789"), "forward_incomplete"}, last};
  });
  return script.done();
}

Scenario wrapping() {
  Script script("SequenceNumbersWrapWithinTheName");
  for (const bool listed : {true, false}) {
    const std::string text = http_get(listed ? kListedName : kUnlistedName);
    const std::uint16_t port = script.new_port();
    const std::uint32_t first = 0U - kCut;
    const auto at = [&](std::uint32_t offset, std::uint32_t bytes) {
      return client(port).seq(first + offset).payload(text.substr(offset, bytes)).build();
    };
    Sent last = completing(listed, "across the wrap", at(kCut - 5, 10), 0);
    last.server_next = first + kCut - 5;
    last.client_end = first + static_cast<std::uint32_t>(text.size());
    script.exchange(listed ? "listed" : "unlisted",
                    {{"SYN", client(port).seq(first - 1).flags("S").build(), "forward_not_candidate"},
                     {"after the wrap", at(kCut + 5, 1000), "forward_incomplete"},
                     {"before it", at(0, kCut - 5), "forward_incomplete"},
                     last},
                    false);
  }
  return script.done();
}

}  // namespace

std::vector<Scenario> decoy_scenarios() {
  return {lies_about_the_request(), decoys_before(), decoys_of_no_account(),
          decoys_for_a_part(),      overlaps(),      wrapping()};
}

}  // namespace weir::scenario
