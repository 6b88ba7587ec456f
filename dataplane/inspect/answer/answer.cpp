#include "dataplane/inspect/answer/answer.h"

#include <algorithm>
#include <array>

#include "dataplane/proto/reply/tcp_reply.h"
#include "dataplane/proto/reply/udp_reply.h"

namespace weir::inspect {
namespace {

/// unrecognized_name (RFC 6066, 3) is the alert of a server that does not serve the name: clients stop at
/// once and show an error about the name. access_denied would be the better word, but browsers report it as a
/// refused client certificate. The record version is the one that all TLS 1.2 and 1.3 servers use.
constexpr std::array<std::byte, 7> kTlsAlert{std::byte{21},  // alert
                                             std::byte{3},  std::byte{3}, std::byte{0},
                                             std::byte{2},  std::byte{2},  // fatal
                                             std::byte{112}};              // unrecognized_name

/// More than the server's clock advances between two of its segments (hours, at 1 ms a tick), and less than
/// half of the number's range: beyond that, the value would count as old.
constexpr std::uint32_t kTimestampLead = std::uint32_t{1} << 24;

/// An Ethernet frame without its checksum. A longer one, including the tags of the request, may not pass.
constexpr std::size_t kLinkBytes = 1514;
static_assert(kLinkBytes <= kAnswerFrameBytes);

}  // namespace

AnswerFrames::AnswerFrames(const proto::PacketView& packet, const Verdict& verdict,
                           const BlockPage& page) noexcept
    : packet_(verdict.reassembled != nullptr ? *verdict.reassembled : packet),
      verdict_(verdict),
      client_done_(verdict.answer == AnswerKind::none),
      server_done_(!verdict.reset_server) {
  if (verdict.answer == AnswerKind::quic_close) return;
  // RFC 7323, 3.2: once timestamps are in use, some stacks (FreeBSD) drop a segment without them; a reset
  // needs none. The client echoes the server's latest value; repeating it keeps our segment from looking old.
  const auto seen = proto::tcp_timestamps(packet_);
  const bool carries = verdict.answer != AnswerKind::reset && (packet_.tcp.flags & proto::kTcpAck) != 0;
  // If the packet was a copy, the server's acknowledgement is already on its way with a newer value. With a
  // value newer than that, the client accepts our answer and drops what the server sends later (RFC
  // 7323, 5.3).
  const std::uint32_t lead = verdict.server_has_packet ? kTimestampLead : 0;
  if (seen && carries) timestamps_ = {.value = seen->echo + lead, .echo = seen->value};
  // If the headers alone fill a frame, nothing can be sent.
  const std::size_t header_bytes = proto::tcp_reply_bytes(packet_, {.timestamps = timestamps_});
  if (header_bytes >= kLinkBytes) client_done_ = server_done_ = true;
  if (client_done_) return;
  // The MSS does not allow for options, so they count (RFC 6691, 2).
  segment_bytes_ = std::min(page.segment_bytes(verdict.client_mss, packet_.source.is_v6) -
                                (timestamps_ ? proto::kTcpTimestampBytes : 0),
                            kLinkBytes - header_bytes);
  if (verdict.answer == AnswerKind::http_page) body_ = page.response(verdict.head_request);
  if (verdict.answer == AnswerKind::tls_alert) body_ = kTlsAlert;
}

std::size_t AnswerFrames::next(std::span<std::byte> out, base::Towards& towards) noexcept {
  if (out.size() < kAnswerFrameBytes) return 0;
  if (verdict_.answer == AnswerKind::quic_close) {
    if (client_done_) return 0;
    client_done_ = true;
    towards = base::Towards::client;
    return proto::build_udp_reply(packet_, verdict_.datagram, out);
  }
  while (!client_done_) {
    // A frame whose link header leaves no room is skipped; the loop still ends.
    const std::size_t bytes = proto::build_tcp_reply(packet_, next_to_client(), out);
    towards = base::Towards::client;
    if (bytes != 0) return bytes;
  }
  if (server_done_) return 0;
  server_done_ = true;
  towards = base::Towards::server;
  return proto::build_tcp_reply(
      packet_,
      {.towards = base::Towards::server,
       // The server has the packet: a reset with the packet's own number would be old to it.
       .sequence = verdict_.server_has_packet ? verdict_.client_end : verdict_.server_next,
       .acknowledgement = client_receives_next(),
       .flags = proto::kTcpRst | proto::kTcpAck},
      out);
}

std::uint32_t AnswerFrames::client_receives_next() const noexcept {
  return (packet_.tcp.flags & proto::kTcpAck) != 0 ? packet_.tcp.acknowledgement : 0;
}

proto::TcpReply AnswerFrames::next_to_client() noexcept {
  proto::TcpReply reply{.towards = base::Towards::client,
                        .sequence = client_receives_next() + static_cast<std::uint32_t>(sent_bytes_),
                        .acknowledgement = verdict_.client_end,
                        .flags = proto::kTcpAck,
                        .timestamps = timestamps_};
  if (verdict_.answer == AnswerKind::reset) reply.flags |= proto::kTcpRst;
  reply.payload = body_.subspan(sent_bytes_, std::min(segment_bytes_, body_.size() - sent_bytes_));
  sent_bytes_ += reply.payload.size();
  client_done_ = sent_bytes_ == body_.size();
  if (client_done_ && !body_.empty()) reply.flags |= proto::kTcpPsh | proto::kTcpFin;
  return reply;
}

}  // namespace weir::inspect
