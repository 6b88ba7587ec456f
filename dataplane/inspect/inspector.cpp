#include "dataplane/inspect/inspector.h"

#include "dataplane/proto/packet/tcp_segment.h"

namespace weir::inspect {

using base::Outcome;

Inspector::Inspector(const InspectorSettings& settings, base::Counters& counters, RequestObserver* observer,
                     flow::AcceptedConnections* accepted)
    : counters_(counters),
      own_accepted_(settings.checks_acknowledgement && accepted == nullptr
                        ? std::make_unique<flow::AcceptedConnections>(settings.flow_capacity)
                        : nullptr),
      accepted_(settings.checks_acknowledgement && accepted != nullptr ? accepted : own_accepted_.get()),
      fragments_(settings, counters),
      decider_(counters, observer),
      tcp_(settings, counters, decider_, accepted_),
      quic_(settings, counters, decider_) {}

Verdict Inspector::inspect(const proto::PacketView& packet, Direction direction, std::chrono::nanoseconds now,
                           const match::SnapshotView* snapshot, Enforcement enforcement) noexcept {
  const Inspection inspection = begin(packet, direction, now, snapshot, enforcement);
  if (inspection.completed == nullptr) return inspection.verdict;
  return decide_completed(*inspection.completed, direction, now, snapshot, enforcement);
}

Inspection Inspector::begin(const proto::PacketView& packet, Direction direction,
                            std::chrono::nanoseconds now, const match::SnapshotView* snapshot,
                            Enforcement enforcement) noexcept {
  if (enforcement == Enforcement::bypass) return {.verdict = forward(Outcome::forward_bypass)};
  switch (packet.packet_class) {
    case proto::PacketClass::not_ip:
      return {.verdict = forward(Outcome::forward_not_ip)};
    case proto::PacketClass::malformed:
      return {.verdict = forward(Outcome::forward_malformed)};
    case proto::PacketClass::fragment: {
      if (direction == Direction::from_network) return {.verdict = forward(Outcome::forward_fragment)};
      const auto taken = fragments_.take(packet, now, enforcement);
      return {.verdict = taken.verdict, .completed = taken.whole};
    }
    case proto::PacketClass::other:
      return {.verdict = forward(Outcome::forward_not_candidate)};
    case proto::PacketClass::udp:
    case proto::PacketClass::tcp:
      break;
  }
  if (direction != Direction::from_subscriber) remember_accepted(packet, now);
  if (direction == Direction::from_network) return {.verdict = forward(Outcome::forward_not_candidate)};
  return {.verdict = inspect_request(packet, now, snapshot, enforcement)};
}

void Inspector::remember_accepted(const proto::PacketView& packet, std::chrono::nanoseconds now) noexcept {
  constexpr unsigned kAccepts = proto::kTcpSyn | proto::kTcpAck;
  if (accepted_ == nullptr || packet.packet_class != proto::PacketClass::tcp) return;
  if ((packet.tcp.flags & kAccepts) != kAccepts) return;
  accepted_->add(flow::reversed(flow::flow_key_of(packet)), packet.tcp.sequence + 1, now);
}

Verdict Inspector::inspect_request(const proto::PacketView& packet, std::chrono::nanoseconds now,
                                   const match::SnapshotView* snapshot, Enforcement enforcement) noexcept {
  if (packet.packet_class == proto::PacketClass::tcp && (packet.tcp.flags & proto::kTcpSyn) != 0 &&
      proto::tcp_joins_connection(packet)) {
    counters_.add(base::Counter::mptcp_joins);
  }
  Verdict verdict = packet.packet_class == proto::PacketClass::udp
                        ? quic_.inspect(packet, now, snapshot, enforcement)
                        : tcp_.inspect(packet, now, snapshot, enforcement);
  const bool passes =
      verdict.outcome == Outcome::forward_passed || verdict.outcome == Outcome::forward_allowed;
  if (decider_.take_tripped_match() && passes) verdict.outcome = Outcome::forward_tripped;
  return verdict;
}

}  // namespace weir::inspect
