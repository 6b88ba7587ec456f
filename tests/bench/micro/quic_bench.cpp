#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "dataplane/base/enforcement.h"
#include "dataplane/counters/counters.h"
#include "dataplane/inspect/inspector.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/proto/packet/packet_view.h"
#include "dataplane/proto/quic/quic_crypto.h"
#include "dataplane/proto/quic/quic_frames.h"
#include "dataplane/rules/entry_parser.h"
#include "dataplane/rules/snapshot_builder.h"
#include "tests/support/packet_builder.h"
#include "tests/support/quic_packet_builder.h"
#include "tests/support/tls_hello_builder.h"

namespace weir {
namespace {

constexpr std::size_t kConnections = 4096;
constexpr std::size_t kDatagramBytes = 1200;

std::string id_of(std::size_t number) {
  std::string id = std::to_string(number * 2654435761U % 10000019U + 10000019U);
  return id + std::string(16 - id.size(), '5');
}

test::Bytes hello_of(std::size_t padded_to) {
  test::TlsHelloBuilder hello;
  hello.typical().alpn({"h3"});
  if (padded_to != 0) hello.pad_to(padded_to);
  return hello.sni("www.example.org").handshake();
}

/// Datagrams of many connections in turn: `parts` Initials each, padded as clients pad them.
std::vector<test::Bytes> frames_of(std::size_t hello_bytes, std::size_t parts) {
  const auto pieces = test::quic_pieces(hello_of(hello_bytes), parts);
  std::vector<test::Bytes> frames;
  for (std::size_t i = 0; i < kConnections; ++i) {
    for (std::size_t part = 0; part < parts; ++part) {
      test::QuicPacketBuilder packet;
      packet.id(id_of(i)).number(part).crypto(pieces[part].offset, pieces[part].data).pad_to(kDatagramBytes);
      frames.push_back(test::PacketBuilder()
                           .ethernet()
                           .ipv4("10.0.0.1", "192.0.2.1")
                           .udp(static_cast<std::uint16_t>(10000 + i), 443)
                           .payload(packet.build())
                           .build());
    }
  }
  return frames;
}

void derive_keys(benchmark::State& state) {
  proto::QuicCrypto crypto;
  std::vector<proto::QuicConnectionId> ids;
  for (std::size_t i = 0; i < kConnections; ++i) ids.emplace_back(test::from_hex(id_of(i)));
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(crypto.client_keys(proto::QuicVersion::v1, ids[next++ % ids.size()]));
  }
}
BENCHMARK(derive_keys);

void open_packet(benchmark::State& state) {
  proto::QuicCrypto crypto;
  const test::Bytes packet = test::QuicPacketBuilder().crypto(0, hello_of(0)).pad_to(kDatagramBytes).build();
  const auto parsed = proto::parse_quic_packet(packet).packet;
  const auto& keys = crypto.client_keys(parsed.version, proto::QuicConnectionId(parsed.destination_id));
  test::Bytes plaintext(packet.size());
  for (auto _ : state) {
    if (!crypto.open(keys, parsed, 0, plaintext)) state.SkipWithError("the packet does not open");
  }
}
BENCHMARK(open_packet);

/// Everything from the frame to the verdict: headers, keys, protection, frames, hello, lookup. The arguments
/// are the hello's size and number of Initials; the time is per Initial.
void inspect_initial(benchmark::State& state) {
  const auto parts = static_cast<std::size_t>(state.range(1));
  const auto frames = frames_of(static_cast<std::size_t>(state.range(0)), parts);
  rules::SnapshotBuilder builder({.seed = {1, 2}, .generation = {1}, .created_unix_seconds = 0},
                                 {{.name = "list"}});
  rules::EntryParser parser;
  auto rule = parser.parse("listed.example.com").value();
  rule.id = {1};
  builder.add(rule);
  const auto bytes = builder.build();
  const auto snapshot = match::SnapshotView::open(bytes).value();

  base::Counters counters;
  inspect::Inspector inspector({.quic_initials_per_source = 1000000000}, counters);
  std::chrono::nanoseconds now{0};
  std::size_t next = 0;
  std::size_t passed = 0;
  for (auto _ : state) {
    // In the next round every connection is new again.
    if (next == frames.size()) {
      next = 0;
      now += std::chrono::seconds(61);
    }
    const auto packet = proto::parse_packet(frames[next++], proto::LinkType::ethernet);
    const auto verdict = inspector.inspect(packet, inspect::Direction::from_subscriber, now, &snapshot,
                                           base::Enforcement::enforce);
    passed += verdict.outcome == base::Outcome::forward_passed ? 1 : 0;
  }
  const auto initials = static_cast<std::size_t>(state.iterations());
  if (passed != initials / parts) state.SkipWithError("not every hello was found");
}
BENCHMARK(inspect_initial)->Args({0, 1})->Args({1800, 2});

/// The datagrams of one attacker that cost most. The id of each packet comes from `id_of(datagram, packet)`.
template <class Id>
std::vector<test::Bytes> junk_frames(std::size_t count, const Id& id_of_packet) {
  constexpr std::size_t kMtu = 1500;
  constexpr std::size_t kHeaders = 28;
  std::vector<test::Bytes> frames;
  for (std::size_t i = 0; i < count; ++i) {
    test::Bytes payload;
    for (std::size_t k = 0;; ++k) {
      const test::Bytes packet =
          test::QuicPacketBuilder().id(id_of_packet(i, k)).keys_from("00").padding(3).build();
      if (payload.size() + packet.size() > kMtu - kHeaders) break;
      test::append(payload, packet);
    }
    frames.push_back(test::PacketBuilder()
                         .ethernet()
                         .ipv4("10.0.0.1", "192.0.2.1")
                         .udp(50000, 443)
                         .payload(payload)
                         .build());
  }
  return frames;
}

void inspect_junk(benchmark::State& state, const std::vector<test::Bytes>& frames, std::size_t decoys,
                  std::uint32_t initials_per_source) {
  base::Counters counters;
  inspect::Inspector inspector({.quic_initials_per_source = initials_per_source}, counters);
  const auto inspect_frame = [&](const test::Bytes& frame) {
    const auto packet = proto::parse_packet(frame, proto::LinkType::ethernet);
    return inspector.inspect(packet, inspect::Direction::from_subscriber, std::chrono::nanoseconds(0),
                             nullptr, base::Enforcement::enforce);
  };
  const test::Bytes hello = hello_of(0);
  const auto start = std::span(hello).first(50);
  for (std::size_t i = 0; i < decoys; ++i) {
    inspect_frame(test::PacketBuilder()
                      .ethernet()
                      .ipv4("10.0.0.1", "192.0.2.1")
                      .udp(50000, 443)
                      .payload(test::QuicPacketBuilder()
                                   .id(id_of(1000000 + i))
                                   .number(1000)
                                   .crypto(0, start)
                                   .pad_to(kDatagramBytes)
                                   .build())
                      .build());
  }
  std::size_t next = 0;
  for (auto _ : state) benchmark::DoNotOptimize(inspect_frame(frames[next++ % frames.size()]));
}

constexpr std::uint32_t kNoBudget = 1000000000;

void junk_of_many_ids(benchmark::State& state) {
  inspect_junk(state, junk_frames(512, [](std::size_t i, std::size_t k) { return id_of(i * 64 + k); }), 0,
               kNoBudget);
}
BENCHMARK(junk_of_many_ids);

void junk_of_one_id(benchmark::State& state) {
  inspect_junk(state, junk_frames(512, [](std::size_t i, std::size_t) { return id_of(i); }), 0, kNoBudget);
}
BENCHMARK(junk_of_one_id);

/// Eight connections of the same 5-tuple are known, so that their keys are tried as well.
void junk_after_decoys(benchmark::State& state) {
  inspect_junk(state, junk_frames(512, [](std::size_t i, std::size_t) { return id_of(i); }), 8, kNoBudget);
}
BENCHMARK(junk_after_decoys);

void junk_beyond_the_budget(benchmark::State& state) {
  inspect_junk(state, junk_frames(512, [](std::size_t i, std::size_t k) { return id_of(i * 64 + k); }), 0,
               2000);
}
BENCHMARK(junk_beyond_the_budget);

/// UDP that is not QUIC: most of UDP.
void inspect_short_header(benchmark::State& state) {
  const test::Bytes frame = test::PacketBuilder()
                                .ethernet()
                                .ipv4("10.0.0.1", "192.0.2.1")
                                .udp(50000, 443)
                                .payload(test::Bytes(kDatagramBytes, std::byte{0x55}))
                                .build();
  base::Counters counters;
  inspect::Inspector inspector({}, counters);
  for (auto _ : state) {
    const auto packet = proto::parse_packet(frame, proto::LinkType::ethernet);
    benchmark::DoNotOptimize(inspector.inspect(packet, inspect::Direction::from_subscriber,
                                               std::chrono::nanoseconds(0), nullptr,
                                               base::Enforcement::enforce));
  }
}
BENCHMARK(inspect_short_header);

}  // namespace
}  // namespace weir
