#include "dataplane/inspect/answer/answer.h"

#include <algorithm>
#include <array>

#include "dataplane/proto/reply/tcp_reply.h"
#include "dataplane/proto/reply/udp_reply.h"

namespace weir::inspect {
namespace {

/// unrecognized_name (RFC 6066, 3) is what a server says about a name that it does not serve: clients stop at
/// once and show an error about the name. access_denied would fit by its words, but browsers report it as a
/// refused client certificate. The record version is the one that every TLS 1.2 and 1.3 server uses.
constexpr std::array<std::byte, 7> kTlsAlert{std::byte{21},  // alert
                                             std::byte{3},  std::byte{3}, std::byte{0},
                                             std::byte{2},  std::byte{2},  // fatal
                                             std::byte{112}};              // unrecognized_name

/// More than a server's clock moves on between two of its segments, up to hours at 1 ms a tick, and less than
/// half of the number's range, from where on it would be old.
constexpr std::uint32_t kTimestampLead = std::uint32_t{1} << 24;

/// An Ethernet frame without its checksum: more than that, tags of the request counted, may not pass.
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
  // RFC 7323, 3.2: where timestamps are in use a segment without them is dropped by some (FreeBSD); a reset
  // needs none. What the client echoes is the server's latest, so that it does not take ours for an old one.
  const auto seen = proto::tcp_timestamps(packet_);
  const bool carries = verdict.answer != AnswerKind::reset && (packet_.tcp.flags & proto::kTcpAck) != 0;
  // Behind a copy, the server's acknowledgement of it is on its way with a newer value; with one that is
  // newer still the answer is taken, and what the server sends after it is not (RFC 7323, 5.3).
  const std::uint32_t lead = verdict.server_has_packet ? kTimestampLead : 0;
  if (seen && carries) timestamps_ = {.value = seen->echo + lead, .echo = seen->value};
  // Behind headers that fill a frame by themselves nothing can be sent.
  const std::size_t header_bytes = proto::tcp_reply_bytes(packet_, {.timestamps = timestamps_});
  if (header_bytes >= kLinkBytes) client_done_ = server_done_ = true;
  if (client_done_) return;
  // RFC 6691, 2: options count.
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
    // A frame whose link header leaves no room is left out; the loop still ends.
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
       // A reset at the beginning of what the server has is an old one to it.
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
