// Requests in IP fragments. disguised_packets_test.cpp tests every encapsulation and order.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/scenario/catalogue/catalogue.h"
#include "tests/scenario/stream_script.h"
#include "tests/support/quic_packet_builder.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::scenario {
namespace {

enum class Order : std::uint8_t { forward, backward, first_last };

class Fragmented {
 public:
  Fragmented() {
    scenario_.name = "FragmentedRequests";
    scenario_.rules = {std::string(kListedName)};
  }

  /// Adds a packet in fragments of `bytes`; the last one sent completes it.
  void add(const std::string& what, const PacketBuilder& packet, std::size_t bytes, Order order, bool listed,
           const Shown& shown) {
    std::vector<Bytes> pieces = packet.build_fragments(bytes, ++identification_);
    if (order == Order::backward) pieces = {pieces.rbegin(), pieces.rend()};
    if (order == Order::first_last) {
      pieces.push_back(pieces.front());
      pieces.erase(pieces.begin());
    }
    for (const Bytes& piece : pieces) scenario_.steps.push_back({what, piece, "forward_fragment"});
    Step& last = scenario_.steps.back();
    last.outcome = listed ? "drop_blocked" : "forward_passed";
    if (listed) {
      last.answer = shown.answer;
      last.whole = packet.build();
    }
    scenario_.requests.push_back(std::to_string(scenario_.steps.size()) + ' ' + shown_request(listed, shown));
    if (!listed) return;
    scenario_.steps.push_back({what + ", its last fragment again", pieces.back(), "drop_blocked_flow"});
  }
  [[nodiscard]] Scenario scenario() const { return scenario_; }

 private:
  Scenario scenario_;
  std::uint32_t identification_ = 0;
};

PacketBuilder below(bool v6, bool tagged) {
  PacketBuilder packet = PacketBuilder().ethernet();
  if (tagged) packet.vlan(100, 0x88a8).vlan(5);
  return v6 ? packet.ipv6("2001:db8::1", "2001:db8::2") : packet.ipv4("10.0.0.1", "192.0.2.1");
}

Scenario fragmented() {
  Fragmented all;
  std::uint16_t port = 20000;
  for (const bool v6 : {false, true}) {
    for (const Order order : {Order::forward, Order::backward, Order::first_last}) {
      for (const bool listed : {true, false}) {
        const std::string_view name = listed ? kListedName : kUnlistedName;
        const auto tcp = [&](const Bytes& payload) {
          return below(v6, order == Order::backward)
              .tcp(++port, 8080)
              .seq(kFirst)
              .ack(5000)
              .flags("PA")
              .payload(payload);
        };
        all.add("HTTP", tcp(http_around(name)), 8, order, listed, {});
        all.add("TLS", tcp(hello_around(name)), 64, order, listed, kShownTls);
        const Bytes hello = test::TlsHelloBuilder().typical().sni(name).alpn({"h3"}).handshake();
        const PacketBuilder initial =
            below(v6, false)
                .udp(++port, 443)
                .payload(test::QuicPacketBuilder().crypto(0, hello).pad_to(1200).build());
        all.add("QUIC", initial, 400, order, listed,
                {.protocol = "quic", .form = "~", .answer = Answer::close});
      }
    }
  }
  return all.scenario();
}

}  // namespace

std::vector<Scenario> fragment_scenarios() { return {fragmented()}; }

}  // namespace weir::scenario
