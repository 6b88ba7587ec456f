// The cost of TCP inspection without header parsing: one Inspector, half a million rules, more connections
// than the caches hold. A box in service always has blocked connections, so the benchmarks run with and
// without them.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "dataplane/inspect/inspector.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/proto/packet/packet_view.h"
#include "tests/bench/micro/test_rules.h"
#include "tests/support/http_text.h"
#include "tests/support/packet_builder.h"
#include "tests/support/tls_hello_builder.h"

namespace weir::inspect {
namespace {

constexpr std::uint32_t kRules = 500'000;
constexpr std::uint32_t kConnections = 20'000;
constexpr std::uint32_t kFirstBlocked = 100'000;  // beyond the connections of every benchmark
constexpr std::int64_t kBlocked = 6'000;

const match::SnapshotView& snapshot() {
  static const std::vector<std::byte> bytes = bench::build_numbered_snapshot(kRules);
  static const match::SnapshotView view = match::SnapshotView::open(bytes).value();
  return view;
}

/// One client packet, sent on many connections: the numbers in the view are changed in place.
class Packet {
 public:
  Packet(std::string_view flags, std::span<const std::byte> payload, std::uint16_t port)
      : frame_(test::PacketBuilder()
                   .ethernet()
                   .ipv4("10.0.0.1", "192.0.2.1")
                   .tcp(40000, port)
                   .ack(5000)
                   .flags(flags)
                   .payload(payload)
                   .build()),
        view_(proto::parse_packet(frame_, proto::LinkType::ethernet)) {}

  proto::PacketView& of(std::uint32_t connection, std::uint32_t sequence) {
    for (std::size_t i = 0; i < 3; ++i)
      view_.source.bytes[i + 1] = static_cast<std::byte>(connection >> (8 * i));
    view_.tcp.sequence = sequence;
    return view_;
  }
  [[nodiscard]] std::uint32_t payload_bytes() const {
    return static_cast<std::uint32_t>(view_.payload.size());
  }

 private:
  std::vector<std::byte> frame_;
  proto::PacketView view_;
};

class Lab {
 public:
  static constexpr std::uint32_t kBurst = 32;

  explicit Lab(std::int64_t blocked = 0)
      : inspector_({.flow_capacity = 131072, .reassembly_bytes = std::size_t{64} << 20}, counters_) {
    const std::string text = test::http_get("host2.example.com");
    Packet request("PA", std::as_bytes(std::span(text)), 80);
    for (std::uint32_t i = 0; i < blocked; ++i) send(request, kFirstBlocked + i, 0);
  }

  base::Outcome send(Packet& packet, std::uint32_t connection, std::uint32_t sequence) {
    now_ += std::chrono::nanoseconds(100);
    return inspector_
        .inspect(packet.of(connection, sequence), Direction::from_subscriber, now_, &snapshot(),
                 Enforcement::enforce)
        .outcome;
  }

  /// One packet of each connection in turn, in bursts as in a worker. Each call inspects the next packet;
  /// `state` fails if the outcome is not the expected one.
  void send_in_bursts(benchmark::State& state, Packet& packet, std::uint32_t connection,
                      std::uint32_t sequence, base::Outcome wanted) {
    burst_[waiting_] = packet.of(connection, sequence);
    prefetched_[waiting_] = inspector_.prefetch(burst_[waiting_]);
    if (++waiting_ < burst_.size()) return;
    waiting_ = 0;
    for (const std::uint64_t flow_hash : prefetched_) inspector_.prefetch_flow(flow_hash);
    for (const proto::PacketView& one : burst_) {
      now_ += std::chrono::nanoseconds(100);
      const auto verdict =
          inspector_.inspect(one, Direction::from_subscriber, now_, &snapshot(), Enforcement::enforce);
      if (verdict.outcome != wanted) state.SkipWithError(to_string(verdict.outcome).data());
    }
  }

