// Cases that take a long time or many clients. They run only in weir-replay, which takes its time from the
// capture.
#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/scenario/capture_read.h"
#include "tests/scenario/stream_script.h"
#include "tests/support/http_text.h"
#include "tests/support/quic_packet_builder.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::scenario {
namespace {

using nlohmann::json;
using std::chrono::microseconds;
using std::chrono::seconds;

class LongCaptures : public testing::Test {
 protected:
  void write(const Bytes& frame, microseconds later = microseconds(10)) {
    writer_.write(frame, now_ += later);
  }

  /// Returns the requests as `HOST VERDICT`, in order; stores the statistics.
  std::vector<std::string> run(const std::string& settings = {}) {
    { const test::PcapWriter flushed(std::move(writer_)); }
    write_text(directory_ / kListName, std::string(kListedName) + '\n');
    write_text(directory_ / "replay.yaml",
               "dataplane:\n  block: {handshake: none}\n  inspect: {http: any}\n" + settings);
    const Finished finished =
        run_replay({"--all", "--json", "--stats", "--write", directory_ / "out.pcap", "--list",
                    directory_ / kListName, "--config", directory_ / "replay.yaml", directory_ / "in.pcap"},
                   directory_);
    EXPECT_EQ(finished.status, 0) << finished.err;
    std::vector<std::string> requests;
    for (const std::string& line : lines_of(finished.out)) {
      const json request = json::parse(line);
      requests.push_back(request["host"].get<std::string>() + ' ' + request["verdict"].get<std::string>());
    }
    stats_ = json::parse(lines_of(finished.err).back());
    return requests;
  }

