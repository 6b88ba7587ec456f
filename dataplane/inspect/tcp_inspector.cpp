#include "inspect/tcp_inspector.h"

#include <algorithm>
#include <utility>

#include "proto/tcp_segment.h"

namespace weir::inspect {
namespace {

using base::Family;
using base::Outcome;
using flow::Flow;
using flow::Reading;

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
}

}  // namespace

TcpInspector::TcpInspector(InspectorSettings settings, base::Counters& counters, RequestDecider& decider)
    : settings_(std::move(settings)),
      counters_(counters),
      flows_({.capacity = settings_.flow_capacity,
              .lifetime = settings_.flow_lifetime,
              .reassembly_bytes = settings_.reassembly_bytes}),
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
  if (syn) open_stream(packet, now);
  if (packet.payload.empty()) return forward(Outcome::forward_not_candidate);
  const proto::TcpPadding padding = proto::tcp_padding(packet);
  if (padding == proto::TcpPadding::certain) return forward(Outcome::forward_not_candidate);

  const SegmentFindings findings = read({.packet = packet,
                                         .snapshot = snapshot,
                                         .payload = packet.payload,
                                         .sequence = first_byte_of(packet),
                                         .http = http,
                                         .tls = tls,
                                         .padding = padding == proto::TcpPadding::possible,
                                         .stop_at_block = enforce},
                                        now);
  if (findings.block && enforce) return block(packet, now, findings);
  if (findings.conflict && enforce) {
    return {.action = Action::drop, .outcome = Outcome::drop_conflict};
  }
  if (findings.block || findings.conflict) {
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

void TcpInspector::open_stream(const proto::PacketView& packet, std::chrono::nanoseconds now) noexcept {
  const flow::FlowKey key = flow::flow_key_of(packet);
  const std::uint32_t start = first_byte_of(packet);
  Flow* ended = nullptr;
  for (Flow* flow : flows_.find(key, now)) {
    if (flow->reading == Reading::blocked) continue;
    if (flow->start_known && flow->start == start) {
      flow->last_seen = now;
      return;
    }
    // A stream that has been read and that waits for nothing may give way to the connection that follows it
    // on the same port. Anything else stays: nothing says that the server takes this SYN.
    const bool waits = flow->buffer.queue == flow::BufferedBytes::Queue::waiting;
    if (!waits && flow->position != flow->start) ended = flow;
  }
  if (ended != nullptr) {
    h2c_.close(ended->extra);
    flows_.erase(*ended);
  }
  Flow& flow = add_flow(key, now);
  StreamInspector::begin(flow, start, true);
  flow.client_mss = proto::tcp_maximum_segment(packet);
}

SegmentFindings TcpInspector::read(const Segment& segment, std::chrono::nanoseconds now) noexcept {
  const flow::FlowKey key = flow::flow_key_of(segment.packet);
  SegmentFindings all;
  bool placed = false;
  for (Flow* flow : flows_.find(key, now)) {
    if (flow->reading == Reading::blocked || !StreamInspector::is_near(*flow, segment.sequence)) continue;
    SegmentFindings own;
    flow->last_seen = now;
    streams_.inspect(segment, *flow, own);
    merge(own, all);
    placed = placed || !own.unplaced;
    if (all.block && segment.stop_at_block) break;
  }
  if (!placed && !(all.block && segment.stop_at_block)) {
    Flow& flow = add_flow(key, now);
    StreamInspector::begin(flow, segment.sequence, false);
    SegmentFindings own;
    streams_.inspect(segment, flow, own);
    merge(own, all);
  }
  count_evictions();
  return all;
}

Flow& TcpInspector::add_flow(const flow::FlowKey& key, std::chrono::nanoseconds now) noexcept {
  const std::uint64_t before = flows_.evictions();
  Flow& flow = flows_.add(key, now);
  counters_.add(Family::flow_evictions, 0, 0, flows_.evictions() - before);
  return flow;
}

void TcpInspector::count_evictions() noexcept {
  const std::uint64_t evictions = flows_.buffers().evictions();
  if (evictions == counted_evictions_) return;
  counters_.add(Family::stream_evictions, 0, 0, evictions - counted_evictions_);
  counted_evictions_ = evictions;
}

}  // namespace weir::inspect
