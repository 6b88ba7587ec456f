// False statements about a connection's beginning, end and urgent bytes: none of them hides a request.
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

constexpr std::uint32_t kCut = 25;  // inside the name
const auto kBytes = static_cast<std::uint32_t>(http_get(kListedName).size());
const std::string kNothing = "forward_not_candidate";

Bytes data(std::uint16_t port, std::uint32_t offset, std::string_view payload) {
  return client(port).seq(kFirst + offset).payload(payload).build();
}
PacketBuilder bare(std::uint16_t port, std::uint32_t offset, std::string_view flags) {
  return client(port).seq(kFirst + offset).flags(flags);
}
Bytes with_ttl_1(std::uint16_t port, std::uint32_t offset, std::string_view flags) {
  return PacketBuilder()
      .ethernet()
      .ipv4("10.0.0.1", "192.0.2.1")
      .ttl(1)
      .tcp(40000, port)
      .seq(kFirst + offset)
      .ack(5000)
      .flags(flags)
      .build();
}

Sent completing(bool listed, std::string what, Bytes frame, std::uint32_t server_next) {
  if (!listed)
    return {std::move(what), std::move(frame), "forward_passed", Answer::none, {shown_request(false)}};
  return {std::move(what),       std::move(frame),     "drop_blocked", Answer::page,
          {shown_request(true)}, kFirst + server_next, kFirst + kBytes};
}

/// Adds `frames(listed, request, port)` for both names.
template <class Frames>
void twins(Script& script, const std::string& what, bool syn, const Frames& frames) {
  for (const bool listed : {true, false}) {
    const std::uint16_t port = script.new_port();
    script.exchange(what + (listed ? ", listed" : ", unlisted"),
                    frames(listed, http_get(listed ? kListedName : kUnlistedName), port), syn);
  }
}

Scenario ends() {
  Script script("RstAndFinEndNothing");
  const auto between = [&script](const std::string& what, const auto& lies) {
    twins(script, what, true, [&](bool listed, const std::string& text, std::uint16_t port) {
      std::vector<Sent> frames;
      for (const Bytes& lie : lies(port, 0U)) frames.push_back({"before anything", lie, kNothing});
      frames.push_back({"the first half", data(port, 0, text.substr(0, kCut)), "forward_incomplete"});
      for (const Bytes& lie : lies(port, kCut)) frames.push_back({"then", lie, kNothing});
      frames.push_back(completing(listed, "the rest", data(port, kCut, text.substr(kCut)), kCut));
      return frames;
    });
  };
  between("RST", [](std::uint16_t port, std::uint32_t next) {
    return std::vector<Bytes>{bare(port, next, "R").build(), bare(port, next, "RA").build(),
                              bare(port, next + 5, "R").build(), bare(port, 0x60000000, "R").build()};
  });
  between("FIN", [](std::uint16_t port, std::uint32_t next) {
    return std::vector<Bytes>{bare(port, next, "FA").build(), bare(port, next, "F").build(),
                              bare(port, 0x60000000, "FA").build()};
  });
  between("with a wrong checksum or a TTL that dies", [](std::uint16_t port, std::uint32_t next) {
    return std::vector<Bytes>{bare(port, next, "RA").checksum(0x1234).build(),
                              bare(port, next, "FA").checksum(0x1234).build(), with_ttl_1(port, next, "R"),
                              with_ttl_1(port, next, "FA")};
  });
  twins(script, "after a request", true, [](bool listed, const std::string& text, std::uint16_t port) {
    const std::string other = http_get("www.example.org");
    const auto next = static_cast<std::uint32_t>(other.size());
    Sent last = completing(listed, "the next", data(port, next, text), next);
    last.client_end = kFirst + next + kBytes;
    return std::vector<Sent>{{"a request",
                              data(port, 0, other),
                              "forward_passed",
                              Answer::none,
                              {"http pass www.example.org/ no_match"}},
                             {"RST", bare(port, next, "RA").build(), kNothing},
                             {"FIN", bare(port, next, "FA").build(), kNothing},
                             last};
  });
  return script.done();
}

Scenario data_on_syn() {
  Script script("ARequestThatBeginsOnTheSyn");
  const auto syn = [](std::uint16_t port, std::string_view text, std::string_view options) {
    return client(port).seq(kFirst - 1).flags("S").tcp_options(from_hex(options)).payload(text).build();
  };
  for (const auto& [what, options] :
       {std::pair{"with a cookie of TCP Fast Open", "0204 05b4 220a 0123456789abcdef"},
        std::pair{"without", ""}}) {
    twins(script, what, false, [&, hex = options](bool listed, const std::string& text, std::uint16_t port) {
      return std::vector<Sent>{
          {"SYN with the first half", syn(port, text.substr(0, kCut), hex), "forward_incomplete"},
          completing(listed, "the rest", data(port, kCut, text.substr(kCut)), kCut)};
    });
    twins(script, std::string(what) + ", the server takes none of it", false,
          [&, hex = options](bool listed, const std::string& text, std::uint16_t port) {
            return std::vector<Sent>{
                {"SYN with the first half", syn(port, text.substr(0, kCut), hex), "forward_incomplete"},
                {"a bare SYN", syn(port, "", ""), kNothing},
                {"the handshake's end", bare(port, 0, "A").build(), kNothing},
                completing(listed, "all of it", data(port, 0, text), kCut)};
          });
  }
  return script.done();
}

