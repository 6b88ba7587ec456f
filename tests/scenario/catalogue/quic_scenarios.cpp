#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "tests/scenario/catalogue/catalogue.h"
#include "tests/support/quic_packet_builder.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::scenario {
namespace {

using test::QuicPacketBuilder;
using test::QuicPiece;
using test::TlsHelloBuilder;
using Type = QuicPacketBuilder::Type;

constexpr std::string_view kListedName = "listed.example.com";
constexpr std::string_view kUnlistedName = "passed.example.com";
constexpr std::string_view kServerId = "5e5e5e5e5e5e";
constexpr std::size_t kDatagramBytes = 1200;

PacketBuilder client_udp(std::uint16_t source_port, std::uint16_t port = 443) {
  return PacketBuilder().ethernet().ipv4("10.0.0.1", "192.0.2.1").udp(source_port, port);
}

TlsHelloBuilder typical(std::string_view name) { return TlsHelloBuilder().typical().sni(name).alpn({"h3"}); }
Bytes quic_hello(std::string_view name) { return typical(name).handshake(); }
/// As large as with a post-quantum key share, with the name after it.
Bytes large_hello(std::string_view name) {
  return TlsHelloBuilder().typical().pad_to(1900).sni(name).alpn({"h3"}).handshake();
}

QuicPacketBuilder whole(std::string_view name) {
  return QuicPacketBuilder().crypto(0, quic_hello(name)).pad_to(kDatagramBytes);
}
QuicPacketBuilder holding(const QuicPiece& piece, std::uint64_t number) {
  return QuicPacketBuilder().number(number).crypto(piece.offset, piece.data);
}
Bytes joined(std::initializer_list<Bytes> packets) {
  Bytes all;
  for (const Bytes& packet : packets) test::append(all, packet);
  return all;
}

/// A datagram as clients send it (RFC 9000, 14.1).
Bytes padded(Bytes payload) {
  const bool long_header = !payload.empty() && (payload.front() & std::byte{0x80}) != std::byte{0};
  if (long_header) payload.resize(std::max(payload.size(), kDatagramBytes));
  return payload;
}

/// Collects the datagrams of several conversations, each from its own source port, for a listed and for an
/// unlisted name.
class Conversations {
 public:
  explicit Conversations(std::string name) {
    scenario_.name = std::move(name);
    scenario_.rules = {std::string(kListedName)};
  }

  /// `make(name)` returns the UDP payloads of a conversation. The last one completes the hello; the earlier
  /// ones have the outcome `before`.
  template <class Make>
  Conversations& add(const std::string& what, const Make& make,
                     const std::string& before = "forward_incomplete", bool pad = true) {
    for (const std::string_view name : {kListedName, kUnlistedName}) {
      const bool listed = name == kListedName;
      const std::vector<Bytes> payloads = make(name);
      for (std::size_t i = 0; i < payloads.size(); ++i) {
        const bool last = i + 1 == payloads.size();
        const std::string outcome = !last ? before : listed ? "drop_blocked" : "forward_passed";
        step(what + ", " + std::string(name),
             client_udp(port_).payload(pad ? padded(payloads[i]) : payloads[i]).build(), outcome);
      }
      request(name);
      ++port_;
    }
    return *this;
  }
  Conversations& step(std::string what, Bytes frame, std::string outcome) {
    const Answer answer = outcome == "drop_blocked" ? Answer::close : Answer::none;
    scenario_.steps.push_back({std::move(what), std::move(frame), std::move(outcome), answer});
    return *this;
  }
  /// The previous step is answered although it completed nothing.
  void closed() { scenario_.steps.back().answer = Answer::close; }
  /// The previous step completed a hello with this name.
  Conversations& request(std::string_view name) {
    const std::string rest = name == kListedName ? "listed 1" : "no_match";
    scenario_.requests.push_back(std::to_string(scenario_.steps.size()) + " quic " +
                                 (name == kListedName ? "block " : "pass ") + std::string(name) + ' ' + rest);
    return *this;
  }
  [[nodiscard]] Scenario scenario() const { return scenario_; }

