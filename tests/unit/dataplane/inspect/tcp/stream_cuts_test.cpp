// Differential test of stream inspection: in whatever way a request is split, and in whatever order its
// pieces arrive, the verdict is the same as for the whole, and a server never gets a whole listed request.
#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/h2_builder.h"
#include "tests/support/http_text.h"
#include "tests/support/packet_builder.h"
#include "tests/support/tls_hello_builder.h"
#include "tests/unit/dataplane/inspect/inspect_fixture.h"

namespace weir::test {
namespace {

const TestSnapshot& rules() {
  static const TestSnapshot snapshot(
      std::vector<ListText>{{"hotline", {"listed.example.com", "paths.example.com/page"}}});
  return snapshot;
}

struct Message {
  std::string what;
  Bytes bytes;
  bool listed = false;
};

Bytes hello(std::string_view name) { return TlsHelloBuilder().sni(name).alpn({"h2"}).record(); }

std::vector<Message> messages() {
  const std::string unlisted_first =
      http_request_text({.method = "POST", .host = "www.example.org", .body = "abc"});
  const std::string chunked =
      "POST / HTTP/1.1\r\nHost: www.example.org\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nabcde\r\n0\r\nTrailer: x\r\n\r\n";
  return {
      {"HTTP, listed", to_bytes(http_get("listed.example.com", "/a?b")), true},
      {"HTTP, unlisted", to_bytes(http_get("www.example.org", "/a?b"))},
      {"HTTP, a listed path", to_bytes(http_get("paths.example.com", "/page")), true},
      {"HTTP, an unlisted path", to_bytes(http_get("paths.example.com", "/pagf"))},
      {"HTTP, bare LF and empty lines", to_bytes("\n\r\nGET / HTTP/1.1\nHost: listed.example.com\n\n"), true},
      {"HTTP, the second after a body", to_bytes(unlisted_first + http_get("listed.example.com")), true},
      {"HTTP, the second after chunks", to_bytes(chunked + http_get("listed.example.com")), true},
      {"HTTP, two unlisted", to_bytes(unlisted_first + http_get("www.example.org"))},
      {"TLS, listed", hello("listed.example.com"), true},
      {"TLS, unlisted", hello("www.example.org")},
      {"TLS, listed, in records of 40 bytes", TlsHelloBuilder().sni("listed.example.com").records(40), true},
      {"TLS, unlisted, in records of 40 bytes", TlsHelloBuilder().sni("www.example.org").records(40)},
      {"h2c, listed", h2_connection().get("listed.example.com").bytes(), true},
      {"h2c, unlisted", h2_connection().get("www.example.org").bytes()},
      {"h2c, a listed path by index in the second request",
       h2_connection()
           .headers(
               HpackWriter().indexed(2).indexed(6).incremental(1, "paths.example.com").indexed(4).bytes())
           .headers(HpackWriter().indexed(2).indexed(6).indexed(62).literal(4, "/page").bytes(),
                    {.stream = 3, .fragment_bytes = 5})
           .bytes(),
       true},
      {"h2c after Upgrade, listed",
       [] {
         const std::string upgrade = http_request_text(
             {.host = "www.example.org", .headers = {{"Upgrade", "h2c"}, {"HTTP2-Settings", "AAMAAABk"}}});
         return H2Builder()
             .raw(to_bytes(upgrade))
             .raw(h2_connection().get("listed.example.com", "/", 3).bytes())
             .bytes();
       }(),
       true},
      {"CONNECT and a listed hello",
       [] {
         Bytes all = to_bytes("CONNECT www.example.org:443 HTTP/1.1\r\n\r\n");
         append(all, hello("listed.example.com"));
         return all;
       }(),
       true},
  };
}

/// A client that sends pieces of one message, and the bytes of it that a server received.
class Connection {
 public:
  Connection(TestInspector& inspector, std::uint16_t client_port, std::uint32_t first, bool with_syn)
      : inspector_(inspector), client_port_(client_port), first_(first) {
    if (with_syn) send(PacketBuilder(packet()).seq(first - 1).flags("S"));
  }

  std::string send_piece(const Bytes& message, std::size_t begin, std::size_t end) {
    got_.resize(message.size());
    const auto outcome = send(packet()
                                  .seq(first_ + static_cast<std::uint32_t>(begin))
                                  .ack(5000)
                                  .flags("PA")
                                  .payload(std::span(message).subspan(begin, end - begin)));
    if (outcome.starts_with("forward")) {
      std::fill(got_.begin() + static_cast<std::ptrdiff_t>(begin),
                got_.begin() + static_cast<std::ptrdiff_t>(end), true);
    }
    return outcome;
  }
  [[nodiscard]] bool server_has_all() const {
    return std::find(got_.begin(), got_.end(), false) == got_.end();
  }

