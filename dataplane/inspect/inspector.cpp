#include "inspect/inspector.h"

#include <algorithm>
#include <utility>

#include "inspect/http_walk.h"

namespace weir::inspect {
namespace {

using base::Family;
using base::index_of;
using base::Outcome;
using base::ParseStatus;
using base::Protocol;
using base::Reason;
using base::RequestVerdict;

Verdict forward(Outcome outcome) noexcept { return {.action = Action::forward, .outcome = outcome}; }

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

Inspector::Inspector(InspectorSettings settings, base::Counters& counters, RequestObserver* observer)
    : settings_(std::move(settings)),
      counters_(counters),
      observer_(observer),
      flows_(settings_.flow_capacity, settings_.flow_lifetime),
      url_(std::make_unique<proto::CanonicalUrl>()) {
  settings_.http_ports = sorted(std::move(settings_.http_ports));
  settings_.tls_ports = sorted(std::move(settings_.tls_ports));
}

Verdict Inspector::inspect(const proto::PacketView& packet, Direction direction, std::chrono::nanoseconds now,
                           const match::SnapshotView* snapshot, Enforcement enforcement) noexcept {
  if (enforcement == Enforcement::bypass) return forward(Outcome::forward_bypass);
  switch (packet.packet_class) {
    case proto::PacketClass::not_ip:
      return forward(Outcome::forward_not_ip);
    case proto::PacketClass::malformed:
      return forward(Outcome::forward_malformed);
    case proto::PacketClass::fragment:
      return forward(Outcome::forward_fragment);
    case proto::PacketClass::other:
    case proto::PacketClass::udp:
      return forward(Outcome::forward_not_candidate);
    case proto::PacketClass::tcp:
      break;
  }
  if (direction == Direction::from_network) return forward(Outcome::forward_not_candidate);
  return inspect_tcp(packet, now, snapshot, enforcement);
}

bool Inspector::is_candidate(const PortSet& ports, bool wanted, std::uint16_t port) const noexcept {
  return wanted && (ports.empty() || std::binary_search(ports.begin(), ports.end(), port));
}

Verdict Inspector::inspect_tcp(const proto::PacketView& packet, std::chrono::nanoseconds now,
                               const match::SnapshotView* snapshot, Enforcement enforcement) noexcept {
  const bool enforce = enforcement == Enforcement::enforce;
  if (enforce) {
    if (const auto verdict = answer_blocked_flow(packet, now)) return *verdict;
  }
  const bool http = is_candidate(settings_.http_ports, settings_.inspect_http, packet.destination_port);
  const bool tls = is_candidate(settings_.tls_ports, settings_.inspect_tls, packet.destination_port);
  if (packet.payload.empty() || (!http && !tls)) return forward(Outcome::forward_not_candidate);

  const Segment segment{.packet = packet, .snapshot = snapshot, .stop_at_block = enforce};
  Findings findings;
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

void Inspector::inspect_http(const Segment& segment, bool tls_too, Findings& findings) noexcept {
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
    decide(segment, names,
           {.protocol = Protocol::http, .packet = &segment.packet, .method = parse.request.method}, findings);
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

bool Inspector::inspect_tls(const Segment& segment, std::span<const std::byte> stream,
                            Findings& findings) noexcept {
  const proto::TlsParse parse = proto::parse_tls_client_hello(behind_change_cipher_spec(stream));
  counters_.add(Family::parse, index_of(Protocol::tls), index_of(parse.status));
  if (parse.status == ParseStatus::need_more) findings.incomplete = true;
  if (parse.status != ParseStatus::found) return parse.status == ParseStatus::need_more;

  if (parse.hello.has_ech) counters_.add(Family::ech);
  const RequestNames names(parse.hello, segment.packet);
  const bool blocked_before = findings.block;
  decide(segment, names,
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

void Inspector::decide(const Segment& segment, const RequestNames& names, RequestRecord record,
                       Findings& findings) noexcept {
  look_up(segment, names, record);
  counters_.add(Family::requests, index_of(record.protocol), index_of(record.verdict));
  findings.found = true;
  if (record.reason == Reason::allow_rule) findings.allow = true;
  if (record.verdict != RequestVerdict::block) return;
  counters_.add(Family::blocked, index_of(record.protocol), record.list.value);
  if (findings.block) return;
  findings.block = true;
  findings.protocol = record.protocol;
  findings.rule = record.rule;
  findings.list = record.list;
}

void Inspector::look_up(const Segment& segment, const RequestNames& names, RequestRecord& record) noexcept {
  const RequestName* decisive = nullptr;  // the name that is reported
  const RequestName* canonicalised = nullptr;
  record.reason = Reason::invalid_host;
  std::optional<base::ListIndex> unseen_list;
  for (const RequestName& name : names.all()) {
    canonicalised = nullptr;
    if (url_->assign_request(name.authority, name.target) != proto::UrlError::none) continue;
    canonicalised = &name;
    match::Match match;
    if (segment.snapshot != nullptr) {
      match =
          match::lookup(*segment.snapshot,
                        {.url = url_.get(), .connection_port = name.port, .encrypted = names.host_only()});
    }
    if (match.path_rules_unseen && !unseen_list) unseen_list = match.path_list;
    const bool allowed_first =
        match.decision == match::Decision::allow && record.reason != Reason::allow_rule;
    if (decisive == nullptr || allowed_first || match.decision == match::Decision::block) {
      decisive = &name;
      record.rule = match.rule;
      record.list = match.list;
      record.reason = match.decision == match::Decision::block   ? Reason::listed
                      : match.decision == match::Decision::allow ? Reason::allow_rule
                                                                 : Reason::no_match;
    }
    if (match.decision == match::Decision::block) break;
  }
  record.verdict = record.reason == Reason::listed ? RequestVerdict::block : RequestVerdict::pass;
  if (unseen_list && record.reason == Reason::no_match) {
    counters_.add(Family::unenforceable, unseen_list->value);
  }
  if (observer_ == nullptr) return;
  if (decisive != nullptr && decisive != canonicalised) {
    static_cast<void>(url_->assign_request(decisive->authority, decisive->target));
  }
  report(names, record);
}

void Inspector::report(const RequestNames& names, RequestRecord& record) noexcept {
  if (record.reason != Reason::invalid_host) {
    record.host = url_->host();
    record.port = url_->written_port();
    if (!names.host_only()) {
      record.path = url_->path();
      if (url_->has_query()) record.query = url_->query();
    }
  }
  observer_->on_request(record);
}

}  // namespace weir::inspect
