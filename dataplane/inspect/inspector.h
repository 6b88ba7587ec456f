#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/base/counters.h"
#include "dataplane/inspect/decision/inspector_settings.h"
#include "dataplane/inspect/decision/request_decider.h"
#include "dataplane/inspect/decision/verdict.h"
#include "dataplane/inspect/fragment_inspector.h"
#include "dataplane/inspect/quic/quic_inspector.h"
#include "dataplane/inspect/tcp/tcp_inspector.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/proto/packet/classify.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::inspect {

/// The whole decision for the packets of one worker: packet and flow to verdict. No DPDK, no clock, no I/O;
/// no allocation after construction. Not thread safe: one for each worker (flow figures from any thread).
class Inspector {
 public:
  Inspector(const InspectorSettings& settings, base::Counters& counters, RequestObserver* observer = nullptr);

  /// `snapshot` may be null (no list yet: requests are counted and pass). `now` is any clock that does not
  /// jump.
  Verdict inspect(const proto::PacketView& packet, Direction direction, std::chrono::nanoseconds now,
                  const match::SnapshotView* snapshot, Enforcement enforcement) noexcept;

  /// Whether inspect() would find the packet forward_not_candidate and remember nothing of it: so the packet
  /// need not be parsed. Holds as long as blocks() stays. Most of what crosses a wire: what the network
  /// sends, and the bare acknowledgements of who receives it.
  [[nodiscard]] bool passes_unread(const proto::FastClassification& glance,
                                   Direction direction) const noexcept {
    if (direction == Direction::from_network) return glance.kind != proto::FastClassification::Kind::unknown;
    return glance.kind == proto::FastClassification::Kind::bare && !tcp_.may_be_blocked(glance);
  }

  /// Times that a connection was blocked since construction.
  [[nodiscard]] std::uint64_t blocks() const noexcept { return tcp_.blocks(); }

  /// For who has a burst at hand: begins to fetch from memory what inspect() will read first for this packet.
  /// What it returns goes to fetch() when the whole burst has been announced, and before any of it is
  /// inspected: so the accesses of a burst overlap. Neither changes a verdict, and neither is needed.
  [[nodiscard]] std::uint64_t announce(const proto::PacketView& packet) const noexcept {
    return packet.packet_class == proto::PacketClass::tcp ? tcp_.announce(packet) : 0;
  }
  void fetch(std::uint64_t announced) const noexcept {
    if (announced != 0) tcp_.fetch(announced);
  }

  /// For who decides elsewhere what fragments make: take() and hold() there instead of inspect() here.
  [[nodiscard]] FragmentInspector& fragments() noexcept { return fragments_; }

  /// See RequestDecider.
  void count_hits(RuleHits& hits) noexcept { decider_.count_hits(hits); }
  void suspend(std::span<const std::uint32_t> rules) noexcept { decider_.suspend(rules); }

  [[nodiscard]] std::size_t flow_capacity() const noexcept { return tcp_.flow_capacity(); }
  /// Blocked connections remembered; the ones that expire leave as traffic comes by.
  [[nodiscard]] std::size_t blocked_flows() const noexcept { return tcp_.blocked_flows(); }

 private:
  Verdict inspect_fragment(const proto::PacketView& fragment, Direction direction,
                           std::chrono::nanoseconds now, const match::SnapshotView* snapshot,
                           Enforcement enforcement) noexcept;

  Verdict inspect_request(const proto::PacketView& packet, std::chrono::nanoseconds now,
                          const match::SnapshotView* snapshot, Enforcement enforcement) noexcept;

  FragmentInspector fragments_;
  RequestDecider decider_;
  TcpInspector tcp_;
  QuicInspector quic_;
};

}  // namespace weir::inspect