 private:
  [[nodiscard]] PacketBuilder packet() const {
    return PacketBuilder().ethernet().ipv4("10.0.0.1", "192.0.2.1").tcp(client_port_, 8080);
  }
  std::string send(const PacketBuilder& builder) {
    return summary(inspector_.inspect(builder.build(), rules().view()));
  }

  TestInspector& inspector_;
  std::uint16_t client_port_;
  std::uint32_t first_;
  std::vector<bool> got_;
};

/// Sends the pieces between the cuts in the given order, and checks the outcome.
void check(TestInspector& inspector, const Message& message, std::vector<std::size_t> cuts,
           const std::vector<std::size_t>& order, bool with_syn) {
  static std::uint16_t port = 0;
  // Near the wrap of sequence numbers.
  const auto first = static_cast<std::uint32_t>(0U - message.bytes.size() / 2);
  cuts.insert(cuts.begin(), 0);
  cuts.push_back(message.bytes.size());
  Connection connection(inspector, ++port, first, with_syn);
  std::size_t blocked = 0;
  std::string trace = message.what + (with_syn ? ", SYN" : "");
  inspector.take_requests();
  // Nothing ends the previous connection: its HTTP/2 state must become free.
  inspector.now += std::chrono::seconds(1);
  for (const std::size_t piece : order) {
    const std::string outcome = connection.send_piece(message.bytes, cuts[piece], cuts[piece + 1]);
    blocked += outcome.starts_with("drop_blocked ") ? 1U : 0U;
    trace += "\n  [" + std::to_string(cuts[piece]) + ", " + std::to_string(cuts[piece + 1]) + ") " + outcome;
    ASSERT_TRUE(message.listed || outcome.starts_with("forward")) << trace;
  }
  ASSERT_EQ(blocked, message.listed ? 1U : 0U) << trace;
  ASSERT_EQ(connection.server_has_all(), !message.listed) << trace;
  if (!message.listed) {
    const auto requests = inspector.take_requests();
    ASSERT_FALSE(requests.empty()) << trace;
  }
}

inspect::InspectorSettings small() { return {.flow_capacity = 1024, .reassembly_bytes = 1 << 20}; }

TEST(StreamCuts, EveryCutInBothOrders) {
  TestInspector inspector(small());
  for (const Message& message : messages()) {
    for (std::size_t cut = 1; cut < message.bytes.size(); ++cut) {
      for (const bool with_syn : {true, false}) {
        check(inspector, message, {cut}, {0, 1}, with_syn);
        check(inspector, message, {cut}, {1, 0}, with_syn);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(StreamCuts, ThreeAndFourPiecesInEveryOrder) {
  TestInspector inspector(small());
  for (const Message& message : messages()) {
    const std::size_t size = message.bytes.size();
    for (std::size_t cut = 1; cut + 2 < size; ++cut) {
      const std::size_t second = cut + 1 + (size - cut - 2) / 3;
      const std::size_t third = second + 1 + (size - second - 2) / 2;
      std::vector<std::size_t> order{0, 1, 2};
      do {
        check(inspector, message, {cut, second}, order, true);
        if (HasFatalFailure()) return;
      } while (std::next_permutation(order.begin(), order.end()));
      if (third >= size || cut % 4 != 0) continue;
      order = {0, 1, 2, 3};
      do {
        check(inspector, message, {cut, second, third}, order, true);
        if (HasFatalFailure()) return;
      } while (std::next_permutation(order.begin(), order.end()));
    }
  }
}

TEST(StreamCuts, OneBytePerSegment) {
  TestInspector inspector(small());
  for (const Message& message : messages()) {
    const std::size_t size = message.bytes.size();
    std::vector<std::size_t> cuts(size - 1);
    std::iota(cuts.begin(), cuts.end(), std::size_t{1});
    std::vector<std::size_t> order(size);
    std::iota(order.begin(), order.end(), std::size_t{0});
    check(inspector, message, cuts, order, true);
    std::reverse(order.begin(), order.end());
    check(inspector, message, cuts, order, true);
    // The even pieces, then the odd ones.
    std::stable_sort(order.begin(), order.end(), [](std::size_t a, std::size_t b) { return a % 2 < b % 2; });
    check(inspector, message, cuts, order, true);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace weir::test
