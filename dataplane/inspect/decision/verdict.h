#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/base/enforcement.h"
#include "dataplane/base/ids.h"
#include "dataplane/base/request.h"
#include "dataplane/flow/flow_table.h"
#include "dataplane/outcomes/outcome.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::inspect {

using base::Enforcement;
/// The side that a packet comes from; unknown in a capture.
enum class Direction : std::uint8_t { from_subscriber, from_network, unknown };
enum class Action : std::uint8_t { forward, drop };

/// none: no answer to the client. http_page, tls_alert, reset: the client gets the block page, a fatal alert
/// or a RST. finish: the client gets only an acknowledgement. quic_close: the client gets Verdict::datagram.
/// Verdict::reset_server tells whether the server gets a RST.
using flow::AnswerKind;

/// The decision on one packet. The caller sends the answer, and counts `outcome` when it is final: a full
/// transmit queue can still change it.
struct Verdict {
  Action action = Action::forward;
  base::Outcome outcome = base::Outcome::forward_not_ip;
  AnswerKind answer = AnswerKind::none;
  bool head_request = false;  // the answer to HEAD has no body
  /// The server gets a RST. Also set without an answer if the client ends a blocked connection; never set if
  /// the server does not know the connection.
  bool reset_server = false;
  /// The packet was a copy: the server received it and may have acknowledged it.
  bool server_has_packet = false;
  base::Protocol protocol = base::Protocol::http;
  base::RuleId rule{};
  base::ListIndex list{};
  std::uint32_t server_next = 0;          // sequence number of the RST to the server
  std::uint32_t client_end = 0;           // acknowledgement number of the answer to the client
  std::uint16_t client_mss = 0;           // the MSS of the client's SYN; 0: unknown
  std::span<const std::byte> datagram{};  // for quic_close; valid until the inspector's next packet
  /// If the packet is a fragment: the whole packet, which is the one to answer. Valid until the inspector's
  /// next packet.
  const proto::PacketView* reassembled = nullptr;
};

inline Verdict forward(base::Outcome outcome) noexcept {
  return {.action = Action::forward, .outcome = outcome};
}

}  // namespace weir::inspect
