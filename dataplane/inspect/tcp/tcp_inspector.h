#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/base/counters.h"
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

/// HTTP and TLS in what clients send over TCP. A packet belongs to one stream, or to several: what is not
/// known for sure (which of two SYNs the server took, where a stream picked up in its middle began) is read
/// both ways. Not thread safe (flow figures from any thread).
class TcpInspector {
 public:
  TcpInspector(InspectorSettings settings, base::Counters& counters, RequestDecider& decider);

  /// `packet` is of class tcp and not from the network; `enforcement` is enforce or monitor.
  Verdict inspect(const proto::PacketView& packet, std::chrono::nanoseconds now,
                  const match::SnapshotView* snapshot, Enforcement enforcement) noexcept;

  /// See Inspector::announce: what `inspect` will read for this packet, as its hash; 0: nothing.
  [[nodiscard]] std::uint64_t announce(const proto::PacketView& packet) const noexcept;
  void fetch(std::uint64_t flow) const noexcept { flows_.fetch_flows(flow); }

  /// See FlowTable.
  [[nodiscard]] bool may_be_blocked(const proto::FastClassification& glance) const noexcept {
    return flows_.may_be_blocked(glance);
  }

  [[nodiscard]] std::uint64_t blocks() const noexcept { return flows_.blocks(); }
  [[nodiscard]] std::size_t flow_capacity() const noexcept { return flows_.capacity(); }
  [[nodiscard]] std::size_t blocked_flows() const noexcept { return flows_.blocked(); }

 private:
  struct Reading {
    SegmentFindings findings;
    flow::Flow* blocking = nullptr;  // the stream that has the listed request
  };
  std::optional<Verdict> answer_blocked_flow(const proto::PacketView& packet,
                                             std::chrono::nanoseconds now) noexcept;
  Verdict block(const proto::PacketView& packet, std::chrono::nanoseconds now,
                const Reading& reading) noexcept;
  /// Begins a stream at the byte behind the SYN, unless it has been begun. Returns why the SYN may not
  /// go on; none: it may.
  std::optional<base::Outcome> open_stream(const proto::PacketView& packet,
                                           std::chrono::nanoseconds now) noexcept;
  /// A new stream would push out one that matters, and may not.
  [[nodiscard]] bool is_crowded(const flow::FlowKey& key, std::chrono::nanoseconds now) const noexcept;
  Reading read(const Segment& segment, std::chrono::nanoseconds now) noexcept;
  /// For a segment that belongs to none of the connection's streams.
  void read_unplaced(const Segment& segment, const flow::FlowKey& key, std::chrono::nanoseconds now,
                     Reading& reading) noexcept;
  /// A further stream of the connection, from `start` on; null when none of those that it has may give way.
  /// For a SYN (`known`) a blocked one may.
  flow::Flow* add_stream(const flow::FlowKey& key, std::uint32_t start, bool known,
                         std::chrono::nanoseconds now) noexcept;
  void erase(flow::Flow& flow) noexcept;
  flow::Flow& add_flow(const flow::FlowKey& key, std::chrono::nanoseconds now) noexcept;
  void count_evictions() noexcept;
  [[nodiscard]] static bool is_candidate(const PortSet& ports, bool wanted, std::uint16_t port) noexcept;

  InspectorSettings settings_;
  base::Counters& counters_;
  flow::FlowTable flows_;
  H2cInspector h2c_;
  MessageReader reader_;
  StreamInspector streams_;
  std::uint64_t counted_evictions_ = 0;
};

}  // namespace weir::inspect
