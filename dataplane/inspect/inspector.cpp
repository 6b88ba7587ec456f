#include "inspect/inspector.h"

namespace weir::inspect {

using base::Outcome;

Inspector::Inspector(const InspectorSettings& settings, base::Counters& counters, RequestObserver* observer)
    : decider_(counters, observer), tcp_(settings, counters, decider_), quic_(settings, counters, decider_) {}

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
      return forward(Outcome::forward_not_candidate);
    case proto::PacketClass::udp:
    case proto::PacketClass::tcp:
      break;
  }
  if (direction == Direction::from_network) return forward(Outcome::forward_not_candidate);
  if (packet.packet_class == proto::PacketClass::udp) {
    return quic_.inspect(packet, now, snapshot, enforcement);
  }
  return tcp_.inspect(packet, now, snapshot, enforcement);
}

}  // namespace weir::inspect
