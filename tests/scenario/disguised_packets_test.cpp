// One request, listed and unlisted, in every encapsulation and every way to fragment its packet: the verdict
// is always the same, what must pass passes unchanged, and answers are sent only if they can be right.
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "dataplane/proto/packet/packet_view.h"
#include "tests/scenario/capture_read.h"
#include "tests/scenario/lab.h"
#include "tests/support/frame_check.h"
#include "tests/support/http_text.h"
#include "tests/support/packet_builder.h"
#include "tests/support/pcap_writer.h"
#include "tests/support/quic_packet_builder.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::scenario {
namespace {

using nlohmann::json;
using test::Bytes;
using test::from_hex;
using test::PacketBuilder;
using Which = PacketBuilder::Which;

constexpr std::string_view kListed = "listed.example.com";
constexpr std::string_view kUnlisted = "passed.example.com";

enum class Carries : std::uint8_t { http, tls, quic };
constexpr std::array kCarried{Carries::http, Carries::tls, Carries::quic};

/// Headers around an IP packet. `answered`: they show the way back. `tunnel`: a fragment inside them does
/// not.
struct Wrapping {
  std::string name;
  PacketBuilder around;
  bool answered = false;
  bool tunnel = false;
};

std::vector<Wrapping> wrappings() {
  const auto eth = [] { return PacketBuilder().ethernet(); };
  const auto v4 = [&eth] { return eth().ipv4("198.51.100.1", "198.51.100.2"); };
  const auto v6 = [&eth] { return eth().ipv6("2001:db8:f::1", "2001:db8:f::2"); };
  return {
      {"none", eth(), true},
      {"VLAN", eth().vlan(5), true},
      {"QinQ", eth().vlan(100, 0x88a8).vlan(5), true},
      {"802.1BR", eth().etag().vlan(5), true},
      {"old service tags", eth().vlan(7, 0x9200).vlan(8, 0x9300), true},
      {"SNAP", eth().snap(), true},
      {"SNAP after a tag", eth().vlan(5).snap(), true},
      {"PPPoE", eth().pppoe(), true},
      {"MLPPP over PPPoE", eth().pppoe().multilink()},
      {"MLPPP over PPPoE, short numbers", eth().pppoe().multilink(PacketBuilder::Numbers::are_short)},
      {"PPPoE over QinQ", eth().vlan(100, 0x88a8).vlan(5).pppoe(3), true},
      {"MPLS", eth().mpls(100).mpls(16)},
      {"MPLS, Ethernet", eth().mpls(100).ethernet()},
      {"MPLS, control word, VLAN", eth().mpls(100).control_word().ethernet().vlan(9)},
      {"GRE", v4().gre(), true, true},
      {"GRE over IPv6 with key", v6().gre("K")},
      {"GRE in UDP", v4().gre_in_udp()},
      {"NVGRE", v4().gre("K").ethernet()},
      {"EtherIP", v4().etherip().ethernet(), true, true},
      {"IPv4 around", v4(), true, true},
      {"IPv6 around", v6(), true, true},
      {"GTP-U", v4().gtp_u(std::vector<std::uint8_t>{1})},
      {"GTP-U over IPv6", v6().gtp_u()},
      {"VXLAN", v4().vxlan().ethernet(), true, true},
      {"VXLAN over IPv6, PPPoE inside", v6().vxlan(7).ethernet().pppoe(), true, true},
      {"VXLAN on its old port", v4().vxlan(1, 8472).ethernet(), true, true},
      {"MPLS in UDP", v4().udp(50000, 6635).mpls(100)},
      {"L2TP", v4().l2tp("L")},
      {"L2TP over IPv6, MLPPP", v6().l2tp("LSO").multilink()},
      {"Geneve", v4().geneve(2).ethernet()},
      {"everything", eth()
                         .vlan(1)
                         .pppoe()
                         .mpls(3)
                         .ipv6("::1", "::2")
                         .gre("CKS")
                         .ethernet()
                         .vlan(2)
                         .ipv4("10.9.9.1", "10.9.9.2")
                         .vxlan()
                         .ethernet()},
  };
}

/// The frames of one packet in sending order, and the position of the one that completes it.
struct Sending {
  std::string name;
  std::vector<Bytes> frames;
  std::size_t completing = 0;
};

std::vector<Sending> orders_of(const std::string& name, const std::vector<Bytes>& pieces) {
  std::vector<Sending> sendings;
  const auto add = [&](const std::string& order, std::vector<Bytes> frames, std::size_t completing) {
    sendings.push_back({name + ", " + order, std::move(frames), completing});
  };
  const std::size_t count = pieces.size();
  add("in order", pieces, count - 1);
  add("reversed", {pieces.rbegin(), pieces.rend()}, count - 1);
  std::vector<Bytes> rotated = pieces;
  std::rotate(rotated.begin(), rotated.begin() + 1, rotated.end());
  add("the first one last", rotated, count - 1);
  std::vector<Bytes> twice{pieces.front(), pieces.front()};
  twice.insert(twice.end(), pieces.begin() + 1, pieces.end());
  twice.push_back(pieces.back());
  add("the first and the last one twice", twice, count);
  return sendings;
}

/// A test of many packets in one capture. Each case has its own source port, which identifies its requests.
class DisguisedPackets : public testing::Test {
 protected:
  PacketBuilder request(PacketBuilder around, Carries carries, std::string_view host) {
    ++port_;
    switch (carries) {
      case Carries::http:
        return around.tcp(port_, 80).seq(1000).ack(5000).flags("PA").payload(test::http_get(host));
      case Carries::tls:
        return around.tcp(port_, 443)
            .seq(1000)
            .ack(5000)
            .flags("PA")
            .payload(test::TlsHelloBuilder().typical().sni(host).record());
      case Carries::quic:
        break;
    }
    const Bytes hello = test::TlsHelloBuilder().typical().sni(host).alpn({"h3"}).handshake();
    return around.udp(port_, 443).payload(test::QuicPacketBuilder().crypto(0, hello).pad_to(1200).build());
  }

