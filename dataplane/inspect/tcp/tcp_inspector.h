#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/base/enforcement.h"
#include "dataplane/counters/counters.h"
#include "dataplane/flow/accepted_connections.h"
#include "dataplane/flow/flow_table.h"
#include "dataplane/inspect/decision/inspector_settings.h"
#include "dataplane/inspect/decision/request_decider.h"
#include "dataplane/inspect/decision/verdict.h"
#include "dataplane/inspect/tcp/h2c_inspector.h"
#include "dataplane/inspect/tcp/message_reader.h"
#include "dataplane/inspect/tcp/stream_inspector.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::inspect {

/// Inspects HTTP and TLS in what clients send over TCP. A packet may belong to several streams of a
/// connection: if it is uncertain which of two SYNs the server accepted, or where a stream that was picked up
/// in the middle began, both are followed. Not thread safe, except flow_capacity() and blocked_flows().
class TcpInspector {
 public:
  /// `accepted`: what acknowledgements are checked against; null: they are not.
  TcpInspector(InspectorSettings settings, base::Counters& counters, RequestDecider& decider,
               const flow::AcceptedConnections* accepted);

  /// `packet` is of class tcp and not from the network; `enforcement` is enforce or monitor.
  Verdict inspect(const proto::PacketView& packet, std::chrono::nanoseconds now,
                  const match::SnapshotView* snapshot, Enforcement enforcement) noexcept;

  /// See Inspector::prefetch(). Returns the hash of the packet's flow for prefetch_flow(); 0: inspect() will
  /// not read a flow.
  [[nodiscard]] std::uint64_t prefetch(const proto::PacketView& packet) const noexcept;
  void prefetch_flow(std::uint64_t flow_hash) const noexcept { flows_.fetch_flows(flow_hash); }

  /// See FlowTable.
  [[nodiscard]] bool may_be_blocked(const proto::FastClassification& fast) const noexcept {
    return flows_.may_be_blocked(fast);
  }

  [[nodiscard]] std::uint64_t blocks() const noexcept { return flows_.blocks(); }
  [[nodiscard]] std::size_t flow_capacity() const noexcept { return flows_.capacity(); }
  [[nodiscard]] std::size_t blocked_flows() const noexcept { return flows_.blocked(); }

 private:
  /// What a segment showed in all streams that it may belong to.
  struct SegmentResult {
    SegmentFindings findings;
    flow::Flow* blocking = nullptr;  // the stream with the listed request
  };
  /// Whether a SYN of the packet's connection was seen, and the packet acknowledges what the server sent:
  /// only who receives that has a connection. A source address can be forged.
  [[nodiscard]] bool has_handshake(const proto::PacketView& packet, const flow::FlowKey& key,
                                   std::chrono::nanoseconds now) noexcept;
  std::optional<Verdict> answer_blocked_flow(const proto::PacketView& packet, const flow::FlowKey& key,
                                             std::chrono::nanoseconds now) noexcept;
  /// `handshake`: whole answers may be sent.
  Verdict block(const proto::PacketView& packet, const flow::FlowKey& key, std::chrono::nanoseconds now,
                const SegmentResult& result, bool handshake) noexcept;
  /// Begins a stream at the byte after the SYN, unless there is one. Returns why the SYN must not pass; none:
  /// it may pass.
  std::optional<base::Outcome> open_stream(const proto::PacketView& packet, const flow::FlowKey& key,
                                           std::chrono::nanoseconds now) noexcept;
  /// A new stream would have to evict a connection in use, which the settings forbid.
  [[nodiscard]] bool is_crowded(const flow::FlowKey& key, std::chrono::nanoseconds now) const noexcept;
  SegmentResult read(const Segment& segment, const flow::FlowKey& key, std::chrono::nanoseconds now) noexcept;
  /// For a segment that belongs to no stream of the connection.
  void read_unplaced(const Segment& segment, const flow::FlowKey& key, std::chrono::nanoseconds now,
                     SegmentResult& result) noexcept;
  /// Whether the segment has a number that a forgotten stream would go on with, or the last one before bytes
  /// that a stream cannot read any more: a server that follows such a stream must not get on.
  [[nodiscard]] bool touches_unread(const Segment& segment, const flow::FlowTable::Readings& streams,
                                    std::chrono::nanoseconds now) const noexcept;
  /// Adds a stream to the connection, beginning at `start`. If the connection has all the streams it may
  /// have, one gives way: for a SYN (`known`) always; for other segments only one that waits for nothing and
  /// is far away. Null: none gave way.
  flow::Flow* add_stream(const flow::FlowKey& key, std::uint32_t start, bool known,
                         std::chrono::nanoseconds now) noexcept;
  /// Erases a stream whose numbers the server may still follow: they are remembered.
  void forget(flow::Flow& flow, const flow::FlowTable::Readings& streams,
              std::chrono::nanoseconds now) noexcept;
  void erase(flow::Flow& flow) noexcept;
  flow::Flow& add_flow(const flow::FlowKey& key, std::chrono::nanoseconds now) noexcept;
  void count_evictions() noexcept;
  [[nodiscard]] static bool is_candidate(const PortSet& ports, bool wanted, std::uint16_t port) noexcept;

  InspectorSettings settings_;
  base::Counters& counters_;
  RequestDecider& decider_;
  const flow::AcceptedConnections* accepted_;
  flow::FlowTable flows_;
  H2cInspector h2c_;
  MessageReader reader_;
  StreamInspector streams_;
  std::uint64_t counted_evictions_ = 0;
};

}  // namespace weir::inspect
