// What happens to a client's connection once a request of its was blocked: TcpInspector's part that works on
// the flow table. dataplane/README.md says what the TCP of both ends does with each answer.
#include "dataplane/inspect/tcp/tcp_inspector.h"
#include "dataplane/proto/packet/tcp_segment.h"

namespace weir::inspect {
namespace {

using flow::is_before;

constexpr std::int32_t kBlockedBytes = 65536;

std::uint32_t end_of(const proto::PacketView& packet) noexcept {
  const unsigned flags = packet.tcp.flags;
  return packet.tcp.sequence + static_cast<std::uint32_t>(packet.payload.size()) +
         ((flags & proto::kTcpSyn) != 0 ? 1U : 0U) + ((flags & proto::kTcpFin) != 0 ? 1U : 0U);
}

// What lies this close belongs to the blocked connection, whatever a SYN says: a server that missed its RST
// still waits there.
bool lies_beside(const flow::BlockedStream& stream, std::uint32_t sequence) noexcept {
  return flow::distance(stream.server_next, sequence) < -kBlockedBytes ||
         flow::distance(stream.client_end, sequence) > kBlockedBytes;
}

// `ends`: the client ends the connection. The reset that the server has got already is repeated then: it may
// have been lost, and a BSD that had acknowledgements to send took it for a question (it wants the number
// that it acknowledged last, and acknowledges all it has when it is asked).
Verdict dropped(base::Outcome outcome, const flow::BlockedStream& stream, std::uint16_t client_mss,
                AnswerKind answer, bool ends) noexcept {
  const bool refuses = answer != AnswerKind::none && answer != AnswerKind::finish;
  return {.action = Action::drop,
          .outcome = outcome,
          .answer = answer,
          .head_request = stream.head_request,
          .reset_server = stream.server_knows && (refuses || ends),
          .server_next = stream.server_next,
          .client_end = stream.client_end,
          .client_mss = client_mss};
}

}  // namespace

Verdict TcpInspector::block(const proto::PacketView& packet, std::chrono::nanoseconds now,
                            const Reading& reading) noexcept {
  const SegmentFindings& findings = reading.findings;
  const bool syn = (packet.tcp.flags & proto::kTcpSyn) != 0;
  AnswerKind answer = AnswerKind::reset;
  // The page for a pipelined request would overtake the response to the one before it; data cannot be sent to
  // a client that has no connection yet.
  if (findings.block_begins_segment && !syn) {
    if (findings.protocol == base::Protocol::http) answer = AnswerKind::http_page;
    if (findings.protocol == base::Protocol::tls && settings_.tls_alert) answer = AnswerKind::tls_alert;
  }
  // Pieces behind the one that completed the request may have gone before it.
  std::uint32_t end = end_of(packet);
  const flow::FlowKey key = flow::flow_key_of(packet);
  std::uint16_t client_mss = syn ? proto::tcp_maximum_segment(packet) : std::uint16_t{0};
  const auto readings = flows_.find(key, now);
  for (const flow::Flow* flow : readings) {
    const bool near = flow->reading != flow::Reading::blocked && StreamInspector::is_near(*flow, end);
    if (near && is_before(end, flow->highest)) end = flow->highest;
    if (near && flow->client_mss != 0) client_mss = flow->client_mss;
  }
  const flow::BlockedStream stream{.server_next = syn ? packet.tcp.sequence : findings.server_next,
                                   .request_end = end,
                                   .client_end = end,
                                   .answer = answer,
                                   .head_request = findings.head_request,
                                   .server_knows = !syn};
  // The connection's other streams stay: this one may be a decoy, and another the one that the server has.
  if (reading.blocking != nullptr) erase(*reading.blocking);
  if (reading.blocking != nullptr || readings.size() < flow::FlowTable::kReadings) {
    flow::Flow& flow = add_flow(key, now);
    flow.client_mss = client_mss;
    flows_.block(flow, stream);
  }
  // A RST is never answered (RFC 9293, 3.10.7.1).
  const bool rst = (packet.tcp.flags & proto::kTcpRst) != 0;
  Verdict verdict =
      dropped(base::Outcome::drop_blocked, stream, client_mss, rst ? AnswerKind::none : answer, rst);
  verdict.protocol = findings.protocol;
  verdict.rule = findings.rule;
  verdict.list = findings.list;
  return verdict;
}

std::optional<Verdict> TcpInspector::answer_blocked_flow(const proto::PacketView& packet,
                                                         std::chrono::nanoseconds now) noexcept {
  flows_.sweep(now);
  const unsigned flags = packet.tcp.flags;
  const bool syn = (flags & proto::kTcpSyn) != 0;
  const bool opens = syn && (flags & proto::kTcpAck) == 0;
  flow::Flow* flow = nullptr;
  for (flow::Flow* reading : flows_.find(flow::flow_key_of(packet), now)) {
    const bool blocked = reading->reading == flow::Reading::blocked;
    if (blocked && !lies_beside(reading->blocked, packet.tcp.sequence)) flow = reading;
  }
  // What lies beside is of another connection on the same port, also where nothing is known of its SYN: it
  // may have come another way, or been forgotten.
  if (flow == nullptr) return std::nullopt;
  flow::BlockedStream& stream = flow->blocked;
  flow->last_seen = now;
  const auto drop = [&stream, flow](AnswerKind answer, bool ends = false) {
    return dropped(base::Outcome::drop_blocked_flow, stream, flow->client_mss, answer, ends);
  };
  if (opens && (stream.server_knows || packet.tcp.sequence != stream.server_next)) {
    return drop(AnswerKind::none);
  }
  if ((flags & proto::kTcpRst) != 0) return drop(AnswerKind::none, true);
  if (is_before(stream.client_end, end_of(packet))) stream.client_end = end_of(packet);
  const bool fin = (flags & proto::kTcpFin) != 0;
  if (packet.payload.empty() && !fin && !syn) return drop(AnswerKind::none);
  // The request again, or data before it that the server has not acknowledged and never will.
  const bool request_again = is_before(packet.tcp.sequence, stream.request_end);
  const bool same_answer = request_again || stream.answer == AnswerKind::reset;
  return drop(same_answer ? stream.answer : AnswerKind::finish, fin);
}

}  // namespace weir::inspect