  void add(const std::string& name, bool listed, bool answered, Sending sending) {
    cases_.push_back({name + ", " + sending.name + (listed ? ", listed" : ", not listed"), listed, answered,
                      port_, std::move(sending)});
  }

  /// Every way to send one packet, each on its own connection.
  void add_all(const Wrapping& wrapping, bool v6, Carries carries, bool listed) {
    const auto packet = [&] {
      PacketBuilder around = wrapping.around;
      return request(v6 ? around.ipv6("2001:db8::1", "2001:db8::2") : around.ipv4("10.0.0.1", "192.0.2.1"),
                     carries, listed ? kListed : kUnlisted);
    };
    const std::string name = wrapping.name + (v6 ? ", IPv6" : ", IPv4");
    const bool answered = wrapping.answered;
    add(name, listed, answered, {"whole", {packet().build()}, 0});
    for (const Which which : {Which::innermost, Which::outermost}) {
      for (const std::size_t size : {8U, 64U, 400U}) {
        if (size == 8 && carries != Carries::http) continue;
        const std::string cut = std::to_string(size) + (which == Which::innermost ? " inside" : " outside");
        const std::size_t orders = orders_of("", {{}, {}}).size();
        for (std::size_t order = 0; order < orders; ++order) {
          const auto pieces = packet().build_fragments(size, ++identification_, which);
          if (pieces.size() < 2) continue;
          const bool known = answered && !(wrapping.tunnel && which == Which::innermost);
          add(name, listed, known, orders_of("fragments of " + cut, pieces)[order]);
        }
      }
    }
  }

  /// `settings`: more members of the section dataplane, in flow style.
  void run(const std::string& settings = {}) {
    test::PcapWriter writer(directory_ / "in.pcap");
    for (const Case& one : cases_) {
      for (const Bytes& frame : one.sending.frames) writer.write(frame);
    }
    { test::PcapWriter flushed(std::move(writer)); }
    write_text(directory_ / "list.txt", std::string(kListed) + "\n");
    std::vector<std::string> arguments{
        "--all", "--json", "--stats", "--write", directory_ / "out.pcap", "--list", directory_ / "list.txt"};
    write_text(directory_ / "replay.yaml", "dataplane: {block: {handshake: none}" + settings + "}\n");
    arguments.insert(arguments.end(), {"--config", directory_ / "replay.yaml"});
    arguments.push_back(directory_ / "in.pcap");
    const Finished finished = run_replay(arguments, directory_);
    ASSERT_EQ(finished.status, 0) << finished.err;
    for (const std::string& line : lines_of(finished.out)) {
      json request = json::parse(line);
      requests_[request["sport"].get<int>()].push_back(std::move(request));
    }
    stats_ = json::parse(lines_of(finished.err).back());
    out_ = read_capture(directory_ / "out.pcap").frames;
  }