Scenario several_syns() {
  Script script("SynsThatTheServerMayNotTake");
  const auto halves = [](bool listed, const std::string& text, std::uint16_t port, std::vector<Sent> before) {
    before.push_back({"the first half", data(port, 0, text.substr(0, kCut)), "forward_incomplete"});
    before.push_back(completing(listed, "the rest", data(port, kCut, text.substr(kCut)), kCut));
    return before;
  };
  twins(script, "others before it", false, [&](bool listed, const std::string& text, std::uint16_t port) {
    return halves(listed, text, port,
                  {{"a SYN", bare(port, 0x30000000, "S").build(), kNothing},
                   {"a SYN with a wrong checksum", bare(port, 0x50000000, "S").checksum(1).build(), kNothing},
                   {"the real one", bare(port, 0U - 1, "S").build(), kNothing}});
  });
  twins(script, "others after it", true, [&](bool listed, const std::string& text, std::uint16_t port) {
    return halves(listed, text, port,
                  {{"the same again", bare(port, 0U - 1, "S").build(), kNothing},
                   {"one close by", bare(port, 40, "S").build(), kNothing},
                   {"one with a TTL that dies", with_ttl_1(port, 0x30000000, "S"), kNothing}});
  });
  twins(script, "a SYN in the midst", true, [&](bool listed, const std::string& text, std::uint16_t port) {
    return std::vector<Sent>{{"the first half", data(port, 0, text.substr(0, kCut)), "forward_incomplete"},
                             {"SYN where it ends", bare(port, kCut - 1, "S").build(), kNothing},
                             {"SYN elsewhere", bare(port, 0x50000000, "S").build(), kNothing},
                             {"SYN and ACK", bare(port, 0U - 1, "SA").build(), kNothing},
                             completing(listed, "the rest", data(port, kCut, text.substr(kCut)), kCut)};
  });
  twins(script, "simultaneous open, split handshake", true,
        [&](bool listed, const std::string& text, std::uint16_t port) {
          return halves(
              listed, text, port,
              {{"an acknowledgement of the server's SYN", bare(port, 0U - 1, "A").build(), kNothing},
               {"SYN and ACK from the client", bare(port, 0U - 1, "SA").build(), kNothing},
               {"the handshake's end", bare(port, 0, "A").build(), kNothing}});
        });
  twins(script, "SYN and ACK without a SYN", false,
        [&](bool listed, const std::string& text, std::uint16_t port) {
          return halves(listed, text, port, {{"SYN and ACK", bare(port, 0U - 1, "SA").build(), kNothing}});
        });
  return script.done();
}

/// Some servers remove the urgent byte, others keep it.
Scenario urgent_bytes() {
  Script script("UrgentBytesWithinTheName");
  const auto urgent = [](std::uint16_t port, std::uint32_t offset, std::string_view text,
                         std::uint16_t after) {
    return client(port).seq(kFirst + offset).flags("UPA").urgent(after).payload(text).build();
  };
  const auto seen = [](bool listed, std::string_view other) {
    return std::vector<std::string>{"http pass " + std::string(other) + "/ no_match", shown_request(listed)};
  };
  // An extra byte, which servers may remove.
  twins(script, "a byte between", true, [&](bool listed, const std::string& text, std::uint16_t port) {
    const std::string more = text.substr(0, kCut) + 'x' + text.substr(kCut);
    const std::string name = std::string(listed ? kListedName : kUnlistedName).insert(kCut - 22, "x");
    Sent whole = completing(listed, "all of it", urgent(port, 0, more, kCut + 1), 0);
    whole.client_end = kFirst + kBytes + 1;
    whole.requests = seen(listed, name);
    return std::vector<Sent>{whole};
  });
  // A byte of the name, which servers may keep.
  twins(script, "a byte of the name", true, [&](bool listed, const std::string& text, std::uint16_t port) {
    const std::string name = std::string(listed ? kListedName : kUnlistedName).erase(kCut - 22, 1);
    Sent whole = completing(listed, "all of it", urgent(port, 0, text, kCut + 1), 0);
    whole.requests = listed ? std::vector{shown_request(true)}
                            : std::vector{shown_request(false), "http pass " + name + "/ no_match"};
    return std::vector<Sent>{whole};
  });
  twins(script, "a byte between, in segments", true,
        [&](bool listed, const std::string& text, std::uint16_t port) {
          const std::string more = text.substr(0, kCut) + 'x' + text.substr(kCut);
          const std::string name = std::string(listed ? kListedName : kUnlistedName).insert(kCut - 22, "x");
          Sent last = completing(listed, "the rest", data(port, kCut + 1, text.substr(kCut)), kCut + 1);
          last.client_end = kFirst + kBytes + 1;
          last.requests = seen(listed, name);
          return std::vector<Sent>{
              {"the first half", data(port, 0, text.substr(0, kCut)), "forward_incomplete"},
              {"the byte", urgent(port, kCut, "x", 1), "forward_incomplete"},
              last};
        });
  twins(script, "a pointer of 0", true, [&](bool listed, const std::string& text, std::uint16_t port) {
    Sent last = completing(listed, "the rest", data(port, kCut, text.substr(kCut)), kCut);
    if (!listed) last.requests.push_back(shown_request(false));
    return std::vector<Sent>{
        {"the first half", urgent(port, 0, text.substr(0, kCut), 0), "forward_incomplete"}, last};
  });
  return script.done();
}

}  // namespace

std::vector<Scenario> connection_lie_scenarios() {
  return {ends(), data_on_syn(), several_syns(), urgent_bytes()};
}

}  // namespace weir::scenario
