#include "tests/scenario/catalogue/catalogue.h"
#include "tests/support/h2_builder.h"
#include "tests/support/http_text.h"

namespace weir::scenario {
namespace {

using test::Coding;
using test::h2_connection;
using test::H2Builder;
using test::HpackWriter;

const std::string kBlockedH2c = " h2c block listed.example.com/ listed 1";
const std::string kPassedH2c = " h2c pass www.example.org/ no_match";

std::uint32_t size_of(const Bytes& bytes) { return static_cast<std::uint32_t>(bytes.size()); }

Bytes at(std::uint16_t port, std::uint32_t sequence, std::span<const std::byte> payload) {
  return client(port).seq(sequence).payload(payload).build();
}

Step blocked(const std::string& what, std::uint16_t port, std::uint32_t sequence,
             std::span<const std::byte> payload) {
  return {what, at(port, sequence, payload), "drop_blocked", Answer::reset};
}

Bytes listed_block() {
  return HpackWriter().indexed(2).indexed(6).literal(1, "listed.example.com").indexed(4).bytes();
}

Scenario h2c_disguises() {
  const auto request = [](const Bytes& block, const H2Builder::HeadersShape& shape = {}) {
    return h2_connection().headers(block, shape).bytes();
  };
  const auto get = [] { return HpackWriter().indexed(2).indexed(6).indexed(4); };
  return {
      .name = "H2cDisguises",
      .rules = {"listed.example.com", "host.example.com/page"},
      .steps =
          {blocked("Huffman coded", 81, 1000, h2_connection().get("listed.example.com").bytes()),
           blocked("plain strings", 82, 1000,
                   h2_connection().get("listed.example.com", "/", 1, Coding::plain).bytes()),
           blocked("padded, with a priority", 83, 1000,
                   request(listed_block(), {.padding = 100, .priority = true})),
           blocked("in CONTINUATIONs of three bytes", 84, 1000,
                   request(listed_block(), {.fragment_bytes = 3})),
           blocked("never indexed", 85, 1000,
                   request(get().never_indexed(":authority", "listed.example.com").bytes())),
           blocked(
               "Host against :authority", 86, 1000,
               request(get().literal(1, "www.example.org").literal("host", "listed.example.com").bytes())),
           blocked("a path in another spelling", 87, 1000,
                   h2_connection().get("HOST.example.com.", "/x/..//%70age?a").bytes()),
           blocked("no SETTINGS first", 88, 1000, H2Builder().preface().headers(listed_block()).bytes()),
           blocked("after frames of other kinds", 89, 1000,
                   h2_connection()
                       .frame(test::kH2Ping, 0, 0, Bytes(8))
                       .frame(test::kH2Data, 0, 1, Bytes(300))
                       .frame(0xfa, 0xff, 7, Bytes(40))
                       .headers(listed_block(), {.stream = 9})
                       .bytes()),
           {"an unlisted path", at(90, 1000, h2_connection().get("host.example.com", "/pages").bytes()),
            "forward_passed"},
           {"a body that looks like a request",
            at(91, 1000,
               h2_connection()
                   .get("www.example.org")
                   .frame(test::kH2Data, 1, 1, h2_connection().get("listed.example.com").bytes())
                   .bytes()),
            "forward_passed"},
           blocked("HTTP/1 after the preface", 92, 1000,
                   H2Builder().preface().raw(test::to_bytes(test::http_get("listed.example.com"))).bytes())},
      .requests = {"1" + kBlockedH2c, "2" + kBlockedH2c, "3" + kBlockedH2c, "4" + kBlockedH2c,
                   "5" + kBlockedH2c, "6" + kBlockedH2c, "7 h2c block host.example.com/page?a listed 2",
                   "8" + kBlockedH2c, "9" + kBlockedH2c, "10 h2c pass host.example.com/pages no_match",
                   "11" + kPassedH2c, "12 http block listed.example.com/ listed 1"}};
}

Scenario h2c_over_segments() {
  const Bytes first = h2_connection().get("www.example.org").bytes();
  const Bytes data = H2Builder().frame(test::kH2Data, 0, 1, Bytes(10), 1010).bytes();
  // Index 64 is the first request's :authority.
  const Bytes same =
      H2Builder()
          .headers(HpackWriter().indexed(2).indexed(6).indexed(64).indexed(4).bytes(), {.stream = 3})
          .bytes();
  const Bytes listed = H2Builder().headers(listed_block(), {.stream = 5}).bytes();
  const auto all = std::span<const std::byte>(listed);
  std::uint32_t next = 1000;
  const auto take = [&next](std::uint32_t bytes) { return (next += bytes) - bytes; };
  return {.name = "H2cOverSegments",
          .rules = {"listed.example.com"},
          .steps = {{"the preface", at(8080, take(24), std::span(first).first(24)), "forward_no_request"},
                    {"half a request", at(8080, take(50), std::span(first).subspan(24, 50)),
                     "forward_incomplete"},
                    {"its rest", at(8080, take(size_of(first) - 74), std::span(first).subspan(74)),
                     "forward_passed"},
                    {"a body's beginning", at(8080, take(size_of(data)), data), "forward_no_request"},
                    {"its rest", at(8080, take(1000), Bytes(1000)), "forward_no_request"},
                    {"an indexed request", at(8080, take(size_of(same)), same), "forward_passed"},
                    {"half of the listed one", at(8080, take(20), all.first(20)), "forward_incomplete"},
                    blocked("its rest", 8080, next, all.subspan(20)),
                    {"it again", at(8080, next, all.subspan(20)), "drop_blocked_flow", Answer::reset}},
          .requests = {"3" + kPassedH2c, "6" + kPassedH2c, "8" + kBlockedH2c}};
}

Scenario h2c_upgrade() {
  const std::string request = test::http_request_text(
      {.host = "www.example.org",
       .headers = {
           {"Connection", "Upgrade, HTTP2-Settings"}, {"Upgrade", "h2c"}, {"HTTP2-Settings", "AAMAAABk"}}});
  const Bytes first = test::to_bytes(request);
  const Bytes second = h2_connection().get("listed.example.com", "/", 3).bytes();
  const std::uint32_t next = 1000 + size_of(first);
  const Bytes joined = H2Builder().raw(first).raw(second).bytes();
  return {.name = "H2cByUpgrade",
          .rules = {"listed.example.com"},
          .steps = {{"a request with Upgrade", at(8080, 1000, first), "forward_passed"},
                    blocked("HTTP/2 after it", 8080, next, second),
                    blocked("both in one segment", 8081, 1000, joined)},
          .requests = {"1 http pass www.example.org/ no_match", "2" + kBlockedH2c,
                       "3 http pass www.example.org/ no_match", "3" + kBlockedH2c}};
}

Scenario h2c_broken() {
  const Bytes bad = h2_connection().headers(test::from_hex("80")).bytes();
  const Bytes listed = H2Builder().headers(listed_block()).bytes();
  const Bytes other = H2Builder().get("www.example.org", "/", 3).bytes();
  return {.name = "H2cBroken",
          .rules = {"listed.example.com"},
          .steps = {{"a header block that no server takes", at(8080, 1000, bad), "forward_no_request"},
                    {"an unlisted request", at(8080, 1000 + size_of(bad), other), "forward_passed"},
                    blocked("a listed one", 8080, 1000 + size_of(bad) + size_of(other), listed)},
          .requests = {"2" + kPassedH2c, "3" + kBlockedH2c}};
}

Scenario h2c_monitored() {
  const Bytes listed = h2_connection().get("listed.example.com").bytes();
  const Bytes other = H2Builder().get("www.example.org", "/", 3).bytes();
  return {.name = "H2cMonitored",
          .rules = {"listed.example.com"},
          .steps = {{"listed", at(8080, 1000, listed), "forward_monitor"},
                    {"another", at(8080, 1000 + size_of(listed), other), "forward_passed"}},
          .requests = {"1" + kBlockedH2c, "2" + kPassedH2c},
          .settings = "  enforcement: monitor\n"};
}

}  // namespace

std::vector<Scenario> h2c_scenarios() {
  return {h2c_disguises(), h2c_over_segments(), h2c_upgrade(), h2c_broken(), h2c_monitored()};
}

}  // namespace weir::scenario
