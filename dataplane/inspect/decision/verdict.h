#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/base/ids.h"
#include "dataplane/base/outcome.h"
#include "dataplane/flow/flow_table.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::inspect {

using base::Enforcement;
/// Where a packet comes from: the subscriber's side, the network's, or (in a capture) who knows.
enum class Direction : std::uint8_t { from_subscriber, from_network, unknown };
enum class Action : std::uint8_t { forward, drop };

/// none: the packet is dropped without a word. http_page, tls_alert, reset: the client gets the block page, a
/// fatal alert or a RST, the server a RST. finish: the client gets an acknowledgement alone. quic_close: the
/// client gets Verdict::datagram.
using flow::AnswerKind;

/// What becomes of one packet. The caller counts `outcome` once the packet's way is sure (a full transmit
/// queue can still change it) and sends the answer.
struct Verdict {
  Action action = Action::forward;
  base::Outcome outcome = base::Outcome::forward_not_ip;
  AnswerKind answer = AnswerKind::none;
  bool head_request = false;  // the answer to HEAD has no body
  /// Also without an answer, when the client has ended a blocked connection; never where the server has not
  /// heard of it.
  bool reset_server = false;
  /// The packet was a copy: the server has got it, and may have acknowledged it.
  bool server_has_packet = false;
  base::Protocol protocol = base::Protocol::http;
  base::RuleId rule{};
  base::ListIndex list{};
  std::uint32_t server_next = 0;          // sequence number of the RST to the server
  std::uint32_t client_end = 0;           // what the answer to the client acknowledges
  std::uint16_t client_mss = 0;           // the largest segment that the client asked for; 0: not known
  std::span<const std::byte> datagram{};  // for quic_close; valid until the inspector's next packet
  /// What is answered when the packet itself is a fragment; valid until the inspector's next packet.
  const proto::PacketView* reassembled = nullptr;
};

inline Verdict forward(base::Outcome outcome) noexcept {
  return {.action = Action::forward, .outcome = outcome};
}

}  // namespace weir::inspect