 private:
  std::array<proto::PacketView, kBurst> burst_;
  std::array<std::uint64_t, kBurst> prefetched_{};
  std::size_t waiting_ = 0;
  base::Counters counters_;
  Inspector inspector_;
  std::chrono::nanoseconds now_{0};
};

void expect(benchmark::State& state, base::Outcome got, base::Outcome wanted) {
  if (got != wanted) state.SkipWithError(to_string(got).data());
}

std::vector<std::byte> hello(std::size_t record_bytes) {
  return test::TlsHelloBuilder()
      .grease()
      .sni("www.example.org")
      .typical()
      .alpn({"h2"})
      .pad_to(record_bytes)
      .record();
}

// A request of an ordinary browser's size, on many kept-alive connections in turn.
void http_request(benchmark::State& state) {
  const std::string text = test::http_request_text(
      {.target = "/images/2026/01/photo.jpg?width=800",
       .host = "www.example.org",
       .headers = {{"Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
                   {"Accept-Language", "en-US,en;q=0.5"},
                   {"Cookie", "session=0123456789abcdef0123456789abcdef0123456789abcdef"},
                   {"Connection", "keep-alive"}}});
  Packet request("PA", std::as_bytes(std::span(text)), 80);
  Lab lab(state.range(0));
  std::uint64_t count = 0;
  for (auto _ : state) {
    const auto round = static_cast<std::uint32_t>(count / kConnections);
    lab.send_in_bursts(state, request, static_cast<std::uint32_t>(count % kConnections),
                       round * request.payload_bytes(), base::Outcome::forward_passed);
    ++count;
  }
}
BENCHMARK(http_request)->ArgName("blocked")->Arg(0)->Arg(kBlocked);

// The start of a TLS connection: SYN, hello in `range` segments, and the encrypted record after it. A burst
// of connections starts at the same time.
void tls_flow(benchmark::State& state) {
  const auto segments = static_cast<std::size_t>(state.range(0));
  const auto bytes = hello(segments == 1 ? 517 : 1800);
  const std::vector<std::byte> finished =
      test::from_hex("140303000101 1703030010 00112233445566778899aabbccddeeff");
  struct Step {
    Packet packet;
    base::Outcome outcome;
  };
  std::vector<Step> steps;
  steps.push_back({Packet("S", {}, 443), base::Outcome::forward_not_candidate});
  const std::size_t piece_bytes = (bytes.size() + segments - 1) / segments;
  for (std::size_t i = 0; i < segments; ++i) {
    const auto rest = std::span(bytes).subspan(i * piece_bytes);
    steps.push_back({Packet("PA", rest.first(std::min(piece_bytes, rest.size())), 443),
                     i + 1 < segments ? base::Outcome::forward_incomplete : base::Outcome::forward_passed});
  }
  steps.push_back({Packet("PA", finished, 443), base::Outcome::forward_no_request});
  Lab lab(state.range(1));
  std::uint32_t count = 0;
  while (state.KeepRunningBatch(Lab::kBurst)) {
    std::uint32_t offset = 0xffffffff;  // the SYN takes one number
    for (Step& step : steps) {
      for (std::uint32_t i = count; i < count + Lab::kBurst; ++i) {
        lab.send_in_bursts(state, step.packet, i % 60'000, i * 7919 + offset, step.outcome);
      }
      offset += std::max(step.packet.payload_bytes(), 1U);
    }
    count += Lab::kBurst;
  }
}
BENCHMARK(tls_flow)
    ->ArgNames({"segments", "blocked"})
    ->Args({1, 0})
    ->Args({1, kBlocked})
    ->Args({2, 0})
    ->Args({6, 0});

// Full segments of an upload inside one long body, on many connections in turn.
void upload_in_http(benchmark::State& state) {
  const std::string head =
      "POST / HTTP/1.1\r\nHost: www.example.org\r\nContent-Length: 1000000000000\r\n\r\n";
  const std::vector<std::byte> data(1448, std::byte{1});
  Packet first("PA", std::as_bytes(std::span(head)), 80);
  Packet segment("A", data, 80);
  Lab lab(state.range(0));
  for (std::uint32_t i = 0; i < kConnections; ++i) lab.send(first, i, 0);
  std::uint64_t count = 0;
  for (auto _ : state) {
    const auto round = static_cast<std::uint32_t>(count / kConnections);
    lab.send_in_bursts(state, segment, static_cast<std::uint32_t>(count % kConnections),
                       first.payload_bytes() + round * segment.payload_bytes(),
                       base::Outcome::forward_no_request);
    ++count;
  }
}
BENCHMARK(upload_in_http)->ArgName("blocked")->Arg(0)->Arg(kBlocked);

// Full segments of an upload after a TLS handshake.
void upload_in_tls(benchmark::State& state) {
  const auto bytes = hello(517);
  const auto key_exchange = test::from_hex("1603030006 10000002 0000");
  const std::vector<std::byte> data(1448, std::byte{1});
  Packet first("PA", bytes, 443);
  Packet second("PA", key_exchange, 443);
  Packet segment("A", data, 443);
  Lab lab(state.range(0));
  for (std::uint32_t i = 0; i < kConnections; ++i) {
    lab.send(first, i, 0);
    lab.send(second, i, first.payload_bytes());
  }
  const std::uint32_t begin = first.payload_bytes() + second.payload_bytes();
  std::uint64_t count = 0;
  for (auto _ : state) {
    const auto round = static_cast<std::uint32_t>(count / kConnections);
    lab.send_in_bursts(state, segment, static_cast<std::uint32_t>(count % kConnections),
                       begin + round * segment.payload_bytes(), base::Outcome::forward_no_request);
    ++count;
  }
}
BENCHMARK(upload_in_tls)->ArgName("blocked")->Arg(0)->Arg(kBlocked);

void acknowledgement(benchmark::State& state) {
  Packet packet("A", {}, 443);
  Lab lab(state.range(0));
  std::uint32_t count = 0;
  for (auto _ : state)
    expect(state, lab.send(packet, count++ % kConnections, 0), base::Outcome::forward_not_candidate);
}
BENCHMARK(acknowledgement)->ArgName("blocked")->Arg(0)->Arg(kBlocked);

// The worst case of small segments: an endless head of 60 KiB, one line per segment.
void endless_head(benchmark::State& state) {
  const std::string line = "GET / HTTP/1.1\r\n";
  const std::string header = "a:\r\n";
  Packet first("PA", std::as_bytes(std::span(line)), 80);
  Packet next("PA", std::as_bytes(std::span(header)), 80);
  Lab lab;
  std::uint32_t connection = 0;
  std::uint32_t sequence = 0;
  for (auto _ : state) {
    if (sequence == 0) {
      lab.send(first, connection, 0);
      sequence = first.payload_bytes();
    }
    expect(state, lab.send(next, connection, sequence), base::Outcome::forward_incomplete);
    sequence += next.payload_bytes();
    if (sequence > 60000) {
      ++connection;
      sequence = 0;
    }
  }
}
BENCHMARK(endless_head);

}  // namespace
}  // namespace weir::inspect
