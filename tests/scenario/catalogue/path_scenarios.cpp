// What is on the way changes packets: padding that is counted, segments that are merged, options that are
// rewritten.
#include <cstdint>
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

const std::string kNothing = "forward_not_candidate";
const std::string kOther = http_get("www.example.org");
const auto kOtherBytes = static_cast<std::uint32_t>(kOther.size());
const std::string kSeenOther = "http pass www.example.org/ no_match";

PacketBuilder at(std::uint16_t port, std::uint32_t offset) { return client(port).seq(kFirst + offset); }
Bytes data(std::uint16_t port, std::uint32_t offset, std::string_view payload) {
  return at(port, offset).payload(payload).build();
}

/// The frame that completes the request, the last bytes of which end at `end`. `first_new`: the first byte
/// that the server does not have.
Sent completing(bool listed, Bytes frame, std::uint32_t first_new, std::uint32_t end,
                Answer answer = Answer::page) {
  if (!listed) return {"the end", std::move(frame), "forward_passed", Answer::none, {shown_request(false)}};
  return {"the end",          std::move(frame), "drop_blocked", answer, {shown_request(true)},
          kFirst + first_new, kFirst + end};
}

template <class Frames>
void twins(Script& script, const std::string& what, const Frames& frames) {
  for (const bool listed : {true, false}) {
    const std::uint16_t port = script.new_port();
    script.exchange(what + (listed ? ", listed" : ", unlisted"),
                    frames(listed, http_get(listed ? kListedName : kUnlistedName), port));
  }
}

std::uint32_t size_of(const std::string& text) { return static_cast<std::uint32_t>(text.size()); }

/// A bare acknowledgement whose padding is counted into the IP length, and the data in the same place.
Scenario padding() {
  Script script("PaddingInTheIpLength");
  for (const std::uint32_t count : {1U, 2U, 6U}) {
    const std::string zeros(count, '\0');
    const std::string kind = ", " + std::to_string(count);
    const auto pad = [zeros](std::uint16_t port, std::uint32_t offset) {
      return Sent{"padding", at(port, offset).flags("A").payload(zeros).build(), "forward_no_request"};
    };
    twins(script, "first" + kind, [&](bool listed, const std::string& text, std::uint16_t port) {
      return std::vector<Sent>{pad(port, 0), completing(listed, data(port, 0, text), 0, size_of(text))};
    });
    twins(script, "first, then in two segments" + kind,
          [&](bool listed, const std::string& text, std::uint16_t port) {
            return std::vector<Sent>{pad(port, 0),
                                     {"half", data(port, 0, text.substr(0, 25)), "forward_incomplete"},
                                     completing(listed, data(port, 25, text.substr(25)), 25, size_of(text))};
          });
    twins(script, "between requests" + kind, [&](bool listed, const std::string& text, std::uint16_t port) {
      return std::vector<Sent>{
          {"a request", data(port, 0, kOther), "forward_passed", Answer::none, {kSeenOther}},
          pad(port, kOtherBytes),
          completing(listed, data(port, kOtherBytes, text), kOtherBytes, kOtherBytes + size_of(text))};
    });
    twins(script, "before a hello" + kind, [&](bool listed, const std::string&, std::uint16_t port) {
      const Bytes hello = hello_around(listed ? kListedName : kUnlistedName);
      return std::vector<Sent>{pad(port, 0),
                               {"the hello",
                                at(port, 0).payload(hello).build(),
                                listed ? "drop_blocked" : "forward_passed",
                                listed ? Answer::alert : Answer::none,
                                {shown_request(listed, kShownTls)}}};
    });
    // The zeros were data, and the server skips them.
    twins(script, "data after it" + kind, [&](bool listed, const std::string& text, std::uint16_t port) {
      return std::vector<Sent>{pad(port, 0),
                               completing(listed, data(port, count, text), count, count + size_of(text))};
    });
  }
  return script.done();
}

