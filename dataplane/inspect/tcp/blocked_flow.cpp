// The part of TcpInspector that handles a client's connection after one of its requests was blocked.
// dataplane/README.md describes how the TCP of both ends reacts to each answer.
#include <algorithm>

#include "dataplane/inspect/tcp/tcp_inspector.h"
#include "dataplane/proto/packet/tcp_segment.h"

namespace weir::inspect {
namespace {

using flow::is_before;

/// How far outside a blocked stream a sequence number still belongs to it.
constexpr std::int32_t kNearBlockedBytes = 65536;

std::uint32_t end_of(const proto::PacketView& packet) noexcept {
  const unsigned flags = packet.tcp.flags;
  return packet.tcp.sequence + static_cast<std::uint32_t>(packet.payload.size()) +
         ((flags & proto::kTcpSyn) != 0 ? 1U : 0U) + ((flags & proto::kTcpFin) != 0 ? 1U : 0U);
}

// A nearby sequence number belongs to the blocked connection, whatever a SYN says: a server that missed its
// RST still waits there.
bool belongs_to(const flow::BlockedStream& stream, std::uint32_t sequence) noexcept {
  return flow::distance(stream.server_next, sequence) >= -kNearBlockedBytes &&
         flow::distance(stream.client_end, sequence) <= kNearBlockedBytes;
}

// `ends`: the client ends the connection. Then the reset to the server is repeated: the first one may have
// been lost, and a BSD that still had acknowledgements to send answers it with a challenge instead (it
// accepts only the number that it acknowledged last, and then acknowledges all it has).
Verdict dropped(base::Outcome outcome, const flow::BlockedStream& stream, std::uint16_t client_mss,
                AnswerKind answer, bool ends) noexcept {
  const bool refuses = answer != AnswerKind::none && answer != AnswerKind::finish;
  return {.action = Action::drop,
          .outcome = outcome,
          .answer = answer,
          .head_request = stream.head_request,
          .reset_server = stream.handshake_seen && stream.server_knows && (refuses || ends),
          .server_next = stream.server_next,
          .client_end = stream.client_end,
          .client_mss = client_mss};
}

}  // namespace

bool TcpInspector::has_handshake(const proto::PacketView& packet, const flow::FlowKey& key,
                                 std::chrono::nanoseconds now) noexcept {
  if ((packet.tcp.flags & proto::kTcpAck) == 0) return false;
  const auto streams = flows_.find(key, now);
  const bool opened = std::any_of(streams.begin(), streams.end(), [&packet](const flow::Flow* flow) {
    return flow->reading != flow::Reading::blocked && flow->start_known &&
           StreamInspector::is_near(*flow, packet.tcp.sequence);
  });
  if (!opened || accepted_ == nullptr) return opened;
  return accepted_->may_acknowledge(key, packet.tcp.acknowledgement, now);
}

Verdict TcpInspector::block(const proto::PacketView& packet, const flow::FlowKey& key,
                            std::chrono::nanoseconds now, const SegmentResult& result,
                            bool handshake) noexcept {
  const SegmentFindings& findings = result.findings;
  const bool syn = (packet.tcp.flags & proto::kTcpSyn) != 0;
  AnswerKind answer = AnswerKind::reset;
  // The page for a pipelined request would overtake the response to the one before it. A client without an
  // established connection cannot receive data. Without a handshake the client may be somebody else, at whom
  // the answer is aimed: then it is one reset, which is no larger than the request.
  if (findings.block_begins_segment && handshake && !syn) {
    if (findings.protocol == base::Protocol::http) answer = AnswerKind::http_page;
    if (findings.protocol == base::Protocol::tls && settings_.tls_alert) answer = AnswerKind::tls_alert;
  }
  // Segments that follow the completing one in the stream may have been sent before it.
  std::uint32_t end = end_of(packet);
  std::uint16_t client_mss = syn ? proto::tcp_maximum_segment(packet) : std::uint16_t{0};
  const auto streams = flows_.find(key, now);
  bool contested = false;
  for (const flow::Flow* flow : streams) {
    contested = contested || flow->contested;
    const bool near = flow->reading != flow::Reading::blocked && StreamInspector::is_near(*flow, end);
    // The numbers of an earlier connection from the same port may be near too.
    const bool same = result.blocking == nullptr || flow == result.blocking;
    if (near && same && is_before(end, flow->highest)) end = flow->highest;
    if (near && same && flow->client_mss != 0) client_mss = flow->client_mss;
  }
  const flow::BlockedStream stream{.server_next = syn ? packet.tcp.sequence : findings.server_next,
                                   .request_end = end,
                                   .client_end = end,
                                   .answer = answer,
                                   .head_request = findings.head_request,
                                   .server_knows = !syn,
                                   .handshake_seen = handshake};
  // The connection's other streams stay: this one may be a decoy, and the server may follow another.
  if (result.blocking != nullptr) erase(*result.blocking);
  if (result.blocking != nullptr || streams.size() < flow::FlowTable::kReadings) {
    flow::Flow& flow = add_flow(key, now);
    flow.client_mss = client_mss;
    flow.contested = contested;
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
                                                         const flow::FlowKey& key,
                                                         std::chrono::nanoseconds now) noexcept {
  const unsigned flags = packet.tcp.flags;
  const bool syn = (flags & proto::kTcpSyn) != 0;
  const bool opens = syn && (flags & proto::kTcpAck) == 0;
  flow::Flow* flow = nullptr;
  for (flow::Flow* each : flows_.find(key, now)) {
    const bool blocked = each->reading == flow::Reading::blocked;
    if (blocked && belongs_to(each->blocked, packet.tcp.sequence)) flow = each;
  }
  // Otherwise the packet is of another connection on the same port, even if its SYN is unknown: the SYN may
  // have taken another path, or been forgotten.
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
  // The request again, or data before it that the server did not acknowledge and never will.
  const bool request_again = is_before(packet.tcp.sequence, stream.request_end);
  const bool same_answer = request_again || stream.answer == AnswerKind::reset;
  return drop(same_answer ? stream.answer : AnswerKind::finish, fin);
}

}  // namespace weir::inspect