  const TemporaryDirectory directory_;
  test::PcapWriter writer_{directory_ / "in.pcap"};
  microseconds now_{seconds(1767323045)};
  json stats_;
};

const std::vector<std::string> kBlockedAndPassed{"listed.example.com block", "passed.example.com pass"};

TEST_F(LongCaptures, PiecesMayComeAMinuteApart) {
  std::vector<std::string> expected;
  std::uint16_t port = 2000;
  for (const auto& stream : {&http_around, &hello_around}) {
    for (const std::vector<std::size_t>& order : {std::vector<std::size_t>{0, 1, 2}, {2, 1, 0}}) {
      for (const bool listed : {true, false}) {
        const Bytes bytes = stream(listed ? kListedName : kUnlistedName);
        write(client(++port).seq(kFirst - 1).flags("S").build());
        for (const Piece& piece : in_pieces(bytes.size(), 3, order)) {
          const auto part = std::span<const std::byte>(bytes).subspan(piece.begin, piece.end - piece.begin);
          write(client(port).seq(kFirst + static_cast<std::uint32_t>(piece.begin)).payload(part).build(),
                seconds(59));
        }
        expected.push_back(kBlockedAndPassed[listed ? 0 : 1]);
      }
    }
  }
  for (const bool listed : {true, false}) {
    const Bytes hello =
        test::TlsHelloBuilder().typical().pad_to(1900).sni(listed ? kListedName : kUnlistedName).handshake();
    ++port;
    std::uint64_t number = 0;
    for (const test::QuicPiece& piece : test::quic_pieces(hello, 2)) {
      const Bytes initial =
          test::QuicPacketBuilder().number(number++).crypto(piece.offset, piece.data).pad_to(1200).build();
      write(PacketBuilder().ethernet().ipv4("10.0.0.1", "192.0.2.1").udp(port, 443).payload(initial).build(),
            seconds(30));
    }
    expected.push_back(kBlockedAndPassed[listed ? 0 : 1]);
  }
  EXPECT_EQ(run(), expected);
}

/// More unfinished requests than the memory can hold: the oldest are given up and counted; new requests are
/// inspected as usual.
TEST_F(LongCaptures, AFloodOfHalfRequestsHidesNobodyElsesRequest) {
  const std::string listed = test::http_get(kListedName);
  const std::string passed = test::http_get(kUnlistedName);
  const auto from = [](std::uint32_t i, std::uint32_t offset, std::string_view payload) {
    return PacketBuilder()
        .ethernet()
        .ipv4("10.1." + std::to_string(i >> 8 & 255U) + '.' + std::to_string(i & 255U), "192.0.2.1")
        .tcp(40000, 80)
        .seq(kFirst + offset)
        .ack(5000)
        .flags("PA")
        .payload(payload)
        .build();
  };
  write(from(0, 0, listed.substr(0, 30)));
  for (std::uint32_t i = 1; i < 60000; ++i) write(from(i, 0, "GET / HTTP/1.1\r\nX: " + std::string(40, 'x')));
  write(client(80).payload(listed).build());
  write(client(81).payload(passed).build());
  for (const std::uint16_t port : std::to_array<std::uint16_t>({82, 83})) {
    const std::string& text = port == 82 ? listed : passed;
    write(client(port).payload(text.substr(0, 30)).build());
    write(client(port).seq(1030).payload(text.substr(30)).build());
  }
  // Its first half was given up long ago, and the rest alone shows nothing.
  write(from(0, 30, listed.substr(30)));
  EXPECT_EQ(run("  flows: {capacity: 4096, reassembly_bytes: 262144}\n"),
            (std::vector<std::string>{kBlockedAndPassed[0], kBlockedAndPassed[1], kBlockedAndPassed[0],
                                      kBlockedAndPassed[1]}));
  EXPECT_GT(stats_["stream_evictions"].get<int>() + stats_["flow_evictions"].get<int>(), 50000);
}

/// Initials of one host that nobody can read, more than its budget allows, between the halves of another's
/// hello. (A device has no clock that a test could hold, so this runs here alone.)
class InitialFlood : public LongCaptures {
 protected:
  static PacketBuilder from(bool v6, bool flooder, std::uint16_t port) {
    PacketBuilder packet = PacketBuilder().ethernet();
    if (v6) {
      packet.ipv6(flooder ? "2001:db8:0:66::1" : "2001:db8:0:5::1", "2001:db8:ff::1");
    } else {
      packet.ipv4(flooder ? "10.5.0.66" : "10.5.0.1", "192.0.2.1");
    }
    return packet.udp(port, 443);
  }
  void write_part(bool v6, std::string_view name, std::size_t part) {
    const Bytes hello = test::TlsHelloBuilder().typical().pad_to(1900).sni(name).handshake();
    const test::QuicPiece piece = test::quic_pieces(hello, 2)[part];
    const Bytes initial =
        test::QuicPacketBuilder().number(part).crypto(piece.offset, piece.data).pad_to(1200).build();
    write(from(v6, false, name == kListedName ? 2001 : 2002).payload(initial).build());
  }
  void write_all() {
    for (const bool v6 : {false, true}) {
      for (const auto name : {kListedName, kUnlistedName}) write_part(v6, name, 0);
      for (std::uint16_t i = 0; i < 200; ++i) {
        const std::string id = std::to_string(10000000 + i);
        const Bytes junk = test::QuicPacketBuilder().id(id + id).keys_from("00").pad_to(1200).build();
        write(from(v6, true, static_cast<std::uint16_t>(3000 + i)).payload(junk).build(), microseconds(0));
      }
      for (const auto name : {kListedName, kUnlistedName}) write_part(v6, name, 1);
    }
  }
};

TEST_F(InitialFlood, SpendsNobodyElsesBudget) {
  write_all();
  EXPECT_EQ(run("  flows: {quic_initials_per_source: 50}\n"),
            (std::vector<std::string>{kBlockedAndPassed[0], kBlockedAndPassed[1], kBlockedAndPassed[0],
                                      kBlockedAndPassed[1]}));
  EXPECT_EQ(stats_["outcomes"]["forward_quic_budget"], 300);
  EXPECT_EQ(stats_["outcomes"]["forward_no_request"], 100);
}

TEST_F(InitialFlood, IsDroppedIfConfigured) {
  write_all();
  EXPECT_EQ(run("  flows: {quic_initials_per_source: 50}\n  fail: {quic_budget: closed}\n").size(), 4U);
  EXPECT_EQ(stats_["outcomes"]["drop_quic_budget"], 300);
  EXPECT_EQ(stats_["outcomes"]["forward_passed"], 2);
}

}  // namespace
}  // namespace weir::scenario
