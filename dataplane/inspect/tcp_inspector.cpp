#include "inspect/tcp_inspector.h"

#include <algorithm>
#include <utility>

#include "inspect/http_walk.h"
#include "proto/tls_client_hello.h"

namespace weir::inspect {
namespace {

using base::Family;
using base::index_of;
using base::Outcome;
using base::ParseStatus;
using base::Protocol;

PortSet sorted(PortSet ports) {
  std::sort(ports.begin(), ports.end());
  return ports;
}

constexpr std::byte kTlsHandshakeRecord{0x16};

/// Before its second hello, after a HelloRetryRequest, a client may send a change_cipher_spec record that
/// means nothing (RFC 8446, D.4).
std::span<const std::byte> behind_change_cipher_spec(std::span<const std::byte> stream) noexcept {
  constexpr std::size_t kRecordBytes = 6;
  constexpr std::byte kChangeCipherSpec{20};
  const bool present = stream.size() >= kRecordBytes && stream[0] == kChangeCipherSpec &&
                       stream[1] == std::byte{3} && stream[3] == std::byte{0} && stream[4] == std::byte{1};
  return present ? stream.subspan(kRecordBytes) : stream;
}

}  // namespace

TcpInspector::TcpInspector(InspectorSettings settings, base::Counters& counters, RequestDecider& decider)
    : settings_(std::move(settings)),
      counters_(counters),
      decider_(decider),
      flows_(settings_.flow_capacity, settings_.flow_lifetime) {
  settings_.http_ports = sorted(std::move(settings_.http_ports));
  settings_.tls_ports = sorted(std::move(settings_.tls_ports));
}

bool TcpInspector::is_candidate(const PortSet& ports, bool wanted, std::uint16_t port) const noexcept {
  return wanted && (ports.empty() || std::binary_search(ports.begin(), ports.end(), port));
}

Verdict TcpInspector::inspect(const proto::PacketView& packet, std::chrono::nanoseconds now,
                              const match::SnapshotView* snapshot, Enforcement enforcement) noexcept {
  const bool enforce = enforcement == Enforcement::enforce;
  if (enforce) {
    if (const auto verdict = answer_blocked_flow(packet, now)) return *verdict;
  }
  const bool http = is_candidate(settings_.http_ports, settings_.inspect_http, packet.destination_port);
  const bool tls = is_candidate(settings_.tls_ports, settings_.inspect_tls, packet.destination_port);
  if (packet.payload.empty() || (!http && !tls)) return forward(Outcome::forward_not_candidate);

  const Segment segment{.packet = packet, .snapshot = snapshot, .stop_at_block = enforce};
  SegmentFindings findings;
  if (!(tls && inspect_tls(segment, packet.payload, findings)) && http) {
    inspect_http(segment, tls, findings);
  }
  if (findings.block && enforce) return block(packet, now, findings);
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

void TcpInspector::inspect_http(const Segment& segment, bool tls_too, SegmentFindings& findings) noexcept {
  HttpWalk walk(segment.packet.payload);
  for (;;) {
    const proto::HttpParse parse = walk.next();
    // The end of a segment behind its last request is no parse of its own.
    if (parse.status != ParseStatus::absent || walk.found() == 0) {
      counters_.add(Family::parse, index_of(Protocol::http), index_of(parse.status));
    }
    if (parse.status == ParseStatus::need_more) findings.incomplete = true;
    if (parse.status != ParseStatus::found) break;

    const RequestNames names(parse.request, segment.packet);
    const bool blocked_before = findings.block;
    decider_.decide(segment.snapshot, names,
                    {.protocol = Protocol::http, .packet = &segment.packet, .method = parse.request.method},
                    findings);
    if (findings.block && !blocked_before) {
      findings.block_begins_segment = walk.at_first();
      findings.head_request = parse.request.method == "HEAD";
      if (segment.stop_at_block) return;
    }
  }
  // A client may send its ClientHello right behind CONNECT.
  if (tls_too && walk.found() > 0 && !walk.rest().empty() && walk.rest().front() == kTlsHandshakeRecord) {
    inspect_tls(segment, walk.rest(), findings);
  }
}

bool TcpInspector::inspect_tls(const Segment& segment, std::span<const std::byte> stream,
                               SegmentFindings& findings) noexcept {
  const proto::TlsParse parse = proto::parse_tls_client_hello(behind_change_cipher_spec(stream));
  counters_.add(Family::parse, index_of(Protocol::tls), index_of(parse.status));
  if (parse.status == ParseStatus::need_more) findings.incomplete = true;
  if (parse.status != ParseStatus::found) return parse.status == ParseStatus::need_more;

  if (parse.hello.has_ech) counters_.add(Family::ech);
  const RequestNames names(parse.hello, segment.packet);
  const bool blocked_before = findings.block;
  decider_.decide(segment.snapshot, names,
                  {.protocol = Protocol::tls,
                   .packet = &segment.packet,
                   .alpn = std::span(parse.hello.alpn).first(parse.hello.alpn_count),
                   .ech = parse.hello.has_ech},
                  findings);
  if (findings.block && !blocked_before) {
    findings.block_begins_segment = stream.data() == segment.packet.payload.data();
  }
  return true;
}

}  // namespace weir::inspect
