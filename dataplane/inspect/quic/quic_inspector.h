#pragma once

#include <chrono>
#include <cstdint>

#include "dataplane/base/enforcement.h"
#include "dataplane/counters/counters.h"
#include "dataplane/inspect/decision/inspector_settings.h"
#include "dataplane/inspect/decision/request_decider.h"
#include "dataplane/inspect/decision/verdict.h"
#include "dataplane/inspect/quic/quic_reader.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::inspect {

/// Inspects QUIC in the datagrams that clients send over UDP. The datagram that completes a listed hello is
/// dropped, and so are the later Initials and 0-RTT packets of its connection. If the settings say so, each
/// such Initial is answered by a CONNECTION_CLOSE. Not thread safe.
class QuicInspector {
 public:
  /// Throws std::runtime_error if QUIC is to be inspected and the cryptography for it is not available.
  QuicInspector(const InspectorSettings& settings, base::Counters& counters, RequestDecider& decider);

  /// `packet` is of class udp and not from the network; `enforcement` is enforce or monitor.
  Verdict inspect(const proto::PacketView& packet, std::chrono::nanoseconds now,
                  const match::SnapshotView* snapshot, Enforcement enforcement) noexcept;

 private:
  [[nodiscard]] bool is_candidate(std::uint16_t port) const noexcept;
  [[nodiscard]] Verdict unknown_version(Enforcement enforcement) const noexcept;
  /// For a datagram of which not everything was read.
  [[nodiscard]] Verdict unread(const QuicDatagram& datagram, Enforcement enforcement) const noexcept;
  Verdict refuse(base::Outcome outcome) noexcept;
  Findings decide_hellos(const proto::PacketView& packet, const match::SnapshotView* snapshot,
                         bool enforce) noexcept;
  void count_parse(const Findings& findings, const QuicDatagram& datagram) noexcept;

  PortSet ports_;
  bool wanted_;
  bool close_;  // answer blocked connections
  bool drop_unknown_;
  bool drop_over_budget_;
  base::Counters& counters_;
  RequestDecider& decider_;
  QuicReader reader_;
  std::uint64_t evictions_counted_ = 0;
};

}  // namespace weir::inspect