/// Retransmissions in other pieces than before, as stacks and offloads merge them.
Scenario merged() {
  Script script("MergedSegments");
  twins(script, "1 and 2, then 2 and 3", [](bool listed, const std::string& text, std::uint16_t port) {
    return std::vector<Sent>{{"1", data(port, 0, text.substr(0, 15)), "forward_incomplete"},
                             {"2", data(port, 15, text.substr(15, 15)), "forward_incomplete"},
                             {"1 and 2 again", data(port, 0, text.substr(0, 30)), "forward_incomplete"},
                             completing(listed, data(port, 15, text.substr(15)), 30, size_of(text))};
  });
  twins(script, "2 and 3 before 1 and 2", [](bool listed, const std::string& text, std::uint16_t port) {
    return std::vector<Sent>{{"2 and 3", data(port, 15, text.substr(15)), "forward_incomplete"},
                             completing(listed, data(port, 0, text.substr(0, 30)), 0, size_of(text))};
  });
  twins(script, "everything again after each", [](bool listed, const std::string& text, std::uint16_t port) {
    std::vector<Sent> frames;
    for (std::uint32_t end = 10; end < size_of(text) - 1; end += 10)
      frames.push_back(
          {"up to " + std::to_string(end), data(port, 0, text.substr(0, end)), "forward_incomplete"});
    const std::uint32_t sent = (size_of(text) - 2) / 10 * 10;
    frames.push_back(completing(listed, data(port, 0, text), sent, size_of(text)));
    return frames;
  });
  twins(script, "the end of a request with the next one",
        [](bool listed, const std::string& text, std::uint16_t port) {
          const std::string both = kOther + text;
          return std::vector<Sent>{
              {"a request", data(port, 0, kOther), "forward_passed", Answer::none, {kSeenOther}},
              {"half of the next", data(port, kOtherBytes, text.substr(0, 25)), "forward_incomplete"},
              completing(listed, data(port, kOtherBytes - 20, both.substr(kOtherBytes - 20)),
                         kOtherBytes + 25, size_of(both))};
        });
  // Receive offload makes one segment of many; it may be larger than any on the wire.
  twins(script, "12 000 bytes of requests in one segment",
        [](bool listed, const std::string& text, std::uint16_t port) {
          std::string all;
          std::vector<std::string> seen;
          while (all.size() < 12000) {
            all += kOther;
            seen.push_back(kSeenOther);
          }
          seen.push_back(shown_request(listed));
          Sent whole = completing(listed, data(port, 0, all + text), 0, size_of(all + text), Answer::reset);
          whole.requests = seen;
          return std::vector<Sent>{whole};
        });
  twins(script, "merged, then lost and sent again one by one",
        [](bool listed, const std::string& text, std::uint16_t port) {
          const std::string both = kOther + text.substr(0, 25);
          return std::vector<Sent>{
              {"two segments in one", data(port, 0, both), "forward_passed", Answer::none, {kSeenOther}},
              {"the first again", data(port, 0, kOther), "forward_no_request"},
              {"the second again", data(port, kOtherBytes, text.substr(0, 25)), "forward_incomplete"},
              completing(listed, data(port, kOtherBytes + 25, text.substr(25)), kOtherBytes + 25,
                         kOtherBytes + size_of(text), Answer::reset)};
        });
  return script.done();
}

/// Boxes clamp the segment size, take options out, or add them to some packets only.
Scenario options() {
  Script script("RewrittenOptions");
  const auto with = [](std::uint16_t port, std::uint32_t offset, std::string_view flags,
                       std::string_view hex) {
    return at(port, offset).flags(flags).tcp_options(from_hex(hex));
  };
  const std::string stamp = "0101 080a 0000000200000001";
  twins(script, "another SYN for each copy", [&](bool listed, const std::string& text, std::uint16_t port) {
    return std::vector<Sent>{
        {"SYN of a clamped size",
         with(port, 0U - 1, "S", "020404c4 0402 080a 0000000100000000 01 030307").build(), kNothing},
        {"SYN without options", with(port, 0U - 1, "S", "").build(), kNothing},
        {"the first half", with(port, 0, "PA", stamp).payload(text.substr(0, 25)).build(),
         "forward_incomplete"},
        {"the first half without a time stamp", data(port, 0, text.substr(0, 25)), "forward_incomplete"},
        completing(listed, data(port, 25, text.substr(25)), 25, size_of(text))};
  });
  twins(script, "unknown options, and those made empty",
        [&](bool listed, const std::string& text, std::uint16_t port) {
          return std::vector<Sent>{
              {"the first half", with(port, 0, "PA", "fd04abcd").payload(text.substr(0, 25)).build(),
               "forward_incomplete"},
              {"again, all of them taken out",
               with(port, 0, "A", "01010101 01010101 01010101").payload(text.substr(0, 25)).build(),
               "forward_incomplete"},
              completing(listed, with(port, 25, "PA", "4c0401010001fefe").payload(text.substr(25)).build(),
                         25, size_of(text))};
        });
  return script.done();
}

}  // namespace

std::vector<Scenario> path_scenarios() { return {padding(), merged(), options()}; }

}  // namespace weir::scenario
