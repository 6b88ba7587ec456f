#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/counters.h"
#include "flow/flow_table.h"
#include "inspect/inspector_settings.h"
#include "inspect/request_decider.h"
#include "inspect/verdict.h"
#include "match/snapshot_view.h"
#include "proto/packet_view.h"

namespace weir::inspect {

/// HTTP/1.x and TLS in the packets that clients send over TCP. Not thread safe (flow figures from any
/// thread).
class TcpInspector {
 public:
  TcpInspector(InspectorSettings settings, base::Counters& counters, RequestDecider& decider);

  /// `packet` is of class tcp and not from the network; `enforcement` is enforce or monitor.
  Verdict inspect(const proto::PacketView& packet, std::chrono::nanoseconds now,
                  const match::SnapshotView* snapshot, Enforcement enforcement) noexcept;

  [[nodiscard]] std::size_t flow_capacity() const noexcept { return flows_.capacity(); }
  [[nodiscard]] std::size_t blocked_flows() const noexcept { return flows_.size(); }

 private:
  /// What the requests of one segment came to.
  struct SegmentFindings : Findings {
    bool incomplete = false;
    bool block_begins_segment = false;
    bool head_request = false;
  };
  struct Segment {
    const proto::PacketView& packet;
    const match::SnapshotView* snapshot;
    bool stop_at_block;  // what follows a blocked request is not looked at: it is dropped too
  };

  std::optional<Verdict> answer_blocked_flow(const proto::PacketView& packet,
                                             std::chrono::nanoseconds now) noexcept;
  Verdict block(const proto::PacketView& packet, std::chrono::nanoseconds now,
                const SegmentFindings& findings) noexcept;
  void inspect_http(const Segment& segment, bool tls_too, SegmentFindings& findings) noexcept;
  /// False when `stream` is not TLS at all.
  bool inspect_tls(const Segment& segment, std::span<const std::byte> stream,
                   SegmentFindings& findings) noexcept;
  [[nodiscard]] bool is_candidate(const PortSet& ports, bool wanted, std::uint16_t port) const noexcept;

  InspectorSettings settings_;
  base::Counters& counters_;
  RequestDecider& decider_;
  flow::FlowTable flows_;
};

}  // namespace weir::inspect
