#include "dataplane/inspect/quic/quic_inspector.h"

#include <algorithm>
#include <span>

#include "dataplane/inspect/decision/request_names.h"

namespace weir::inspect {
namespace {

using base::Counter;
using base::index_of;
using base::Outcome;
using base::ParseStatus;
using base::Protocol;

/// One buffer for every four connections in the table: most are decided and need none.
constexpr std::size_t kHelloBytesPerConnection = flow::kCryptoChunkBytes / 4;

/// The pieces of a hello may arrive nearly a minute apart.
constexpr std::chrono::seconds kMinLifetime{60};

PortSet in_order(PortSet ports) {
  std::sort(ports.begin(), ports.end());
  return ports;
}

}  // namespace

QuicInspector::QuicInspector(const InspectorSettings& settings, base::Counters& counters,
                             RequestDecider& decider)
    : ports_(in_order(settings.quic_ports)),
      wanted_(settings.inspect_quic),
      close_(settings.quic_close),
      drop_unknown_(settings.drop_unknown_quic),
      drop_over_budget_(settings.close_quic_budget),
      counters_(counters),
      decider_(decider),
      reader_({.capacity = wanted_ ? settings.quic_connections : 0,
               .memory_bytes = wanted_ ? settings.quic_connections * kHelloBytesPerConnection : 0,
               .lifetime = std::max<std::chrono::nanoseconds>(settings.flow_lifetime, kMinLifetime)},
              settings.quic_initials_per_source) {}

bool QuicInspector::is_candidate(std::uint16_t port) const noexcept {
  return wanted_ && (ports_.empty() || std::binary_search(ports_.begin(), ports_.end(), port));
}

Verdict QuicInspector::inspect(const proto::PacketView& packet, std::chrono::nanoseconds now,
                               const match::SnapshotView* snapshot, Enforcement enforcement) noexcept {
  if (!is_candidate(packet.destination_port)) return forward(Outcome::forward_not_candidate);
  const bool enforce = enforcement == Enforcement::enforce;
  reader_.begin(packet, now);
  const Findings findings = decide_hellos(packet, snapshot, enforce);
  const QuicDatagram& datagram = reader_.datagram();
  if (datagram.initial) count_parse(findings, datagram);

  if (enforce && findings.block) {
    Verdict verdict = refuse(Outcome::drop_blocked);
    verdict.rule = findings.rule;
    verdict.list = findings.list;
    return verdict;
  }
  if (enforce && datagram.blocked) return refuse(Outcome::drop_blocked_flow);
  if (enforce && datagram.conflict) {
    return {.action = Action::drop, .outcome = Outcome::drop_conflict, .protocol = Protocol::quic};
  }
  if (findings.block) {
    return {.action = Action::forward,
            .outcome = Outcome::forward_monitor,
            .protocol = Protocol::quic,
            .rule = findings.rule,
            .list = findings.list};
  }
  if (datagram.over_budget || datagram.excessive) return unread(datagram, enforcement);
  if (findings.allow) return forward(Outcome::forward_allowed);
  if (findings.found) return forward(Outcome::forward_passed);
  if (datagram.incomplete) return forward(Outcome::forward_incomplete);
  if (datagram.unknown_version) return unknown_version(enforcement);
  return forward(datagram.initial ? Outcome::forward_no_request : Outcome::forward_not_candidate);
}

Verdict QuicInspector::unknown_version(Enforcement enforcement) const noexcept {
  if (!drop_unknown_) return forward(Outcome::forward_unknown_version);
  if (enforcement != Enforcement::enforce) return forward(Outcome::forward_monitor);
  return {.action = Action::drop, .outcome = Outcome::drop_unknown_version, .protocol = Protocol::quic};
}

// A datagram of too many packets or keys is no client's: what is not read of it must not reach a server.
Verdict QuicInspector::unread(const QuicDatagram& datagram, Enforcement enforcement) const noexcept {
  if (!datagram.excessive && !drop_over_budget_) return forward(Outcome::forward_quic_budget);
  if (enforcement != Enforcement::enforce) return forward(Outcome::forward_monitor);
  return {.action = Action::drop, .outcome = Outcome::drop_quic_budget, .protocol = Protocol::quic};
}

// Early data alone gets no answer: there is no Initial to answer. The connection's own Initial gets one.
Verdict QuicInspector::refuse(Outcome outcome) noexcept {
  Verdict verdict{.action = Action::drop, .outcome = outcome, .protocol = Protocol::quic};
  if (!close_) return verdict;
  if (const auto datagram = reader_.close()) {
    verdict.answer = AnswerKind::quic_close;
    verdict.datagram = *datagram;
  }
  return verdict;
}

Findings QuicInspector::decide_hellos(const proto::PacketView& packet, const match::SnapshotView* snapshot,
                                      bool enforce) noexcept {
  Findings findings;
  while (const proto::ClientHello* hello = reader_.next()) {
    if (hello->has_ech) counters_.add(Counter::ech);
    const RequestNames names(*hello, packet);
    Findings one;
    decider_.decide(snapshot, names,
                    {.protocol = Protocol::quic,
                     .packet = &packet,
                     .alpn = std::span(hello->alpn).first(hello->alpn_count),
                     .ech = hello->has_ech},
                    one);
    if (one.block && enforce) reader_.block();
    if (one.block && !findings.block) {
      findings.block = true;
      findings.protocol = one.protocol;
      findings.rule = one.rule;
      findings.list = one.list;
    }
    findings.allow |= one.allow;
    findings.found = true;
  }
  return findings;
}

void QuicInspector::count_parse(const Findings& findings, const QuicDatagram& datagram) noexcept {
  const ParseStatus status = findings.found        ? ParseStatus::found
                             : datagram.incomplete ? ParseStatus::need_more
                             : datagram.malformed  ? ParseStatus::malformed
                                                   : ParseStatus::absent;
  counters_.add(Counter::parse, index_of(Protocol::quic), index_of(status));
  counters_.add(Counter::quic_evictions, 0, 0, reader_.evictions() - evictions_counted_);
  evictions_counted_ = reader_.evictions();
}

}  // namespace weir::inspect
