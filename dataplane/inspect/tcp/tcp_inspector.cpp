#include "dataplane/inspect/tcp/tcp_inspector.h"

#include <algorithm>
#include <array>
#include <compare>
#include <span>
#include <utility>

#include "dataplane/proto/packet/tcp_segment.h"

namespace weir::inspect {
namespace {

using base::Counter;
using base::Outcome;
using flow::Flow;

// So long a blocked stream is worth more than one that was read: if the reset was lost, or had sequence
// numbers that the server has not reached, the server still waits for the rest of a request.
constexpr std::chrono::seconds kBlockedStays{5};

PortSet sorted(PortSet ports) {
  std::sort(ports.begin(), ports.end());
  return ports;
}

std::uint32_t first_byte_of(const proto::PacketView& packet) noexcept {
  return packet.tcp.sequence + ((packet.tcp.flags & proto::kTcpSyn) != 0 ? 1U : 0U);
}

std::uint32_t last_byte_of(const Segment& segment) noexcept {
  return segment.sequence + static_cast<std::uint32_t>(segment.payload.size()) - 1;
}

void merge(const SegmentFindings& own, SegmentFindings& all) noexcept {
  if (own.block && !all.block) {
    const SegmentFindings before = all;
    all = own;
    all.allow = all.allow || before.allow;
    all.conflict = all.conflict || before.conflict;
    return;
  }
  all.allow = all.allow || own.allow;
  all.found = all.found || own.found;
  all.incomplete = all.incomplete || own.incomplete;
  all.conflict = all.conflict || own.conflict;
  all.table_full = all.table_full || own.table_full;
  all.memory_full = all.memory_full || own.memory_full;
}

bool is_blocked(const Flow& flow) noexcept { return flow.reading == flow::Reading::blocked; }

/// The numbers of a stream up to the one that continues it, which is included: whoever follows the stream
/// needs one of them next.
struct Numbers {
  std::uint32_t first;
  std::uint32_t last;
};
Numbers numbers_of(const Flow& flow) noexcept {
  if (is_blocked(flow)) return {.first = flow.blocked.server_next, .last = flow.blocked.client_end};
  return {.first = flow.start, .last = flow.highest};
}

/// How a stream fares when a SYN needs its place; the lowest goes first.
struct Claim {
  bool holds_start;    // the new stream would begin within its numbers, and could not be read
  unsigned worth;      // what is lost with it
  bool hinders;        // a message that waits would end where this stream began
  bool is_above;       // the new stream would end where this one began
  std::uint32_t near;  // the farthest one is the least in the way of the others
  auto operator<=>(const Claim&) const = default;
};
Claim claim_of(const Flow& flow, const flow::FlowTable::Readings& streams, std::uint32_t start,
               std::chrono::nanoseconds now) noexcept {
  const Numbers numbers = numbers_of(flow);
  const bool is_below = flow::is_before(numbers.last, start);
  const bool is_above = !is_below && flow::is_before(start, numbers.first);
  const bool settled = now - flow.last_seen >= kBlockedStays;
  const bool hinders = std::any_of(streams.begin(), streams.end(), [&](const Flow* other) {
    constexpr auto kAhead = static_cast<std::int32_t>(StreamInspector::kAheadBytes);
    return other != &flow && !is_blocked(*other) && waits(*other) &&
           !flow::is_before(numbers.first, other->start) &&
           flow::distance(other->highest, numbers.first) <= kAhead;
  });
  const std::uint32_t far = is_below ? start - numbers.last : numbers.first - start;
  return {.holds_start = !is_below && !is_above,
          .worth = is_blocked(flow) ? (settled ? 1U : 3U) : (waits(flow) ? 2U : 0U),
          .hinders = hinders,
          .is_above = is_above,
          .near = hinders && is_below ? far : ~far};
}

Verdict refusal(Outcome outcome, bool enforce) noexcept {
  if (enforce) return {.action = Action::drop, .outcome = outcome};
  return forward(Outcome::forward_monitor);
}

}  // namespace

TcpInspector::TcpInspector(InspectorSettings settings, base::Counters& counters, RequestDecider& decider,
                           const flow::AcceptedConnections* accepted)
    : settings_(std::move(settings)),
      counters_(counters),
      decider_(decider),
      accepted_(accepted),
      flows_({.capacity = settings_.flow_capacity,
              .lifetime = settings_.flow_lifetime,
              .reassembly_bytes = settings_.reassembly_bytes,
              .keep_waiting = settings_.close_reassembly}),
      h2c_(settings_.h2c_connections, settings_.flow_lifetime, counters, decider),
      reader_(counters, decider, h2c_),
      streams_(flows_.buffers(), reader_) {
  settings_.http_ports = sorted(std::move(settings_.http_ports));
  settings_.tls_ports = sorted(std::move(settings_.tls_ports));
}

bool TcpInspector::is_candidate(const PortSet& ports, bool wanted, std::uint16_t port) noexcept {
  return wanted && (ports.empty() || std::binary_search(ports.begin(), ports.end(), port));
}

Verdict TcpInspector::inspect(const proto::PacketView& packet, std::chrono::nanoseconds now,
                              const match::SnapshotView* snapshot, Enforcement enforcement) noexcept {
  const bool enforce = enforcement == Enforcement::enforce;
  const flow::FlowKey key = flow::flow_key_of(packet);
  if (enforce && flows_.blocked() != 0) {
    flows_.sweep(now);
    if (flows_.may_be_blocked(key)) {
      if (const auto verdict = answer_blocked_flow(packet, key, now)) return *verdict;
    }
  }
  const bool syn = (packet.tcp.flags & proto::kTcpSyn) != 0;
  const bool http = is_candidate(settings_.http_ports, settings_.inspect_http, packet.destination_port);
  const bool tls = is_candidate(settings_.tls_ports, settings_.inspect_tls, packet.destination_port);
  if (!http && !tls) return forward(Outcome::forward_not_candidate);
  if (syn) {
    if (const auto refused = open_stream(packet, key, now)) return refusal(*refused, enforce);
  }
  if (packet.payload.empty()) return forward(Outcome::forward_not_candidate);
  const proto::TcpPadding padding = proto::tcp_padding(packet);
  if (padding == proto::TcpPadding::certain) return forward(Outcome::forward_not_candidate);

  const bool urgent = (packet.tcp.flags & proto::kTcpUrg) != 0;

  const SegmentResult result = read({.packet = packet,
                                     .snapshot = snapshot,
                                     .payload = packet.payload,
                                     .sequence = first_byte_of(packet),
                                     .http = http,
                                     .tls = tls,
                                     .padding = padding == proto::TcpPadding::possible && !urgent,
                                     .stop_at_block = enforce},
                                    key, now);
  const SegmentFindings& findings = result.findings;
  if (findings.block) {
    const bool handshake = has_handshake(packet, key, now);
    if (handshake) decider_.count_client(findings.rule, packet.source);
    if (enforce) return block(packet, key, now, result, handshake || !settings_.needs_handshake);
    return {.action = Action::forward,
            .outcome = Outcome::forward_monitor,
            .protocol = findings.protocol,
            .rule = findings.rule,
            .list = findings.list};
  }
  if (findings.conflict) return refusal(Outcome::drop_conflict, enforce);
  if (findings.table_full) return refusal(Outcome::drop_flow_table_full, enforce);
  if (findings.memory_full) return refusal(Outcome::drop_reassembly_full, enforce);
  if (findings.allow) return forward(Outcome::forward_allowed);
  if (findings.found) return forward(Outcome::forward_passed);
  return forward(findings.incomplete ? Outcome::forward_incomplete : Outcome::forward_no_request);
}

std::uint64_t TcpInspector::prefetch(const proto::PacketView& packet) const noexcept {
  const bool bare = packet.payload.empty() && (packet.tcp.flags & proto::kTcpSyn) == 0;
  if (bare && flows_.blocked() == 0) return 0;
  const flow::FlowKey key = flow::flow_key_of(packet);
  return bare && !flows_.may_be_blocked(key) ? 0 : flows_.fetch_tags(key);
}

std::optional<Outcome> TcpInspector::open_stream(const proto::PacketView& packet, const flow::FlowKey& key,
                                                 std::chrono::nanoseconds now) noexcept {
  const std::uint32_t start = first_byte_of(packet);
  for (Flow* flow : flows_.find(key, now)) {
    if (is_blocked(*flow) || !flow->start_known || flow->start != start) continue;
    flow->last_seen = now;
    return std::nullopt;
  }
  if (is_crowded(key, now)) return Outcome::drop_flow_table_full;
  if (Flow* stream = add_stream(key, start, true, now)) {
    stream->client_mss = proto::tcp_maximum_segment(packet);
  }
  return std::nullopt;
}

bool TcpInspector::is_crowded(const flow::FlowKey& key, std::chrono::nanoseconds now) const noexcept {
  return settings_.close_flow_table && !flows_.has_place(key, now);
}

TcpInspector::SegmentResult TcpInspector::read(const Segment& segment, const flow::FlowKey& key,
                                               std::chrono::nanoseconds now) noexcept {
  // Otherwise, bytes that waited too long are freed when their memory is needed.
  if (settings_.close_reassembly) flows_.release_stale(now);
  SegmentResult result;
  const auto streams = flows_.find(key, now);
  if (touches_unread(segment, streams, now)) {
    result.findings.conflict = true;
    return result;
  }
  std::array<Flow*, flow::FlowTable::kReadings> outrun{};  // the segment is too far ahead of them
  std::size_t outrun_count = 0;
  bool placed = false;
  for (Flow* flow : streams) {
    if (is_blocked(*flow) || !StreamInspector::is_near(*flow, segment.sequence)) continue;
    if (flow->bounded && !flow::is_before(segment.sequence, flow->bound)) continue;
    SegmentFindings own;
    flow->last_seen = now;
    streams_.inspect(segment, *flow, own);
    merge(own, result.findings);
    placed = placed || !own.unplaced;
    if (own.ahead) outrun[outrun_count++] = flow;
    if (own.block && segment.stop_at_block) {
      result.blocking = flow;
      break;
    }
  }
  for (Flow* flow : std::span(outrun).first(outrun_count)) {
    if (!placed) {
      streams_.pass_over(*flow, last_byte_of(segment) + 1);
    } else if (!flow->bounded || flow::is_before(segment.sequence, flow->bound)) {
      // If the server follows this stream, it has these bytes too, and they cannot be read here any more.
      flow->bounded = true;
      flow->bound = segment.sequence;
    }
  }
  if (!placed && result.blocking == nullptr) read_unplaced(segment, key, now, result);
  count_evictions();
  return result;
}

void TcpInspector::read_unplaced(const Segment& segment, const flow::FlowKey& key,
                                 std::chrono::nanoseconds now, SegmentResult& result) noexcept {
  SegmentFindings own;
  if (is_crowded(key, now)) {
    own.table_full = true;
  } else if (Flow* stream = add_stream(key, segment.sequence, false, now)) {
    streams_.inspect(segment, *stream, own);
    if (own.block) result.blocking = stream;
  } else {
    // The streams of a connection that was picked up in the middle can be pieces of one stream. In any other
    // connection all streams but one are decoys, and the server may take this segment as part of the real
    // one.
    const auto streams = flows_.find(key, now);
    own.conflict = std::any_of(streams.begin(), streams.end(), [](const Flow* flow) {
      return is_blocked(*flow) || flow->start_known || flow->contested;
    });
    if (!own.conflict) streams_.inspect_alone(segment, own);
  }
  merge(own, result.findings);
}

bool TcpInspector::touches_unread(const Segment& segment, const flow::FlowTable::Readings& streams,
                                  std::chrono::nanoseconds now) const noexcept {
  const std::uint32_t last = last_byte_of(segment);
  bool contested = false;
  for (const Flow* flow : streams) {
    contested = contested || flow->contested;
    const bool may_join = flow->bounded && !is_blocked(*flow) && StreamInspector::is_near(*flow, last);
    if (may_join && flow::is_before(segment.sequence, flow->bound) &&
        !flow::is_before(last + 1, flow->bound)) {
      return true;
    }
  }
  return contested && flows_.forgotten((*streams.begin())->key, segment.sequence, last, now);
}

Flow* TcpInspector::add_stream(const flow::FlowKey& key, std::uint32_t start, bool known,
                               std::chrono::nanoseconds now) noexcept {
  const auto streams = flows_.find(key, now);
  const auto open = static_cast<std::size_t>(
      std::count_if(streams.begin(), streams.end(), [](const Flow* flow) { return !is_blocked(*flow); }));
  const bool open_full = open == flow::FlowTable::kOpenReadings;
  bool contested =
      std::any_of(streams.begin(), streams.end(), [](const Flow* flow) { return flow->contested; });
  if (open_full || streams.size() == flow::FlowTable::kReadings) {
    const auto first_of = [&](const auto& may_go, const auto& goes_before) {
      Flow* first = nullptr;
      for (Flow* flow : streams) {
        if (may_go(*flow) && (first == nullptr || goes_before(*flow, *first))) first = flow;
      }
      return first;
    };
    Flow* first =
        known ? first_of([open_full](const Flow& flow) { return !open_full || !is_blocked(flow); },
                         [&](const Flow& a, const Flow& b) {
                           return claim_of(a, streams, start, now) < claim_of(b, streams, start, now);
                         })
              : first_of([start](const Flow& flow) { return StreamInspector::gives_way(flow, start); },
                         [](const Flow& a, const Flow& b) { return a.last_seen < b.last_seen; });
    if (first == nullptr) return nullptr;
    // Pieces of one stream that was picked up in the middle take nobody's place.
    if (known || first->start_known || contested) {
      forget(*first, streams, now);
      contested = true;
    } else {
      erase(*first);
    }
  }
  Flow& stream = add_flow(key, now);
  StreamInspector::begin(stream, start, known);
  stream.contested = contested;
  return &stream;
}

void TcpInspector::forget(Flow& flow, const flow::FlowTable::Readings& streams,
                          std::chrono::nanoseconds now) noexcept {
  for (Flow* each : streams) each->contested = true;
  const Numbers numbers = numbers_of(flow);
  flows_.forget_numbers(flow.key, numbers.first, numbers.last, now);
  erase(flow);
}

void TcpInspector::erase(Flow& flow) noexcept {
  h2c_.close(flow.extra);
  flows_.erase(flow);
}

Flow& TcpInspector::add_flow(const flow::FlowKey& key, std::chrono::nanoseconds now) noexcept {
  const std::uint64_t before = flows_.evictions();
  Flow& flow = flows_.add(key, now);
  counters_.add(Counter::flow_evictions, 0, 0, flows_.evictions() - before);
  return flow;
}

void TcpInspector::count_evictions() noexcept {
  const std::uint64_t evictions = flows_.buffers().evictions();
  if (evictions == counted_evictions_) return;
  counters_.add(Counter::stream_evictions, 0, 0, evictions - counted_evictions_);
  counted_evictions_ = evictions;
}

}  // namespace weir::inspect
