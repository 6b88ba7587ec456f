#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/http_text.h"
#include "tests/support/quic_packet_builder.h"
#include "tests/support/tls_hello_builder.h"
#include "tests/unit/dataplane/inspect/inspect_fixture.h"

namespace weir::inspect {
namespace {

using test::Bytes;
using test::PacketBuilder;
using test::summary;

const std::string kListed = "listed.example.com";

class FragmentInspection : public testing::Test {
 protected:
  /// A listed request in fragments of 48 bytes.
  static std::vector<Bytes> listed(std::uint32_t id = 7, const std::string& host = kListed) {
    return test::segment().payload(test::http_get(host)).build_fragments(48, id);
  }
  std::string inspect(const Bytes& frame, Direction direction = Direction::from_subscriber,
                      Enforcement enforcement = Enforcement::enforce) {
    verdict_ = inspector_.inspect(frame, snapshot_.view(), direction, enforcement);
    return summary(verdict_);
  }

  test::TestSnapshot snapshot_{{{.name = "list", .lines = {kListed}}}};
  test::TestInspector inspector_;
  Verdict verdict_;
  std::uint32_t identification_ = 100;
};

TEST_F(FragmentInspection, TheCompletingAndLaterFragmentsAreDropped) {
  const auto pieces = listed();
  for (std::size_t i = 0; i + 1 < pieces.size(); ++i) EXPECT_EQ(inspect(pieces[i]), "forward_fragment") << i;
  EXPECT_EQ(inspect(pieces.back()), "drop_blocked http_page");
  ASSERT_NE(verdict_.reassembled, nullptr);
  EXPECT_EQ(verdict_.reassembled->destination_port, 80);
  EXPECT_EQ(verdict_.server_next, 1000U);
  EXPECT_EQ(inspector_.take_requests(), std::vector<std::string>{"http block listed.example.com/ listed 1"});
  for (const Bytes& piece : pieces) {
    EXPECT_EQ(inspect(piece), "drop_blocked_flow") << "no answer: the client already has one";
    EXPECT_EQ(verdict_.reassembled, nullptr);
  }
  EXPECT_EQ(inspect(test::http_segment(test::http_get(kListed))), "drop_blocked_flow http_page")
      << "the connection is blocked as by an unfragmented request";
}

TEST_F(FragmentInspection, TheLastFragmentGetsTheVerdictOfTheWhole) {
  const auto pieces = listed(8, "passed.example.com");
  for (std::size_t i = 0; i + 1 < pieces.size(); ++i) EXPECT_EQ(inspect(pieces[i]), "forward_fragment");
  EXPECT_EQ(inspect(pieces.back()), "forward_passed");
  EXPECT_EQ(inspect(pieces.back()), "forward_fragment") << "a copy is not another request";
  EXPECT_EQ(inspector_.take_requests().size(), 1U);
}

TEST_F(FragmentInspection, ACompletedPacketIsDecidedHereOrElsewhere) {
  enum class Decided { here, elsewhere_dropped, elsewhere_passed };
  for (const Decided decided : {Decided::here, Decided::elsewhere_dropped, Decided::elsewhere_passed}) {
    SCOPED_TRACE(static_cast<int>(decided));
    base::Counters counters;
    Inspector inspector({}, counters);
    const auto pieces = listed();
    const auto now = std::chrono::seconds(1);
    const auto begin = [&](const Bytes& piece) {
      return inspector.begin(proto::parse_packet(piece, proto::LinkType::ethernet),
                             Direction::from_subscriber, now, snapshot_.view(), Enforcement::enforce);
    };
    for (std::size_t i = 0; i + 1 < pieces.size(); ++i) {
      const Inspection inspection = begin(pieces[i]);
      EXPECT_EQ(inspection.completed, nullptr);
      EXPECT_EQ(summary(inspection.verdict), "forward_fragment");
    }
    const Inspection last = begin(pieces.back());
    ASSERT_NE(last.completed, nullptr);
    EXPECT_EQ(last.completed->packet_class, proto::PacketClass::tcp);
    if (decided == Decided::here) {
      const Verdict verdict = inspector.decide_completed(*last.completed, Direction::from_subscriber, now,
                                                         snapshot_.view(), Enforcement::enforce);
      EXPECT_EQ(summary(verdict), "drop_blocked http_page");
      EXPECT_NE(verdict.reassembled, nullptr);
      EXPECT_EQ(summary(begin(pieces[0]).verdict), "drop_blocked_flow");
      continue;
    }
    const auto held = inspector.hold_completed();
    EXPECT_EQ(held.count, 1U);
    for (const Bytes& piece : pieces) {
      EXPECT_EQ(summary(begin(piece).verdict), "drop_blocked_flow")
          << "nothing of it passes before the decision";
    }
    const bool dropped = decided == Decided::elsewhere_dropped;
    inspector.settle_completed(held, dropped);
    for (const Bytes& piece : pieces) {
      EXPECT_EQ(summary(begin(piece).verdict), dropped ? "drop_blocked_flow" : "forward_fragment");
    }
  }
}

TEST_F(FragmentInspection, MonitorTouchesNothing) {
  const auto pieces = listed();
  const auto monitor = [&](const Bytes& frame) {
    return inspect(frame, Direction::from_subscriber, Enforcement::monitor);
  };
  for (std::size_t i = 0; i + 1 < pieces.size(); ++i) EXPECT_EQ(monitor(pieces[i]), "forward_fragment");
  EXPECT_EQ(monitor(pieces.back()), "forward_monitor");
  EXPECT_EQ(monitor(pieces.front()), "forward_fragment");
  EXPECT_EQ(monitor(listed(9)[0]), "forward_fragment");
  EXPECT_EQ(monitor(test::segment().payload("conflict" + test::http_get(kListed)).build_fragments(64, 9)[0]),
            "forward_fragment")
      << "an overlap";
}

TEST_F(FragmentInspection, FragmentsFromTheNetworkAreNotStored) {
  for (const Bytes& piece : listed()) {
    EXPECT_EQ(inspect(piece, Direction::from_network), "forward_fragment");
  }
  EXPECT_TRUE(inspector_.take_requests().empty());
  EXPECT_EQ(inspect(listed()[1]), "forward_fragment") << "it completes nothing";
}

TEST_F(FragmentInspection, BypassLooksAtNothing) {
  for (const Bytes& piece : listed()) {
    EXPECT_EQ(inspect(piece, Direction::from_subscriber, Enforcement::bypass), "forward_bypass");
  }
}

/// One level more than is reassembled passes, like everything that cannot be read.
TEST_F(FragmentInspection, FragmentsOfFragmentsToThreeLevels) {
  for (std::size_t levels = 1; levels <= 4; ++levels) {
    std::vector<Bytes> frames{PacketBuilder()
                                  .ipv4("10.0.0.1", "192.0.2.1")
                                  .tcp(static_cast<std::uint16_t>(2000 + levels), 80)
                                  .payload(test::http_get(kListed))
                                  .build()};
    for (std::size_t level = 1; level <= levels; ++level) {
      std::vector<Bytes> pieces;
      for (const Bytes& frame : frames) {
        // The packet is a header of 20 bytes and content; each piece gets a new header.
        PacketBuilder builder = level == levels ? PacketBuilder().ethernet() : PacketBuilder();
        builder.ipv4("198.51.100." + std::to_string(level), "198.51.100.9").protocol(4).payload(frame);
        for (Bytes& piece : builder.build_fragments(frame.size() > 64 ? 64 : 8, ++identification_)) {
          pieces.push_back(std::move(piece));
        }
      }
      frames = std::move(pieces);
    }
    std::string last;
    for (const Bytes& frame : frames) last = inspect(frame);
    EXPECT_EQ(last.starts_with("drop_blocked"), levels <= 3) << levels << ' ' << last;
  }
}

/// The fragments of a UDP datagram from 10.0.0.1:5000 to a port, with content that begins with `start`.
std::vector<Bytes> datagram(std::uint32_t id, const std::string& start, std::size_t bytes = 100,
                            std::uint16_t port = 443, std::size_t piece = 48) {
  std::string content = start;
  while (content.size() < bytes) content += static_cast<char>('a' + (id + content.size()) % 26);
  return PacketBuilder()
      .ethernet()
      .ipv4("10.0.0.1", "192.0.2.1")
      .udp(5000, port)
      .payload(content)
      .build_fragments(piece, id);
}

/// Everything is forwarded, however the sender chooses its identifications.
TEST_F(FragmentInspection, InnocentReuseOfIdentificationsLosesNothing) {
  struct Row {
    std::string description;
    std::string start;
    bool random;
    bool reversed;
  };
  const std::vector<Row> rows{
      {"RTP, random", "\x80\x60seq", true, false},
      {"RTP, sequential", "\x80\x60seq", false, false},
      {"DNS, random, the last fragment first",
       "\xff\xff\x81\x80"
       "q",
       true, true},
      {"a short header of QUIC, random", "\x40packet", true, false},
      {"QUIC of a version that nobody reads, random", "\xc3grease", true, false},
  };
  constexpr std::size_t kIdentificationAt = 14 + 4;
  std::mt19937 random(1);
  for (const Row& row : rows) {
    SCOPED_TRACE(row.description);
    std::vector<std::vector<Bytes>> datagrams;
    for (std::uint32_t i = 0; i < 64; ++i) {
      datagrams.push_back(datagram(i, row.start + std::to_string(i), 60 + i % 3 * 40 + i / 3 % 8));
      if (row.reversed) std::reverse(datagrams.back().begin(), datagrams.back().end());
    }
    std::uint32_t sequential = 0;
    for (std::uint32_t i = 0; i < 20000; ++i) {
      // 12 bits, so that every identification is reused several times in a lifetime.
      const std::uint32_t id = static_cast<std::uint32_t>(row.random ? random() : ++sequential) % 4096;
      for (Bytes& piece : datagrams[random() % datagrams.size()]) {
        piece[kIdentificationAt] = static_cast<std::byte>(id >> 8);
        piece[kIdentificationAt + 1] = static_cast<std::byte>(id);
        ASSERT_FALSE(inspect(piece).starts_with("drop_")) << i;
      }
      inspector_.now += std::chrono::milliseconds(1);
    }
  }
}

/// Protocols that cannot lead to a request are not stored.
TEST_F(FragmentInspection, FragmentsThatCannotLeadToARequestAreNotStored) {
  for (const std::uint8_t protocol : std::array<std::uint8_t, 6>{1, 2, 50, 51, 89, 132}) {
    for (int i = 0; i < 2; ++i) {
      const std::string content(100, static_cast<char>('a' + i));
      for (const Bytes& piece : PacketBuilder()
                                    .ethernet()
                                    .ipv4("10.0.0.1", "192.0.2.1")
                                    .protocol(protocol)
                                    .payload(content)
                                    .build_fragments(48, 5)) {
        EXPECT_EQ(inspect(piece), "forward_fragment") << int{protocol};
      }
    }
  }
}

/// A datagram with a listed hello, and a decoy with the same identification that need not be inspected. In
/// whatever order their fragments arrive, and whichever of the decoy's are lost on the way, the server never
/// gets the whole hello.
TEST_F(FragmentInspection, ADecoyThatNeedNotBeInspectedLetsNothingPass) {
  constexpr std::size_t kPiece = 640;
  const Bytes hello = test::QuicPacketBuilder()
                          .crypto(0, test::TlsHelloBuilder().typical().sni(kListed).handshake())
                          .pad_to(1200)
                          .build();
  const auto real = datagram(1, std::string(test::to_text(hello)), hello.size(), 443, kPiece);
  ASSERT_EQ(real.size(), 2U);
  const std::vector<std::pair<std::string, std::vector<Bytes>>> decoys{
      {"as long", datagram(1, "decoy", 1200, 443, kPiece)},
      {"shorter", datagram(1, "decoy", 1190, 443, kPiece)},
      {"longer", datagram(1, "decoy", 1900, 443, kPiece)},
      {"another port", datagram(1, "decoy", 1200, 9, kPiece)},
      {"cut elsewhere", datagram(1, "decoy", 1200, 443, 400)},
      {"cut after its header", datagram(1, "decoy", 24, 9, 8)},
      {"a decoy's decoy",
       {datagram(1, "decoy", 1200, 9, kPiece)[1], datagram(1, "other", 1200, 9, kPiece)[0]}},
  };
  for (const auto& [description, decoy] : decoys) {
    std::vector<Bytes> frames = real;
    for (std::size_t i = 0; i < std::min<std::size_t>(decoy.size(), 3); ++i) frames.push_back(decoy[i]);
    std::vector<std::size_t> order(frames.size() + 1);
    std::iota(order.begin(), order.end(), std::size_t{0});
    do {
      test::TestInspector inspector{{.flow_capacity = 16,
                                     .reassembly_bytes = 65536,
                                     .quic_connections = 16,
                                     .h2c_connections = 2,
                                     .fragment_memory_bytes = 0}};
      std::array<bool, 2> arrived{};
      std::string story;
      for (const std::size_t i : order) {
        // The number after the last fragment stands for a copy of the real first fragment.
        const Bytes& frame = i == frames.size() ? real[0] : frames[i];
        const std::string outcome =
            summary(inspector.inspect(frame, snapshot_.view(), Direction::from_subscriber));
        story += std::to_string(i) + ' ' + outcome + ", ";
        if (outcome.starts_with("drop_")) continue;
        if (i == 0 || i == frames.size()) arrived[0] = true;
        if (i == 1) arrived[1] = true;
      }
      ASSERT_FALSE(arrived[0] && arrived[1]) << description << ": " << story;
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

/// The first halves of many packets from one sender, and the two halves of somebody else's request.
class FragmentFlood : public testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] std::vector<Bytes> halves(const std::string& from, std::uint32_t id,
                                          const std::string& text) const {
    PacketBuilder packet = PacketBuilder().ethernet();
    if (GetParam()) {
      packet.ipv6("2001:db8:0:" + from + "::1", "2001:db8:ff::1");
    } else {
      packet.ipv4("10.0.0." + from, "192.0.2.1");
    }
    return packet.tcp(1234, 80).seq(1000).ack(5000).flags("PA").payload(text).build_fragments(64, id);
  }
  std::string inspect(const Bytes& frame, Enforcement enforcement = Enforcement::enforce) {
    return summary(inspector_->inspect(frame, snapshot_.view(), Direction::from_subscriber, enforcement));
  }
  unsigned flood(const std::string& outcome) {
    unsigned count = 0;
    for (std::uint32_t id = 1; id <= 2000; ++id) {
      count += inspect(halves("66", id, std::string(100, 'x')).front()) == outcome ? 1U : 0U;
    }
    return count;
  }

  test::TestSnapshot snapshot_{{{.name = "list", .lines = {kListed}}}};
  std::optional<test::TestInspector> inspector_;
};

TEST_P(FragmentFlood, HidesNobodyElsesRequest) {
  for (const bool closed : {false, true}) {
    for (const bool listed : {true, false}) {
      inspector_.emplace(InspectorSettings{.close_fragments = closed, .fragment_memory_bytes = 0});
      const auto pieces = halves("5", 7, test::http_get(listed ? kListed : "passed.example.com"));
      for (std::size_t i = 0; i + 1 < pieces.size(); ++i) EXPECT_EQ(inspect(pieces[i]), "forward_fragment");
      const unsigned dropped = flood("drop_fragments_full");
      const auto evicted = inspector_->counters().get(base::Counter::fragment_evictions);
      EXPECT_EQ(dropped > 1000, closed) << dropped;
      EXPECT_EQ(evicted > 1000, !closed) << evicted;
      EXPECT_EQ(inspect(pieces.back()), listed ? "drop_blocked http_page" : "forward_passed") << closed;
    }
  }
}

TEST_P(FragmentFlood, MonitorDropsNothing) {
  inspector_.emplace(InspectorSettings{.close_fragments = true, .fragment_memory_bytes = 0});
  flood("");
  EXPECT_EQ(inspect(halves("66", 5000, std::string(100, 'x')).front(), Enforcement::monitor),
            "forward_monitor");
}

INSTANTIATE_TEST_SUITE_P(Families, FragmentFlood, testing::Bool(),
                         [](const auto& family) { return family.param ? "ipv6" : "ipv4"; });

}  // namespace
}  // namespace weir::inspect
