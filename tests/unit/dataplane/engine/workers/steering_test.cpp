#include "dataplane/engine/workers/steering.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/flow/fragment_table.h"
#include "tests/support/quic_packet_builder.h"
#include "tests/support/tls_hello_builder.h"
#include "tests/unit/dataplane/engine/ports/ring_wire.h"

namespace weir::engine {
namespace {

constexpr unsigned kClients = 64;

std::string client_address(unsigned client) { return "10.1." + std::to_string(client) + ".7"; }

std::string text_of_request(std::string_view host) {
  return "GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n";
}

PacketBuilder connection(unsigned client) {
  return PacketBuilder().ethernet().ipv4(client_address(client), "192.0.2.80").tcp(40000, 80);
}

Bytes segment(unsigned client, const std::string& text, std::size_t begin, std::size_t end) {
  return connection(client)
      .seq(static_cast<std::uint32_t>(1000 + begin))
      .ack(2000)
      .flags("PA")
      .payload(text.substr(begin, end - begin))
      .build();
}

/// One client's request in pieces, each of which may arrive at another queue.
using Pieces = std::vector<Bytes> (*)(unsigned client, std::string_view host);

std::vector<Bytes> in_segments(unsigned client, std::string_view host) {
  const std::string text = text_of_request(host);
  std::vector<Bytes> pieces;
  constexpr std::size_t kStep = 9;
  for (std::size_t at = 0; at < text.size(); at += kStep) {
    pieces.push_back(segment(client, text, at, std::min(text.size(), at + kStep)));
  }
  return pieces;
}

std::vector<Bytes> in_fragments(unsigned client, std::string_view host) {
  return connection(client)
      .seq(1000)
      .ack(2000)
      .flags("PA")
      .payload(text_of_request(host))
      .build_fragments(16);
}

/// All clients share one tunnel. Its fragments belong to one worker, the connections inside to several.
std::vector<Bytes> in_a_tunnel_in_fragments(unsigned client, std::string_view host) {
  return PacketBuilder()
      .ethernet()
      .ipv4("10.9.0.1", "10.9.0.2")
      .gre()
      .ipv4(client_address(client), "192.0.2.80")
      .tcp(40000, 80)
      .seq(1000)
      .ack(2000)
      .flags("PA")
      .payload(text_of_request(host))
      .build_fragments(40, 0x2000 + client);
}

/// The first half in a whole segment, the second half in a segment in fragments.
std::vector<Bytes> in_a_segment_and_fragments(unsigned client, std::string_view host) {
  const std::string text = text_of_request(host);
  const std::size_t half = text.size() / 2;
  std::vector<Bytes> pieces = connection(client)
                                  .seq(static_cast<std::uint32_t>(1000 + half))
                                  .ack(2000)
                                  .flags("PA")
                                  .payload(text.substr(half))
                                  .build_fragments(24);
  pieces.push_back(segment(client, text, 0, half));
  return pieces;
}

std::vector<Bytes> in_datagrams(unsigned client, std::string_view host) {
  const Bytes hello = test::TlsHelloBuilder().typical().sni(host).handshake();
  std::vector<Bytes> pieces;
  std::uint64_t number = 0;
  for (const test::QuicPiece& piece : test::quic_pieces(hello, 3)) {
    const Bytes packet =
        test::QuicPacketBuilder().number(number++).crypto(piece.offset, piece.data).pad_to(1200).build();
    pieces.push_back(PacketBuilder()
                         .ethernet()
                         .ipv4(client_address(client), "192.0.2.80")
                         .udp(50000, 443)
                         .payload(packet)
                         .build());
  }
  return pieces;
}

struct Cut {
  const char* what;
  Pieces pieces;
};
const Cut kCuts[] = {
    {"TCP segments", in_segments},
    {"IP fragments", in_fragments},
    {"a segment, and one in fragments", in_a_segment_and_fragments},
    {"fragments of a tunnel", in_a_tunnel_in_fragments},
    {"QUIC Initials", in_datagrams},
};

struct Layout {
  const char* what;
  std::uint16_t workers;
  std::uint16_t queues;
};
const Layout kLayouts[] = {
    {"one worker", 1, 1},
    {"two workers, two queues", 2, 2},
    {"two workers, one queue", 2, 1},
    {"three workers, two queues", 3, 2},
};

TEST(Steering, PiecesOfARequestOverSeveralQueuesAreBlocked) {
  for (const Layout& layout : kLayouts) {
    for (const Cut& cut : kCuts) {
      SCOPED_TRACE(std::string(layout.what) + ", " + cut.what);
      Wire wire({.workers = layout.workers, .queues = layout.queues});
      std::multiset<Bytes> innocent;
      std::multiset<Bytes> listed;
      std::size_t turn = 0;
      for (unsigned client = 0; client < kClients; ++client) {
        for (const bool is_listed : {true, false}) {
          const unsigned address = client * 2 + (is_listed ? 1 : 0);
          for (const Bytes& piece : cut.pieces(address, is_listed ? "listed.example" : "passed.example")) {
            wire.subscriber().send(piece, 2048, turn++ % layout.queues);
            (is_listed ? listed : innocent).insert(piece);
          }
        }
      }
      wire.run();
      EXPECT_EQ(wire.count(base::Outcome::drop_blocked), kClients);
      EXPECT_GE(wire.count(base::Outcome::forward_passed), kClients);
      std::multiset<Bytes> out;
      for (Bytes& frame : wire.network().receive()) out.insert(std::move(frame));
      std::size_t through = 0;
      for (const Bytes& frame : innocent) EXPECT_EQ(out.count(frame), innocent.count(frame));
      for (const Bytes& frame : listed) through += out.count(frame);
      EXPECT_LE(through, listed.size() - kClients) << "a piece of each is missing";
      if (layout.workers > 1) {
        EXPECT_GT(wire.count(base::Counter::handoffs), 0U);
      }
      EXPECT_EQ(wire.count(base::Outcome::forward_handoff_full), 0U);
      wire.expect_conservation();
    }
  }
}

TEST(Steering, ACopyOfTheLastFragmentDoesNotOvertakeTheDecision) {
  for (const bool copies_first : {true, false}) {
    Wire wire({.workers = 2, .queues = 2});
    std::vector<Bytes> last;
    std::vector<rte_mbuf*> copies;
    for (unsigned client = 0; client < kClients; ++client) {
      auto pieces = in_a_tunnel_in_fragments(client, "listed.example");
      for (std::size_t i = 0; i + 1 < pieces.size(); ++i) wire.subscriber().send(pieces[i]);
      wire.subscriber().send(pieces.back());
      if (copies_first) wire.subscriber().send(pieces.back());
      last.push_back(pieces.back());
      copies.push_back(RingPort::make(pieces.back()));
    }
    wire.start_for_long();
    wire.settle();
    // Again, after all decisions.
    for (rte_mbuf* copy : copies) wire.subscriber().put(copy);
    wire.settle();
    wire.stop();
    for (const Bytes& frame : wire.network().receive()) {
      EXPECT_EQ(std::count(last.begin(), last.end(), frame), 0) << "the whole request got through";
    }
    EXPECT_EQ(wire.count(base::Outcome::drop_blocked), kClients);
    wire.expect_conservation();
  }
}

TEST(Steering, InnocentPacketsInFragmentedTunnelsGoOnAfterTheirDecision) {
  Wire wire({.workers = 2, .queues = 2});
  std::vector<rte_mbuf*> copies;
  for (unsigned client = 0; client < kClients; ++client) {
    for (const Bytes& piece : in_a_tunnel_in_fragments(client, "passed.example")) {
      wire.subscriber().send(piece);
      copies.push_back(RingPort::make(piece));
    }
  }
  wire.start_for_long();
  wire.settle();
  for (rte_mbuf* copy : copies) wire.subscriber().put(copy);
  wire.settle();
  wire.stop();
  EXPECT_EQ(wire.network().receive().size(), 2 * copies.size())
      << "copies pass once the packet has been decided";
  wire.expect_conservation();
}

TEST(Steering, OrderWithinAnAddressPairIsKept) {
  constexpr unsigned kEach = 40;
  Wire wire({.workers = 3, .queues = 1});
  for (unsigned number = 0; number < kEach; ++number) {
    for (unsigned client = 0; client < 30; ++client) {
      wire.subscriber().send(PacketBuilder()
                                 .ethernet()
                                 .ipv4(client_address(client), "192.0.2.80")
                                 .udp(5000, 5001)
                                 .payload("number " + std::to_string(1000 + number))
                                 .build());
    }
  }
  wire.run();
  std::map<Bytes, Bytes> last;  // by source address
  std::size_t count = 0;
  for (const Bytes& frame : wire.network().receive()) {
    const Bytes source(frame.begin() + 26, frame.begin() + 30);
    const Bytes number(frame.end() - 4, frame.end());
    EXPECT_TRUE(last[source].empty() || last[source] < number);
    last[source] = number;
    ++count;
  }
  EXPECT_EQ(count, kEach * 30);
  EXPECT_EQ(last.size(), 30U);
  wire.expect_conservation();
}

TEST(Steering, AFullQueueObeysTheSetting) {
  constexpr unsigned kSent = 1000;
  struct Case {
    config::FailMode mode;
    base::Outcome outcome;
  };
  for (const Case& row : {Case{config::FailMode::open, base::Outcome::forward_handoff_full},
                          Case{config::FailMode::closed, base::Outcome::drop_handoff_full}}) {
    SCOPED_TRACE(base::to_string(row.outcome));
    Wire wire({.workers = 2, .queues = 1, .steering_slots = 32, .fail = {.handoff = row.mode}});
    for (unsigned i = 0; i < kSent; ++i) wire.subscriber().send(segment(i % 200, "x", 0, 1));
    // The other worker starts only when the first one has emptied its receive queue.
    std::thread first([&wire] { wire.worker(0).run(); });
    while (wire.outcomes() + wire.count(base::Counter::handoffs) < kSent) std::this_thread::yield();
    wire.worker(1).run();
    first.join();
    EXPECT_EQ(wire.count(base::Counter::handoffs), 32U);
    EXPECT_GT(wire.count(row.outcome), 300U);
    const bool open = row.mode == config::FailMode::open;
    EXPECT_EQ(wire.network().receive().size(), open ? kSent : kSent - wire.count(row.outcome));
    wire.expect_conservation();
  }
}

TEST(Steering, WorkersGetSharesOfTheAddresses) {
  for (const unsigned workers : {2U, 3U, 8U}) {
    auto steering = Steering::make(workers, 32);
    ASSERT_TRUE(steering.ok());
    std::vector<unsigned> count(workers);
    constexpr unsigned kPairs = 4000;
    for (unsigned i = 0; i < kPairs; ++i) {
      proto::PacketView packet;
      packet.source.bytes[2] = static_cast<std::byte>(i >> 8);
      packet.source.bytes[3] = static_cast<std::byte>(i);
      const unsigned owner = steering.value()->owner_of(packet);
      ASSERT_LT(owner, workers);
      EXPECT_EQ(steering.value()->owner_of(packet), owner);
      packet.source_port = 7;
      EXPECT_EQ(steering.value()->owner_of(packet), owner) << "fragments have no ports";
      ++count[owner];
    }
    for (const unsigned each : count) EXPECT_NEAR(each, kPairs / workers, kPairs / workers / 4);
  }
}

TEST(Steering, QueuesTakeAQuarterOfTheBuffersAtMost) {
  struct Case {
    std::uint32_t mbufs;
    unsigned workers;
    std::uint32_t slots;
  };
  for (const Case& row : {Case{16384, 1, 0}, Case{16384, 2, 1024}, Case{16384, 4, 256}, Case{16384, 16, 32},
                          Case{1024, 2, 128}, Case{1024, 8, 32}}) {
    EXPECT_EQ(Steering::slots_for(row.mbufs, row.workers), row.slots) << row.mbufs << ", " << row.workers;
  }
}

TEST(HandoffPool, CopiesPacketsAndTakesBackWhatIsDecided) {
  HandoffPool pool({.ordinary = 1, .large = 1});
  const Bytes bytes(100, std::byte{7});
  proto::PacketView whole;
  whole.frame = bytes;
  whole.payload = std::span(bytes).subspan(60);
  HandedOffPacket* const first = pool.take(whole, {.packets = {}, .count = 1});
  HandedOffPacket* const second = pool.take(whole, {.packets = {}, .count = 2});
  ASSERT_TRUE(first != nullptr && second != nullptr);
  EXPECT_NE(first->view.frame.data(), bytes.data()) << "a copy";
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), first->view.frame.begin(), first->view.frame.end()));
  EXPECT_EQ(first->view.payload.data(), first->view.frame.data() + 60);
  EXPECT_EQ(pool.take(whole, {}), nullptr) << "all are in use";

  std::vector<std::pair<std::size_t, bool>> settled;
  const auto settle = [&](const inspect::FragmentInspector::Completed& origin, bool dropped) {
    settled.emplace_back(origin.count, dropped);
  };
  pool.collect(settle);
  EXPECT_TRUE(settled.empty());
  second->state = HandedOffPacket::State::dropped;
  pool.collect(settle);
  first->state = HandedOffPacket::State::passed;
  pool.collect(settle);
  EXPECT_EQ(settled, (std::vector<std::pair<std::size_t, bool>>{{2, true}, {1, false}}));
  const Bytes large(HandoffPool::kOrdinaryBytes + 1);
  proto::PacketView jumbo;
  jumbo.frame = large;
  EXPECT_NE(pool.take(jumbo, {}), nullptr);
  EXPECT_EQ(pool.take(jumbo, {}), nullptr) << "what is left is too small for it";
  EXPECT_NE(pool.take(whole, {}), nullptr);
}

}  // namespace
}  // namespace weir::engine
