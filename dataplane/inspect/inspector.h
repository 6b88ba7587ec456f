#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/base/enforcement.h"
#include "dataplane/counters/counters.h"
#include "dataplane/flow/accepted_connections.h"
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

/// What Inspector::begin() found.
struct Inspection {
  Verdict verdict{};  // the final one, if `completed` is null
  /// The whole packet that a fragment completed; it is not decided yet. Never of class fragment. Valid until
  /// the next call of begin() or inspect().
  const proto::PacketView* completed = nullptr;
};

/// Makes the whole decision for the packets of one worker: a packet and what is known of its flow go in, a
/// verdict comes out. No DPDK, no clock, no I/O, no allocation after construction. Not thread safe: each
/// worker has its own. Only flow_capacity() and blocked_flows() may be called from any thread.
class Inspector {
 public:
  /// `accepted`: shared by all workers, must outlive the object, and is not needed unless
  /// settings.checks_acknowledgement. Null: this inspector sees all packets and has its own.
  Inspector(const InspectorSettings& settings, base::Counters& counters, RequestObserver* observer = nullptr,
            flow::AcceptedConnections* accepted = nullptr);

  /// `snapshot` may be null (no list loaded yet: requests are counted and pass). `now` comes from any clock
  /// that does not jump.
  Verdict inspect(const proto::PacketView& packet, Direction direction, std::chrono::nanoseconds now,
                  const match::SnapshotView* snapshot, Enforcement enforcement) noexcept;

  /// The same in two steps, for workers that share the traffic: a packet that a fragment completes may belong
  /// to another worker, because in a tunnel the inner addresses decide. Whoever gets a completed packet calls
  /// decide_completed(), or hold_completed() if another worker decides it.
  Inspection begin(const proto::PacketView& packet, Direction direction, std::chrono::nanoseconds now,
                   const match::SnapshotView* snapshot, Enforcement enforcement) noexcept;
  /// Decides the packet that the last begin() completed; the verdict applies to the fragment.
  Verdict decide_completed(const proto::PacketView& completed, Direction direction,
                           std::chrono::nanoseconds now, const match::SnapshotView* snapshot,
                           Enforcement enforcement) noexcept {
    return fragments_.conclude(inspect(completed, direction, now, snapshot, enforcement));
  }
  /// Leaves the packet that the last begin() completed to another worker. Until settle_completed(), every
  /// further fragment of it is dropped; do not call it under enforcement monitor, which drops nothing.
  FragmentInspector::Completed hold_completed() noexcept { return fragments_.hold(); }
  /// `dropped`: what the other worker decided.
  void settle_completed(const FragmentInspector::Completed& completed, bool dropped) noexcept {
    fragments_.settle(completed, dropped);
  }

  /// Whether inspect() would return forward_not_candidate and remember nothing: such a packet need not be
  /// parsed. Holds as long as blocks() does not change. It is true of most packets: of what the network sends
  /// and of the bare acknowledgements of receivers.
  [[nodiscard]] bool passes_unread(const proto::FastClassification& fast,
                                   Direction direction) const noexcept {
    if (direction == Direction::from_network) {
      return fast.kind != proto::FastClassification::Kind::unknown && !(fast.opens && accepted_ != nullptr);
    }
    return fast.kind == proto::FastClassification::Kind::bare && !tcp_.may_be_blocked(fast);
  }

  /// How often a connection was blocked since construction.
  [[nodiscard]] std::uint64_t blocks() const noexcept { return tcp_.blocks(); }

  /// For callers with a burst: prefetches what inspect() reads first for this packet. Call it for the whole
  /// burst, then prefetch_flow() with each result, then inspect(): the memory accesses of the burst overlap.
  /// Both are optional and change no verdict.
  [[nodiscard]] std::uint64_t prefetch(const proto::PacketView& packet) const noexcept {
    return packet.packet_class == proto::PacketClass::tcp ? tcp_.prefetch(packet) : 0;
  }
  void prefetch_flow(std::uint64_t flow_hash) const noexcept {
    if (flow_hash != 0) tcp_.prefetch_flow(flow_hash);
  }

  /// See RequestDecider.
  void count_hits(RuleHits& hits) noexcept { decider_.count_hits(hits); }
  void set_tripped_rules(std::span<const std::uint32_t> rules) noexcept { decider_.set_tripped_rules(rules); }

  [[nodiscard]] std::size_t flow_capacity() const noexcept { return tcp_.flow_capacity(); }
  /// Blocked connections in the flow table. Expired ones leave only when traffic arrives.
  [[nodiscard]] std::size_t blocked_flows() const noexcept { return tcp_.blocked_flows(); }

 private:
  /// Remembers what a SYN-ACK tells of its connection.
  void remember_accepted(const proto::PacketView& packet, std::chrono::nanoseconds now) noexcept;
  Verdict inspect_request(const proto::PacketView& packet, std::chrono::nanoseconds now,
                          const match::SnapshotView* snapshot, Enforcement enforcement) noexcept;

  base::Counters& counters_;
  std::unique_ptr<flow::AcceptedConnections> own_accepted_;
  flow::AcceptedConnections* accepted_;  // null: acknowledgements are not checked
  FragmentInspector fragments_;
  RequestDecider decider_;
  TcpInspector tcp_;
  QuicInspector quic_;
};

}  // namespace weir::inspect