  /// Checks the requests: one per case, with the right verdict, from the packet that completed it.
  void check_requests() {
    std::size_t number = 0;
    for (const Case& one : cases_) {
      SCOPED_TRACE(one.name);
      const auto& requests = requests_[one.port];
      ASSERT_EQ(requests.size(), 1U);
      EXPECT_EQ(requests[0]["verdict"], one.listed ? "block" : "pass");
      EXPECT_EQ(requests[0]["host"], one.listed ? kListed : kUnlisted);
      EXPECT_EQ(requests[0]["packet"], number + one.sending.completing + 1);
      number += one.sending.frames.size();
    }
  }

  /// Checks the frames: those that must pass are unchanged; the completing and the later frames of a listed
  /// request do not pass; answers have right lengths and checksums and are sent if the way back is known.
  void check_frames() {
    std::size_t next = 0;
    for (const Case& one : cases_) {
      SCOPED_TRACE(one.name);
      const std::size_t passing = one.listed ? one.sending.completing : one.sending.frames.size();
      for (std::size_t i = 0; i < passing; ++i, ++next) {
        ASSERT_LT(next, out_.size());
        ASSERT_EQ(test::difference(one.sending.frames[i], out_[next]), "");
      }
      if (!one.listed || !one.answered) continue;
      for (bool to_client = true, more = true; more; ++next) {
        ASSERT_LT(next, out_.size());
        const auto answer = check_answer(one, out_[next], to_client);
        more = to_client && answer != AnswerPart::datagram;
        to_client = answer == AnswerPart::segment;
      }
    }
    EXPECT_EQ(next, out_.size());
  }

  struct Case {
    std::string name;
    bool listed;
    bool answered;
    std::uint16_t port;
    Sending sending;
  };

  /// last: the last segment in its direction.
  enum class AnswerPart : std::uint8_t { segment, last, datagram };
  static AnswerPart check_answer(const Case& one, const Bytes& answer, bool to_client) {
    const auto view = proto::parse_packet(answer, proto::LinkType::ethernet);
    const bool quic = view.packet_class == proto::PacketClass::udp;
    EXPECT_TRUE(quic || view.packet_class == proto::PacketClass::tcp);
    EXPECT_EQ(to_client ? view.destination_port : view.source_port, one.port);
    EXPECT_TRUE(quic || (to_client ? view.tcp.acknowledgement > 1000U : view.tcp.sequence == 1000U));
    EXPECT_EQ(test::checksum_error(answer, view.ip_offset), "");
    const bool ended = (view.tcp.flags & (proto::kTcpFin | proto::kTcpRst)) != 0;
    const AnswerPart part = quic ? AnswerPart::datagram : ended ? AnswerPart::last : AnswerPart::segment;
    if (view.pppoe_offset == 0) return part;
    const std::size_t length = std::to_integer<std::size_t>(answer[view.pppoe_offset + 4]) << 8 |
                               std::to_integer<std::size_t>(answer[view.pppoe_offset + 5]);
    EXPECT_EQ(length, answer.size() - view.pppoe_offset - 6);
    return part;
  }

