// One host fills a memory that all share, between the parts of somebody else's request.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/scenario/catalogue/catalogue.h"
#include "tests/scenario/stream_script.h"
#include "tests/support/http_text.h"
#include "tests/support/quic_packet_builder.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::scenario {
namespace {

using test::QuicPacketBuilder;

/// The flooding host and the innocent one: other /24 networks, other /64 networks of one /48.
PacketBuilder flooder(bool v6) {
  const PacketBuilder packet = PacketBuilder().ethernet();
  return v6 ? PacketBuilder(packet).ipv6("2001:db8:0:66::1", "2001:db8:ff::1")
            : PacketBuilder(packet).ipv4("10.66.0.1", "192.0.2.1");
}
PacketBuilder innocent(bool v6) {
  const PacketBuilder packet = PacketBuilder().ethernet();
  return v6 ? PacketBuilder(packet).ipv6("2001:db8:0:5::1", "2001:db8:ff::1")
            : PacketBuilder(packet).ipv4("10.5.0.1", "192.0.2.1");
}

/// A flood between the parts of a request, for both names and both IP versions.
class Flood {
 public:
  Flood(std::string name, std::string settings) {
    scenario_.name = std::move(name);
    scenario_.rules = {std::string(kListedName)};
    scenario_.settings = std::move(settings);
  }
  /// `parts(v6, name)`: the frames of the request. `junk(v6, number)`: a frame of the flood.
  template <class Parts, class Junk>
  Flood& add(const Parts& parts, std::string_view first_outcome, const Junk& junk, std::uint32_t count,
             std::string_view junk_outcome, const Shown& shown) {
    for (const bool v6 : {false, true}) {
      std::vector<std::vector<Bytes>> requests;
      for (const std::string_view name : {kListedName, kUnlistedName}) {
        requests.push_back(parts(v6, name));
        for (std::size_t i = 0; i + 1 < requests.back().size(); ++i) {
          step("the first part", requests.back()[i], first_outcome);
        }
      }
      for (std::uint32_t i = 0; i < count; ++i) step("the flood", junk(v6, i), junk_outcome);
      for (const bool listed : {true, false}) {
        step("the last part", requests[listed ? 0 : 1].back(), listed ? "drop_blocked" : "forward_passed");
        if (listed) scenario_.steps.back().answer = shown.answer;
        scenario_.requests.push_back(std::to_string(scenario_.steps.size()) + ' ' +
                                     shown_request(listed, shown));
      }
    }
    return *this;
  }
  void step(std::string what, Bytes frame, std::string_view outcome) {
    scenario_.steps.push_back({std::move(what), std::move(frame), std::string(outcome)});
  }
  [[nodiscard]] Scenario done() const { return scenario_; }

 private:
  Scenario scenario_;
};

PacketBuilder request_segment(bool v6, std::string_view name) {
  return innocent(v6)
      .tcp(name == kListedName ? 2001 : 2002, 80)
      .seq(kFirst)
      .ack(5000)
      .flags("PA")
      .payload(http_around(name));
}

/// First fragments that nothing ever completes.
Scenario fragments() {
  Flood flood("AFloodOfFragments", "  fragments: {memory_bytes: 262144}\n");
  const auto parts = [](bool v6, std::string_view name) {
    return request_segment(v6, name).build_fragments(64, name == kListedName ? 1 : 2);
  };
  const auto junk = [](bool v6, std::uint32_t i) {
    return flooder(v6)
        .udp(1000, 443)
        .payload(Bytes(160, std::byte{0xc5}))
        .build_fragments(64, 100 + i)
        .front();
  };
  flood.add(parts, "forward_fragment", junk, 2000, "forward_fragment", {});
  Scenario scenario = flood.done();
  // The answer goes to the whole packet.
  bool v6 = false;
  for (Step& step : scenario.steps) {
    if (step.outcome != "drop_blocked") continue;
    step.whole = request_segment(v6, kListedName).build();
    v6 = true;
  }
  return scenario;
}

Scenario half_requests() {
  Flood flood("AFloodOfHalfRequestsFromOneHost", "  flows: {capacity: 1024, reassembly_bytes: 262144}\n");
  const std::string half = "GET / HTTP/1.1\r\nX: " + std::string(200, 'x');
  const auto parts = [](bool v6, std::string_view name) {
    const Bytes text = http_around(name);
    const std::uint16_t port = name == kListedName ? 2001 : 2002;
    std::vector<Bytes> frames;
    for (const Piece& piece : in_pieces(text.size(), 2, {0, 1})) {
      frames.push_back(innocent(v6)
                           .tcp(port, 80)
                           .seq(kFirst + static_cast<std::uint32_t>(piece.begin))
                           .ack(5000)
                           .flags("PA")
                           .payload(std::span(text).subspan(piece.begin, piece.end - piece.begin))
                           .build());
    }
    return frames;
  };
  const auto junk = [&half](bool v6, std::uint32_t i) {
    return flooder(v6)
        .tcp(static_cast<std::uint16_t>(1024 + i), 80)
        .seq(kFirst)
        .ack(5000)
        .flags("PA")
        .payload(half)
        .build();
  };
  return flood.add(parts, "forward_incomplete", junk, 3000, "forward_incomplete", {}).done();
}

/// The parts of a hello in two Initials.
std::vector<Bytes> hello_parts(bool v6, std::string_view name) {
  const Bytes hello = test::TlsHelloBuilder().typical().pad_to(1900).sni(name).alpn({"h3"}).handshake();
  std::vector<Bytes> frames;
  for (const test::QuicPiece& piece : test::quic_pieces(hello, 2)) {
    frames.push_back(innocent(v6)
                         .udp(name == kListedName ? 2001 : 2002, 443)
                         .payload(QuicPacketBuilder()
                                      .number(frames.size())
                                      .crypto(piece.offset, piece.data)
                                      .pad_to(1200)
                                      .build())
                         .build());
  }
  return frames;
}

constexpr Shown kShownQuic{.protocol = "quic", .form = "~", .answer = Answer::close};

Scenario half_hellos() {
  Flood flood("AFloodOfHalfHellosFromOneHost",
              "  flows: {quic_connections: 1024, quic_initials_per_source: 1000000}\n");
  const Bytes start = test::TlsHelloBuilder().typical().pad_to(1900).handshake();
  const auto junk = [&start](bool v6, std::uint32_t i) {
    return flooder(v6)
        .udp(static_cast<std::uint16_t>(1024 + i), 443)
        .payload(QuicPacketBuilder().crypto(0, std::span(start).first(200)).pad_to(1200).build())
        .build();
  };
  return flood.add(hello_parts, "forward_incomplete", junk, 3000, "forward_incomplete", kShownQuic).done();
}

/// As many Initials that nobody can read as fit into a datagram.
Scenario datagrams() {
  Flood flood("DatagramsOfManyInitials", "");
  const auto junk = [](bool v6, std::uint32_t i) {
    Bytes payload;
    for (std::uint32_t k = 0; k < 37; ++k) {
      test::append(payload, QuicPacketBuilder().id("0102030405060708").keys_from("00").padding(3).build());
    }
    return flooder(v6).udp(static_cast<std::uint16_t>(1024 + i), 443).payload(payload).build();
  };
  return flood.add(hello_parts, "forward_incomplete", junk, 20, "forward_no_request", kShownQuic).done();
}

}  // namespace

std::vector<Scenario> flood_scenarios() { return {fragments(), half_requests(), half_hellos(), datagrams()}; }

}  // namespace weir::scenario