 private:
  Scenario scenario_;
  std::uint16_t port_ = 50000;
};

Scenario pieces() {
  Conversations all("QuicHellosInPieces");
  for (const std::size_t count : {2U, 3U, 7U, 10U}) {
    const auto what = std::to_string(count) + " pieces";
    all.add(what + " in one packet", [count](std::string_view name) {
      QuicPacketBuilder packet;
      for (const QuicPiece& piece : test::shuffled(test::quic_pieces(quic_hello(name), count), 5)) {
        packet.ping().padding(3).crypto(piece.offset, piece.data);
      }
      return std::vector<Bytes>{packet.pad_to(kDatagramBytes).build()};
    });
    all.add(what + " in a datagram each", [count](std::string_view name) {
      std::vector<Bytes> datagrams;
      for (const QuicPiece& piece : test::shuffled(test::quic_pieces(large_hello(name), count), 6)) {
        datagrams.push_back(holding(piece, datagrams.size()).pad_to(kDatagramBytes).build());
      }
      return datagrams;
    });
  }
  all.add("a byte a frame", [](std::string_view name) {
    const Bytes message = quic_hello(name);
    QuicPacketBuilder packet;
    for (const QuicPiece& piece : test::shuffled(test::quic_pieces(message, message.size()), 7)) {
      packet.crypto(piece.offset, piece.data);
    }
    return std::vector<Bytes>{packet.build()};
  });
  all.add("the start and the end first", [](std::string_view name) {
    const auto parts = test::quic_pieces(large_hello(name), 3);
    return std::vector<Bytes>{holding(parts[0], 0).crypto(parts[2].offset, parts[2].data).build(),
                              holding(parts[1], 1).pad_to(kDatagramBytes).build()};
  });
  all.add("coalesced Initials", [](std::string_view name) {
    const auto parts = test::quic_pieces(quic_hello(name), 2);
    return std::vector<Bytes>{joined({holding(parts[1], 0).build(), holding(parts[0], 1).build()})};
  });
  return all.scenario();
}

Scenario connection_ids() {
  Conversations all("QuicIdsRetryAndEarlyData");
  all.add("Retry: a new id, new keys and the hello again", [](std::string_view name) {
    const auto parts = test::quic_pieces(large_hello(name), 2);
    return std::vector<Bytes>{holding(parts[0], 0).pad_to(kDatagramBytes).build(),
                              holding(parts[0], 1).id(kServerId).token(Bytes(64)).build(),
                              holding(parts[1], 2).id(kServerId).token(Bytes(64)).build()};
  });
  all.add("the server's id for the rest, the keys of the first", [](std::string_view name) {
    const auto parts = test::quic_pieces(large_hello(name), 2);
    return std::vector<Bytes>{holding(parts[0], 0).pad_to(kDatagramBytes).build(),
                              holding(parts[1], 1).id(kServerId).keys_from(test::kQuicClientId).build()};
  });
  all.add("an Initial after early data", [](std::string_view name) {
    return std::vector<Bytes>{
        joined({QuicPacketBuilder().type(Type::zero_rtt).padding(200).build(), whole(name).build()})};
  });
  all.add(
      "early data in a datagram before it",
      [](std::string_view name) {
        return std::vector<Bytes>{QuicPacketBuilder().type(Type::zero_rtt).padding(1000).build(),
                                  whole(name).build()};
      },
      "forward_not_candidate");
  all.add("resumption, early data after the Initial", [](std::string_view name) {
    const Bytes hello = TlsHelloBuilder()
                            .typical()
                            .alpn({"h3"})
                            .extension(42, {})  // early_data
                            .sni(name)
                            .extension(41, Bytes(180, std::byte{9}))  // pre_shared_key
                            .handshake();
    return std::vector<Bytes>{joined({QuicPacketBuilder().crypto(0, hello).build(),
                                      QuicPacketBuilder().type(Type::zero_rtt).padding(600).build()})};
  });
  all.add("coalesced with a handshake packet", [](std::string_view name) {
    return std::vector<Bytes>{
        joined({whole(name).build(), QuicPacketBuilder().type(Type::handshake).padding(100).build()})};
  });
  const auto early = QuicPacketBuilder().type(Type::zero_rtt).padding(300).build();
  all.step("blocked", client_udp(40000).payload(whole(kListedName).build()).build(), "drop_blocked")
      .request(kListedName);
  all.step("again", client_udp(40000).payload(whole(kListedName).number(1).build()).build(),
           "drop_blocked_flow");
  all.closed();
  all.step("its early data", client_udp(40000).payload(early).build(), "drop_blocked_flow");
  all.step("another connection of the same ports",
           client_udp(40000).payload(whole(kUnlistedName).id("0102030405060708").build()).build(),
           "forward_passed");
  all.request(kUnlistedName);
  return all.scenario();
}

Scenario encrypted_client_hello() {
  Conversations all("QuicEncryptedClientHello");
  all.add("ECH or its GREASE: the outer name decides", [](std::string_view name) {
    return std::vector<Bytes>{QuicPacketBuilder()
                                  .crypto(0, typical(name).grease().ech().handshake())
                                  .pad_to(kDatagramBytes)
                                  .build()};
  });
  Scenario scenario = all.scenario();
  for (std::string& request : scenario.requests) request += " ech";
  return scenario;
}

Scenario decoys() {
  Conversations all("QuicDecoysFirst");
  all.add(
      "random bytes",
      [](std::string_view name) {
        return std::vector<Bytes>{Bytes(1200, std::byte{0x7e}), Bytes(1200, std::byte{0xfe}),
                                  whole(name).build()};
      },
      "forward_not_candidate");
  all.add(
      "an Initial that nobody can read",
      [](std::string_view name) {
        return std::vector<Bytes>{whole("decoy.example.org").keys_from("00").build(), whole(name).build()};
      },
      "forward_no_request");
  all.add("an Initial that nobody can read, in the same datagram", [](std::string_view name) {
    return std::vector<Bytes>{joined({QuicPacketBuilder().keys_from("00").build(), whole(name).build()})};
  });
  all.add("an unfinished hello under another id", [](std::string_view name) {
    const auto parts = test::quic_pieces(large_hello("decoy.example.org"), 2);
    return std::vector<Bytes>{holding(parts[0], 0).id("0102030405060708").build(), whole(name).build()};
  });
  const auto good = test::quic_pieces(large_hello("decoy1.example.com"), 2);
  const auto bad = test::quic_pieces(large_hello(kListedName), 2);
  all.step("the first half", client_udp(40000).payload(padded(holding(bad[0], 0).build())).build(),
           "forward_incomplete");
  all.step("a decoy's second half", client_udp(40000).payload(padded(holding(good[1], 1).build())).build(),
           "forward_passed");
  Scenario scenario = all.scenario();
  scenario.requests.push_back(std::to_string(scenario.steps.size()) +
                              " quic pass decoy1.example.com no_match");
  scenario.steps.push_back({"the real one",
                            client_udp(40000).payload(padded(holding(bad[1], 2).build())).build(),
                            "drop_conflict"});
  return scenario;
}

/// What servers ignore: packets with another id than the first of their datagram (RFC 9000, 12.2), and
/// Initials in small datagrams that begin a connection (14.1). A small one that continues a connection
/// counts.
Scenario ignored() {
  Conversations all("QuicThatServersIgnore");
  const auto rest = [](std::string_view name, std::size_t part) {
    return holding(test::quic_pieces(large_hello(name), 2)[part], part).build();
  };
  all.add(
      "a small datagram that continues",
      [&](std::string_view name) {
        return std::vector<Bytes>{padded(rest(name, 0)), rest(name, 1)};
      },
      "forward_incomplete", false);
  all.add(
      "another connection's Initial coalesced before it, then the real one",
      [](std::string_view name) {
        return std::vector<Bytes>{
            joined({QuicPacketBuilder().id("0102030405060708").ping().build(), whole(name).build()}),
            whole(name).build()};
      },
      "forward_no_request");
  all.add(
      "a small datagram that begins nothing, then the real one",
      [](std::string_view name) {
        return std::vector<Bytes>{QuicPacketBuilder().crypto(0, quic_hello(name)).build(),
                                  whole(name).build()};
      },
      "forward_no_request", false);
  return all.scenario();
}

Scenario versions() {
  Conversations all("QuicVersions");
  for (const std::uint32_t version :
       {test::kQuicV1, test::kQuicV2, test::kQuicDraft29, 0xff00001bU, 0xff000022U}) {
    all.add("version " + std::to_string(version), [version](std::string_view name) {
      return std::vector<Bytes>{whole(name).version(version).build()};
    });
  }
  all.add(
      "a greased version before the real one",
      [](std::string_view name) {
        return std::vector<Bytes>{whole(name).version(0x5a6a7a8a).build(), whole(name).build()};
      },
      "forward_unknown_version");
  all.add("version 2 after version 1, by compatible negotiation", [](std::string_view name) {
    const auto parts = test::quic_pieces(large_hello(name), 2);
    const auto again = [&](std::size_t i) {
      return holding(parts[i], i + 1)
          .version(test::kQuicV2)
          .id(kServerId)
          .keys_from(test::kQuicClientId)
          .build();
    };
    return std::vector<Bytes>{holding(parts[0], 0).build(), again(0), again(1)};
  });
  return all.scenario();
}

Scenario ports_and_lengths() {
  Conversations all("QuicPortsAndLengths");
  const auto both = [&all](const std::string& what, const auto& make) {
    const Bytes listed = whole(kListedName).build();
    const Bytes passed = whole(kUnlistedName).id("0102030405060708").build();
    all.step(what + ", listed", make(listed).build(), "drop_blocked").request(kListedName);
    all.step(what + ", not listed", make(passed).build(), "forward_passed").request(kUnlistedName);
  };
  both("a source port below the destination's",
       [](const Bytes& payload) { return client_udp(440, 50443).payload(payload); });
  for (const std::uint16_t port : std::to_array<std::uint16_t>({53, 80, 123, 3478, 65535})) {
    both("port " + std::to_string(port),
         [port](const Bytes& payload) { return client_udp(50001, port).payload(payload); });
  }
  both("a UDP length longer than the content",
       [](const Bytes& payload) { return client_udp(50002).length(9000).payload(payload); });
  both("a UDP length of 0",
       [](const Bytes& payload) { return client_udp(50003).length(0).payload(payload); });
  both("a wrong checksum",
       [](const Bytes& payload) { return client_udp(50004).checksum(1).payload(payload); });
  both("IPv6 and tags", [](const Bytes& payload) {
    return PacketBuilder()
        .ethernet()
        .vlan(5)
        .vlan(6)
        .ipv6("2001:db8::1", "2001:db8::2")
        .udp(50005, 443)
        .payload(payload);
  });
  return all.scenario();
}

Scenario no_answer() {
  Scenario scenario{.name = "QuicDropsInSilence",
                    .rules = {std::string(kListedName)},
                    .steps = {},
                    .requests = {"1 quic block listed.example.com listed 1"},
                    .settings = "  block: {quic: drop}\n"};
  const Bytes frame = client_udp(50000).payload(whole(kListedName).build()).build();
  scenario.steps.push_back({"the hello", frame, "drop_blocked"});
  scenario.steps.push_back({"again", frame, "drop_blocked_flow"});
  return scenario;
}

Scenario chosen_ports() {
  Scenario scenario{.name = "QuicOnChosenPorts",
                    .rules = {std::string(kListedName)},
                    .steps = {},
                    .requests = {"1 quic block listed.example.com listed 1"},
                    .settings = "  inspect: {quic: [443, 8443]}\n"};
  const Bytes payload = whole(kListedName).build();
  scenario.steps.push_back(
      {"one of them", client_udp(50000, 8443).payload(payload).build(), "drop_blocked", Answer::close});
  scenario.steps.push_back(
      {"another", client_udp(50000, 444).payload(payload).build(), "forward_not_candidate"});
  return scenario;
}

}  // namespace

std::vector<Scenario> quic_scenarios() {
  return {pieces(),   connection_ids(),    encrypted_client_hello(), decoys(),   ignored(),
          versions(), ports_and_lengths(), chosen_ports(),           no_answer()};
}

}  // namespace weir::scenario
