// Connections of busy clients, in simulated time: ports are reused again and again, with the sequence numbers
// that Linux chooses, long before the inspector forgets their last use.
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "tests/support/http_text.h"
#include "tests/support/packet_builder.h"
#include "tests/support/tls_hello_builder.h"
#include "tests/unit/dataplane/inspect/inspect_fixture.h"

namespace weir::test {
namespace {

using namespace std::chrono_literals;

const TestSnapshot& rules() {
  static const TestSnapshot snapshot(
      std::vector<ListText>{{"hotline", {"listed.example.com", "news.example.com/forbidden"}}});
  return snapshot;
}

std::string hello(std::string_view name) {
  const Bytes record = TlsHelloBuilder().typical().sni(name).record();
  return {reinterpret_cast<const char*>(record.data()), record.size()};
}

std::string application_data(std::size_t bytes) {
  return std::string("\x17\x03\x03\x00", 4) + static_cast<char>(bytes) + std::string(bytes, '\x55');
}

constexpr std::uint32_t kPorts = 256;

struct Kind {
  std::string what;
  std::uint16_t port;
  std::string request;
  std::string rest;
  bool listed;
};

const std::array<Kind, 4>& kinds() {
  static const std::array<Kind, 4> all{
      Kind{"page", 80, http_get("news.example.com", "/open"), "", false},
      Kind{"listed page", 80, http_get("news.example.com", "/forbidden"), "", true},
      Kind{"host", 443, hello("news.example.com"), application_data(53) + application_data(19), false},
      Kind{"listed host", 443, hello("listed.example.com"), "", true}};
  return all;
}

/// One client that opens a connection every `gap`. Some of its packets are lost and sent again.
class Client {
 public:
  Client(std::uint64_t seed, std::chrono::nanoseconds gap) : random_(seed), gap_(gap) {}

  void run(std::chrono::nanoseconds duration) {
    const auto end = inspector_.now + duration;
    for (std::uint64_t count = 0; inspector_.now < end; ++count) {
      connect(kinds().at(count % kinds().size()));
      inspector_.now += gap_;
    }
  }
  /// Failures and how often each happened.
  [[nodiscard]] const std::map<std::string, int>& failures() const { return failures_; }

 private:
  // As Linux does, per server: the next port is an even number from 2 to 16 after the last one.
  std::uint16_t next_port(std::uint16_t server) {
    std::uint32_t& at = ports_[server];
    at = (at + 2 + 2 * static_cast<std::uint32_t>(random_() % 8)) % (2 * kPorts);
    return static_cast<std::uint16_t>(32768 + at);
  }
  // RFC 6528: a hash of both ends, and a clock of 64 ns.
  std::uint32_t initial_sequence(std::uint16_t port, std::uint16_t server) const {
    return port * 2654435761U + server * 40503U + static_cast<std::uint32_t>(inspector_.now.count() >> 6);
  }

  void connect(const Kind& kind) {
    const std::uint16_t port = next_port(kind.port);
    const auto packet = [&](std::string_view what, std::uint32_t sequence, const char* flags,
                            const std::string& payload, bool dropped) {
      const Bytes frame = PacketBuilder()
                              .ethernet()
                              .ipv4("10.0.0.1", "192.0.2.1")
                              .tcp(port, kind.port)
                              .seq(sequence)
                              .ack(5000)
                              .flags(flags)
                              .payload(payload)
                              .build();
      for (int copies = random_() % 50 == 0 ? 2 : 1; copies > 0; --copies) {
        const auto verdict = inspector_.inspect(frame, rules().view());
        if ((verdict.action == inspect::Action::drop) != dropped) {
          ++failures_[kind.what + ", " + std::string(what) + ": " + summary(verdict)];
        }
        inspector_.now += 200us;
      }
    };
    std::uint32_t at = initial_sequence(port, kind.port);
    packet("SYN", at++, "S", "", false);
    packet("handshake", at, "A", "", false);
    packet("request", at, "PA", kind.request, kind.listed);
    at += static_cast<std::uint32_t>(kind.request.size());
    packet("acknowledgement", at, "A", "", kind.listed);
    if (!kind.rest.empty()) packet("rest", at, "PA", kind.rest, kind.listed);
    at += static_cast<std::uint32_t>(kind.rest.size());
    packet("FIN", at, "FA", "", kind.listed);
  }

  std::mt19937_64 random_;
  std::chrono::nanoseconds gap_;
  TestInspector inspector_;
  std::map<std::uint16_t, std::uint32_t> ports_;
  std::map<std::string, int> failures_;
};

// On average, a port is blocked more often within flows.lifetime than a connection can have streams.
TEST(PortReuse, FewPortsAndManyListedPages) {
  Client client(1, 5ms);
  client.run(80s);
  EXPECT_EQ(client.failures(), (std::map<std::string, int>{}));
}

}  // namespace
}  // namespace weir::test
