#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/counters.h"
#include "base/ids.h"
#include "base/outcome.h"
#include "flow/flow_table.h"
#include "inspect/request_names.h"
#include "match/lookup.h"
#include "match/snapshot_view.h"
#include "proto/http_request.h"
#include "proto/packet_view.h"
#include "proto/tls_client_hello.h"
#include "proto/url.h"

namespace weir::inspect {

using base::Enforcement;
/// Where a packet comes from: the subscriber's side, the network's, or (in a capture) who knows.
enum class Direction : std::uint8_t { from_subscriber, from_network, unknown };
enum class Action : std::uint8_t { forward, drop };

/// none: the packet is dropped without a word. http_page, tls_alert, reset: the client gets the block page, a
/// fatal alert or a RST, the server a RST. finish: the client gets an acknowledgement alone.
using flow::AnswerKind;

/// Destination ports to inspect; empty: every port, the protocol is told by its content.
using PortSet = std::vector<std::uint16_t>;

struct InspectorSettings {
  PortSet http_ports{};
  PortSet tls_ports{};
  bool inspect_http = true;
  bool inspect_tls = true;
  bool tls_alert = true;  // else a reset answers a blocked ClientHello
  std::size_t flow_capacity = 65536;
  std::chrono::nanoseconds flow_lifetime = std::chrono::seconds(60);
};

/// What becomes of one packet. The caller counts `outcome` once the packet's way is sure (a full transmit
/// queue can still change it) and sends the answer.
struct Verdict {
  Action action = Action::forward;
  base::Outcome outcome = base::Outcome::forward_not_ip;
  AnswerKind answer = AnswerKind::none;
  bool head_request = false;  // the answer to HEAD has no body
  bool reset_server = false;  // false too where the server has never heard of the connection
  base::Protocol protocol = base::Protocol::http;
  base::RuleId rule{};
  base::ListIndex list{};
  std::uint32_t server_next = 0;  // sequence number of the RST to the server
  std::uint32_t client_end = 0;   // what the answer to the client acknowledges
};

/// One decided request. Host, path and query are the operator's own traffic: only weir-replay prints them.
struct RequestRecord {
  base::Protocol protocol = base::Protocol::http;
  const proto::PacketView* packet = nullptr;
  std::string_view host{};                  // canonical; empty where there is none
  std::optional<std::string_view> path{};   // canonical
  std::optional<std::string_view> query{};  // canonical, without `?`
  std::optional<std::uint16_t> port{};      // as written
  std::optional<std::string_view> method{};
  std::span<const std::string_view> alpn{};
  bool ech = false;
  base::RequestVerdict verdict = base::RequestVerdict::pass;
  base::Reason reason = base::Reason::no_match;
  base::RuleId rule{};
  base::ListIndex list{};
};

/// Is told of every decided request, in order, before inspect() returns. Views are valid during the call.
class RequestObserver {
 public:
  virtual ~RequestObserver() = default;
  virtual void on_request(const RequestRecord& record) noexcept = 0;
};

/// The whole decision for the packets of one worker: packet and flow to verdict. No DPDK, no clock, no I/O;
/// no allocation after construction. Not thread safe: one for each worker (flow figures from any thread).
class Inspector {
 public:
  Inspector(InspectorSettings settings, base::Counters& counters, RequestObserver* observer = nullptr);

  /// `snapshot` may be null (no list yet: requests are counted and pass). `now` is any clock that does not
  /// jump.
  Verdict inspect(const proto::PacketView& packet, Direction direction, std::chrono::nanoseconds now,
                  const match::SnapshotView* snapshot, Enforcement enforcement) noexcept;

  [[nodiscard]] std::size_t flow_capacity() const noexcept { return flows_.capacity(); }
  /// Blocked connections remembered; the ones that expire leave as traffic comes by.
  [[nodiscard]] std::size_t blocked_flows() const noexcept { return flows_.size(); }

 private:
  /// What the requests of one segment came to.
  struct Findings {
    bool block = false;
    bool allow = false;
    bool found = false;
    bool incomplete = false;
    bool block_begins_segment = false;
    bool head_request = false;
    base::Protocol protocol = base::Protocol::http;  // of the blocked request, as the next two
    base::RuleId rule;
    base::ListIndex list;
  };
  struct Segment {
    const proto::PacketView& packet;
    const match::SnapshotView* snapshot;
    bool stop_at_block;  // what follows a blocked request is not looked at: it is dropped too
  };

  Verdict inspect_tcp(const proto::PacketView& packet, std::chrono::nanoseconds now,
                      const match::SnapshotView* snapshot, Enforcement enforcement) noexcept;
  std::optional<Verdict> answer_blocked_flow(const proto::PacketView& packet,
                                             std::chrono::nanoseconds now) noexcept;
  Verdict block(const proto::PacketView& packet, std::chrono::nanoseconds now,
                const Findings& findings) noexcept;
  void inspect_http(const Segment& segment, bool tls_too, Findings& findings) noexcept;
  /// False when `stream` is not TLS at all.
  bool inspect_tls(const Segment& segment, std::span<const std::byte> stream, Findings& findings) noexcept;
  /// Looks the request up by each of its names, counts and reports it, and adds it to the findings.
  void decide(const Segment& segment, const RequestNames& names, RequestRecord record,
              Findings& findings) noexcept;
  /// Puts the deciding name's canonical form into url_ and the outcome into `record`.
  void look_up(const Segment& segment, const RequestNames& names, RequestRecord& record) noexcept;
  void report(const RequestNames& names, RequestRecord& record) noexcept;
  [[nodiscard]] bool is_candidate(const PortSet& ports, bool wanted, std::uint16_t port) const noexcept;

  InspectorSettings settings_;
  base::Counters& counters_;
  RequestObserver* observer_;
  flow::FlowTable flows_;
  std::unique_ptr<proto::CanonicalUrl> url_;
};

}  // namespace weir::inspect
