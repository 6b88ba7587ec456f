// Many SYNs of one pair of addresses and ports: an ordinary client loses no connection, and nobody makes Weir
// forget what the server may still follow.
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

using test::http_get;

constexpr std::uint32_t kMega = std::uint32_t{1} << 20;
const std::string kNothing = "forward_not_candidate";

Bytes data(std::uint16_t port, std::uint32_t offset, std::string_view payload) {
  return client(port).seq(kFirst + offset).payload(payload).build();
}
Bytes bare(std::uint16_t port, std::uint32_t offset, std::string_view flags) {
  return client(port).seq(kFirst + offset).flags(flags).build();
}
Sent syn(std::uint16_t port, std::uint32_t offset) {
  return {"SYN at " + std::to_string(offset), bare(port, offset - 1, "S"), kNothing};
}

Sent request(bool listed, std::uint16_t port, std::uint32_t offset) {
  const std::string text = http_get(listed ? kListedName : kUnlistedName);
  return {"a request",
          data(port, offset, text),
          listed ? "drop_blocked" : "forward_passed",
          listed ? Answer::page : Answer::none,
          {shown_request(listed)}};
}

/// The last of several connections asks for either name.
Scenario fixed_ports() {
  Script script("AFixedSourcePort");
  const auto row = [&script](const std::string& what, std::uint32_t step, bool first_listed) {
    for (const bool listed : {true, false}) {
      const std::uint16_t port = script.new_port();
      std::vector<Sent> frames;
      const auto bytes = static_cast<std::uint32_t>(http_get(kUnlistedName).size());
      for (std::uint32_t i = 0; i < 8; ++i) {
        const std::uint32_t start = i * step;
        const bool blocked = i == 0 && first_listed;
        frames.push_back(syn(port, start));
        frames.push_back({"the handshake's end", bare(port, start, "A"), kNothing});
        frames.push_back(request(blocked || (listed && i == 7), port, start));
        if (!blocked && i < 7) frames.push_back({"FIN", bare(port, start + bytes, "FA"), kNothing});
      }
      script.exchange(what + (listed ? ", listed" : ", unlisted"), frames, false);
    }
  };
  row("numbers 1000 apart", 1000, false);
  row("numbers 64 000 apart", 64000, false);
  row("numbers 1 MiB apart", kMega, false);
  row("numbers 1 MiB apart, the first blocked", kMega, true);
  row("numbers of a clock, each second", 15'625'000, false);
  row("numbers that go down", 0U - kMega, false);
  row("numbers far apart", 0x5a5a5a5a, true);
  return script.done();
}

/// Busy clients that share an address at a carrier's NAT: each leaves an unfinished request.
Scenario unfinished() {
  Script script("APortUsedAgainAfterUnfinishedRequests");
  for (const bool listed : {true, false}) {
    const std::uint16_t port = script.new_port();
    const std::string half = http_get(kUnlistedName).substr(0, 25);
    std::vector<Sent> frames;
    for (std::uint32_t i = 0; i < 6; ++i) {
      frames.push_back(syn(port, i * 3 * kMega));
      frames.push_back({"half a request", data(port, i * 3 * kMega, half), "forward_incomplete"});
    }
    frames.push_back(syn(port, 30 * kMega));
    frames.push_back(request(listed, port, 30 * kMega));
    script.exchange(listed ? "listed" : "unlisted", frames, false);
  }
  return script.done();
}

/// A decoy that dies on the way, the true tail, SYNs that the server ignores, the head. The decoy may have
/// reached the server, so there is no unlisted half.
Scenario forgotten() {
  Script script("SynsMakeNobodyForget");
  const std::string decoy = "GET / HTTP/1.0\r\nHost: a\r\n\r\n";
  const auto cut = static_cast<std::uint32_t>(decoy.size());
  const auto row = [&](const std::string& what, const std::vector<std::uint32_t>& starts) {
    const std::uint16_t port = script.new_port();
    const std::string text = http_get(kListedName);
    const Bytes dies = PacketBuilder()
                           .ethernet()
                           .ipv4("10.0.0.1", "192.0.2.1")
                           .ttl(1)
                           .tcp(40000, port)
                           .seq(kFirst)
                           .ack(5000)
                           .flags("PA")
                           .payload(decoy)
                           .build();
    std::vector<Sent> frames{{"the decoy", dies, "forward_passed", Answer::none, {"http pass a/ no_match"}},
                             {"the tail", data(port, cut, text.substr(cut)), "forward_no_request"}};
    for (const std::uint32_t start : starts) frames.push_back(syn(port, start));
    frames.push_back({"the head", data(port, 0, text.substr(0, cut)), "drop_conflict"});
    frames.push_back({"the head again", data(port, 0, text.substr(0, cut)), "drop_conflict"});
    frames.push_back({"all of it", data(port, 0, text), "drop_conflict"});
    script.exchange(what, frames);
  };
  row("one, 4 MiB ahead", {4 * kMega});
  row("one, 5 MiB ahead", {5 * kMega});
  row("one, 5 MiB before", {0U - 5 * kMega});
  row("four, ever farther", {5 * kMega, 10 * kMega, 15 * kMega, 20 * kMega});
  row("five, ever farther down",
      {0U - 5 * kMega, 0U - 10 * kMega, 0U - 15 * kMega, 0U - 20 * kMega, 0U - 25 * kMega});
  row("just before", {0U - 10, 0U - 20, 0U - 30, 0U - 40, 0U - 50});
  row("within", {5, 10, 15, 20, 25});
  row("far, then just before", {500 * kMega, 600 * kMega, 700 * kMega, 800 * kMega, 0U - 10});
  return script.done();
}

}  // namespace

std::vector<Scenario> port_reuse_scenarios() { return {fixed_ports(), unfinished(), forgotten()}; }

}  // namespace weir::scenario
