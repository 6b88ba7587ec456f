#include "dataplane/inspect/tcp/tcp_inspector.h"

#include <algorithm>
#include <utility>

#include "dataplane/proto/packet/tcp_segment.h"

namespace weir::inspect {
namespace {

using base::Counter;
using base::Outcome;
using flow::Flow;

// A client that reuses a port for listed pages gets a new connection only after this time: if the reset was
// lost, or had sequence numbers that the server has not reached, the server still waits for the rest of a
// request.
constexpr std::chrono::seconds kBlockedStays{5};

PortSet sorted(PortSet ports) {
  std::sort(ports.begin(), ports.end());
  return ports;
}

std::uint32_t first_byte_of(const proto::PacketView& packet) noexcept {
  return packet.tcp.sequence + ((packet.tcp.flags & proto::kTcpSyn) != 0 ? 1U : 0U);
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

Verdict refusal(Outcome outcome, bool enforce) noexcept {
  if (enforce) return {.action = Action::drop, .outcome = outcome};
  return forward(Outcome::forward_monitor);
}

}  // namespace

TcpInspector::TcpInspector(InspectorSettings settings, base::Counters& counters, RequestDecider& decider)
    : settings_(std::move(settings)),
      counters_(counters),
      decider_(decider),
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
  if (enforce && flows_.blocked() != 0) {
    if (const auto verdict = answer_blocked_flow(packet, now)) return *verdict;
  }
  const bool syn = (packet.tcp.flags & proto::kTcpSyn) != 0;
  const bool http = is_candidate(settings_.http_ports, settings_.inspect_http, packet.destination_port);
  const bool tls = is_candidate(settings_.tls_ports, settings_.inspect_tls, packet.destination_port);
  if (!http && !tls) return forward(Outcome::forward_not_candidate);
  if (syn) {
    if (const auto refused = open_stream(packet, now)) return refusal(*refused, enforce);
  }
  if (packet.payload.empty()) return forward(Outcome::forward_not_candidate);
  const proto::TcpPadding padding = proto::tcp_padding(packet);
  if (padding == proto::TcpPadding::certain) return forward(Outcome::forward_not_candidate);

  const SegmentResult result = read({.packet = packet,
                                     .snapshot = snapshot,
                                     .payload = packet.payload,
                                     .sequence = first_byte_of(packet),
                                     .http = http,
                                     .tls = tls,
                                     .padding = padding == proto::TcpPadding::possible,
                                     .stop_at_block = enforce},
                                    now);
  const SegmentFindings& findings = result.findings;
  if (findings.block && has_handshake(packet, now)) decider_.count_client(findings.rule, packet.source);
  if (findings.block && enforce) return block(packet, now, result);
  if (!findings.block) {
    if (findings.conflict) return refusal(Outcome::drop_conflict, enforce);
    if (findings.table_full) return refusal(Outcome::drop_flow_table_full, enforce);
    if (findings.memory_full) return refusal(Outcome::drop_reassembly_full, enforce);
  }
  if (findings.block) {
    return {.action = Action::forward,
            .outcome = Outcome::forward_monitor,
            .protocol = findings.protocol,
            .rule = findings.rule,
            .list = findings.list};
  }
  if (findings.allow) return forward(Outcome::forward_allowed);
  if (findings.found) return forward(Outcome::forward_passed);
  return forward(findings.incomplete ? Outcome::forward_incomplete : Outcome::forward_no_request);
}

std::uint64_t TcpInspector::prefetch(const proto::PacketView& packet) const noexcept {
  const bool bare = packet.payload.empty() && (packet.tcp.flags & proto::kTcpSyn) == 0;
  if (bare && flows_.blocked() == 0) return 0;
  return flows_.fetch_tags(flow::flow_key_of(packet));
}

std::optional<Outcome> TcpInspector::open_stream(const proto::PacketView& packet,
                                                 std::chrono::nanoseconds now) noexcept {
  const flow::FlowKey key = flow::flow_key_of(packet);
  const std::uint32_t start = first_byte_of(packet);
  Flow* ended = nullptr;
  for (Flow* flow : flows_.find(key, now)) {
    if (flow->reading == flow::Reading::blocked) continue;
    if (flow->start_known && flow->start == start) {
      flow->last_seen = now;
      return std::nullopt;
    }
    // A stream that was read may give way to the next connection on the same port. Everything else stays: it
    // is not certain that the server accepts this SYN.
    if (flow->position != flow->start && StreamInspector::gives_way(*flow, start)) ended = flow;
  }
  if (ended != nullptr) erase(*ended);
  if (is_crowded(key, now)) return Outcome::drop_flow_table_full;
  Flow* stream = add_stream(key, start, true, now);
  if (stream == nullptr) return Outcome::drop_conflict;
  stream->contested = stream->contested || ended != nullptr;
  stream->client_mss = proto::tcp_maximum_segment(packet);
  return std::nullopt;
}

bool TcpInspector::is_crowded(const flow::FlowKey& key, std::chrono::nanoseconds now) const noexcept {
  return settings_.close_flow_table && !flows_.has_place(key, now);
}

TcpInspector::SegmentResult TcpInspector::read(const Segment& segment,
                                               std::chrono::nanoseconds now) noexcept {
  // Otherwise, bytes that waited too long are freed when their memory is needed.
  if (settings_.close_reassembly) flows_.release_stale(now);
  const flow::FlowKey key = flow::flow_key_of(segment.packet);
  SegmentResult result;
  bool placed = false;
  for (Flow* flow : flows_.find(key, now)) {
    if (flow->reading == flow::Reading::blocked || !StreamInspector::is_near(*flow, segment.sequence)) {
      continue;
    }
    SegmentFindings own;
    flow->last_seen = now;
    streams_.inspect(segment, *flow, own);
    merge(own, result.findings);
    placed = placed || !own.unplaced;
    if (own.block && segment.stop_at_block) {
      result.blocking = flow;
      break;
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
      return flow->reading == flow::Reading::blocked || flow->start_known || flow->contested;
    });
    if (!own.conflict) streams_.inspect_alone(segment, own);
  }
  merge(own, result.findings);
}

Flow* TcpInspector::add_stream(const flow::FlowKey& key, std::uint32_t start, bool known,
                               std::chrono::nanoseconds now) noexcept {
  const auto streams = flows_.find(key, now);
  const auto open = std::count_if(streams.begin(), streams.end(),
                                  [](const Flow* flow) { return flow->reading != flow::Reading::blocked; });
  const bool full = streams.size() == flow::FlowTable::kReadings ||
                    static_cast<std::size_t>(open) == flow::FlowTable::kOpenReadings;
  if (full) {
    const auto oldest_of = [&streams](const auto& may_go) {
      Flow* oldest = nullptr;
      for (Flow* flow : streams) {
        if (may_go(*flow) && (oldest == nullptr || flow->last_seen < oldest->last_seen)) oldest = flow;
      }
      return oldest;
    };
    Flow* oldest = oldest_of([start](const Flow& flow) { return StreamInspector::gives_way(flow, start); });
    if (oldest == nullptr && known) {
      oldest = oldest_of([now](const Flow& flow) {
        return flow.reading == flow::Reading::blocked && now - flow.last_seen >= kBlockedStays;
      });
    }
    if (oldest == nullptr) return nullptr;
    erase(*oldest);
  }
  Flow& stream = add_flow(key, now);
  StreamInspector::begin(stream, start, known);
  stream.contested = full;
  return &stream;
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