  const TemporaryDirectory directory_;
  std::vector<Case> cases_;
  std::map<int, std::vector<json>> requests_;
  json stats_;
  std::vector<Bytes> out_;
  std::uint16_t port_ = 1024;
  std::uint32_t identification_ = 0;
};

TEST_F(DisguisedPackets, TheSameVerdictThroughEveryEncapsulationAndFragmentation) {
  for (const Wrapping& wrapping : wrappings()) {
    for (const bool v6 : {false, true}) {
      for (const Carries carries : kCarried) {
        for (const bool listed : {true, false}) add_all(wrapping, v6, carries, listed);
      }
    }
  }
  run();
  check_requests();
  check_frames();
}

TEST_F(DisguisedPackets, WhatIsSwitchedOffIsForwardedUnseen) {
  for (const Wrapping& wrapping : wrappings()) {
    if (wrapping.name == "none") continue;
    PacketBuilder around = wrapping.around;
    const Bytes frame = request(around.ipv4("10.0.0.1", "192.0.2.1"), Carries::http, kListed).build();
    add(wrapping.name, false, false, {"whole", {frame}, 0});
  }
  run(", inspect: {encapsulations: {vlan: false, pppoe: false, mpls: false, gre: false, etherip: "
      "false, "
      "ip_in_ip: false, gtp_u: false, vxlan: false, geneve: false, llc: false, l2tp: "
      "false}}");
  EXPECT_TRUE(requests_.empty());
  check_frames();
}

TEST_F(DisguisedPackets, FragmentsInsideFragments) {
  for (const bool listed : {true, false}) {
    const auto inner = request(PacketBuilder().ipv6("2001:db8::1", "2001:db8::2"), Carries::http,
                               listed ? kListed : kUnlisted)
                           .build_fragments(64, ++identification_);
    std::vector<Bytes> frames;
    for (const Bytes& piece : inner) {
      const auto outer = PacketBuilder()
                             .ethernet()
                             .ipv4("198.51.100.1", "198.51.100.2")
                             .protocol(41)
                             .payload(piece)
                             .build_fragments(48, ++identification_);
      frames.insert(frames.begin(), outer.rbegin(), outer.rend());
    }
    const std::size_t last = frames.size() - 1;
    add("6in4", listed, false, {"fragments of fragments, reversed", frames, last});
  }
  run();
  check_requests();
  check_frames();
}

/// No receiver may get the listed request from what passes, whichever of two overlapping copies it keeps.
TEST_F(DisguisedPackets, OverlappingFragmentsAreDropped) {
  for (const bool v6 : {false, true}) {
    const auto packet = [&](std::string_view host) {
      PacketBuilder eth = PacketBuilder().ethernet();
      return request(v6 ? eth.ipv6("2001:db8::1", "2001:db8::2") : eth.ipv4("10.0.0.1", "192.0.2.1"),
                     Carries::http, host);
    };
    const std::uint32_t id = ++identification_;
    const auto real = packet(kListed).build_fragments(32, id);
    --port_;
    const auto decoy = packet(kUnlisted).build_fragments(32, id);
    --port_;
    const auto coarse = packet(kListed).build_fragments(64, id);
    std::size_t differing = 0;
    while (real[differing] == decoy[differing]) ++differing;
    std::vector<Bytes> frames(real.begin(), real.begin() + static_cast<std::ptrdiff_t>(differing));
    const std::size_t before = frames.size();
    frames.push_back(decoy[differing]);
    frames.push_back(real[differing]);  // from here on, everything is dropped
    frames.insert(frames.end(), real.begin(), real.end());
    frames.insert(frames.end(), coarse.begin(), coarse.end());
    add("conflicting", true, false, {"decoy first", frames, before + 1});

    std::vector<Bytes> same(real.begin(), real.begin() + 2);
    same.push_back(coarse[0]);  // the same bytes, split elsewhere
    same.insert(same.end(), real.begin(), real.end());
    for (Bytes& frame : same) frame[v6 ? 60 : 19] ^= std::byte{0x40};  // another identification
    add("the same bytes, cut elsewhere", true, false, {"", same, 2});
  }
  run();
  EXPECT_TRUE(requests_.empty());
  check_frames();
  std::size_t dropped = 0;
  for (const Case& one : cases_) dropped += one.sending.frames.size() - one.sending.completing;
  EXPECT_EQ(stats_["outcomes"]["drop_overlap"], dropped);
}

/// The decoy completes the packet at Weir and is lost on the way to the server: the real half must not get
/// there.
TEST_F(DisguisedPackets, ADecoyThatCompletesThePacketDoesNotOpenTheWay) {
  const auto packet = [&](std::string_view host) {
    return request(PacketBuilder().ethernet().ipv4("10.0.0.1", "192.0.2.1"), Carries::http, host);
  };
  const auto real = packet(kListed).build_fragments(64, 99);
  --port_;
  const auto decoy = packet(kUnlisted).build_fragments(64, 99);
  ASSERT_EQ(real.size(), decoy.size());
  std::vector<Bytes> frames;
  for (std::size_t i = 0; i < real.size(); ++i) frames.push_back(real[i] == decoy[i] ? real[i] : decoy[i]);
  const std::size_t complete = frames.size();
  for (std::size_t i = 0; i < real.size(); ++i) {
    if (real[i] != decoy[i]) frames.push_back(real[i]);
  }
  ASSERT_GT(frames.size(), complete);
  add("decoy", true, false, {"", frames, complete});
  run();
  check_frames();
  EXPECT_EQ(requests_[port_].size(), 1U) << "the decoy's";
  EXPECT_EQ(stats_["outcomes"]["drop_overlap"], frames.size() - complete);
}

TEST_F(DisguisedPackets, OptionsAndExtensionHeadersHideNothing) {
  const auto v4 = [] { return PacketBuilder().ethernet().ipv4("10.0.0.1", "192.0.2.1"); };
  const auto v6 = [] { return PacketBuilder().ethernet().ipv6("2001:db8::1", "2001:db8::2"); };
  const std::vector<Wrapping> rows{
      {"router alert", v4().ip_options(from_hex("94040000")), true},
      {"loose source route", v4().ip_options(from_hex("830b04c0000205c000020600")), true},
      {"strict source route", v4().ip_options(from_hex("890b04c0000205c000020600")), true},
      {"40 bytes of options", v4().ip_options(Bytes(40, std::byte{1})), true},
      {"hop-by-hop", v6().hop_by_hop(), true},
      {"doubled headers", v6().hop_by_hop().destination_options().destination_options().routing().routing(),
       true},
      {"destination options of 2 KiB", v6().extension(60, 1024).extension(60, 256), true},
      {"atomic fragment", v6().fragment(0, false), true},
      {"two atomic fragments", v6().fragment(0, false).fragment(0, false), true},
      {"atomic fragment between options", v6().routing().fragment(0, false).destination_options(), true},
  };
  for (const Wrapping& row : rows) {
    for (const Carries carries : kCarried) {
      for (const bool listed : {true, false}) {
        const Bytes frame = request(row.around, carries, listed ? kListed : kUnlisted).build();
        add(row.name, listed, true, {"whole", {frame}, 0});
      }
    }
  }
  // The header chain itself is fragmented (RFC 7112 forbids it; receivers differ).
  for (const bool listed : {true, false}) {
    const auto pieces =
        request(v6().destination_options().extension(60, 64), Carries::http, listed ? kListed : kUnlisted)
            .build_fragments(24, ++identification_);
    for (Sending& sending : orders_of("chain over fragments", pieces)) {
      if (sending.name.ends_with("twice")) continue;
      add("IPv6", listed, true, sending);
      break;
    }
  }
  run();
  check_requests();
  check_frames();
}

/// Ports prove nothing: the client's may be the lower one, and tunnel ports may carry other traffic.
TEST_F(DisguisedPackets, OddPortsAndUdpLengths) {
  const auto ip = [] { return PacketBuilder().ethernet().ipv4("10.0.0.1", "192.0.2.1"); };
  const auto quic = [](std::string_view host) {
    const Bytes hello = test::TlsHelloBuilder().typical().sni(host).alpn({"h3"}).handshake();
    return test::QuicPacketBuilder().crypto(0, hello).pad_to(1200).build();
  };
  for (const std::uint16_t port : std::to_array<std::uint16_t>({2152, 4789, 6081, 65535, 81})) {
    for (const bool listed : {true, false}) {
      const std::string_view host = listed ? kListed : kUnlisted;
      port_ = static_cast<std::uint16_t>(port_ + 1);
      add("QUIC on " + std::to_string(port), listed, true,
          {"", {ip().udp(port_, port).payload(quic(host)).build()}, 0});
      port_ = static_cast<std::uint16_t>(port_ + 1);
      add("a UDP length beyond the content, to " + std::to_string(port), listed, true,
          {"", {ip().udp(port_, port).length(9000).payload(quic(host)).build()}, 0});
      port_ = static_cast<std::uint16_t>(port_ + 1);
      add("HTTP on " + std::to_string(port), listed, true,
          {"", {ip().tcp(port_, port).seq(1000).ack(5000).payload(test::http_get(host)).build()}, 0});
    }
  }
  const std::uint16_t high = port_;
  for (const bool listed : {true, false}) {
    port_ = listed ? 7 : 9;
    add("from a lower port", listed, true,
        {"",
         {ip().tcp(port_, 8080)
              .seq(1000)
              .ack(5000)
              .payload(test::http_get(listed ? kListed : kUnlisted))
              .build()},
         0});
  }
  port_ = high;
  run();
  check_requests();
  check_frames();
}

/// A flood of first fragments: the program neither stops nor grows, and complete packets are still inspected.
TEST_F(DisguisedPackets, AFloodOfFragmentsPassesAndTheRestIsInspected) {
  std::vector<Bytes> flood;
  for (std::uint32_t i = 0; i < 6000; ++i) {
    flood.push_back(
        PacketBuilder()
            .ethernet()
            .ipv4("10.0." + std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255), "192.0.2.1")
            .fragment(0, true, i)
            .protocol(6)
            .payload("abcdefgh")
            .build());
  }
  const auto pieces =
      request(PacketBuilder().ethernet().ipv4("10.0.0.1", "192.0.2.1"), Carries::http, kListed)
          .build_fragments(64, 9);
  std::vector<Bytes> frames = flood;
  frames.insert(frames.end(), pieces.begin(), pieces.end());
  const std::size_t last = frames.size() - 1;
  add("flood", true, true, {"then a listed request", frames, last});
  run(", fragments: {memory_bytes: 4194304}");
  check_requests();
  check_frames();
  EXPECT_GT(stats_["fragment_evictions"], 0);
}

}  // namespace
}  // namespace weir::scenario
