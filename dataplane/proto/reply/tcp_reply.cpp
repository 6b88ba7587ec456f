#include "dataplane/proto/reply/tcp_reply.h"

#include "dataplane/base/field_writer.h"
#include "dataplane/proto/packet/internet_checksum.h"
#include "dataplane/proto/packet/numbers.h"
#include "dataplane/proto/reply/reply_path.h"

namespace weir::proto {
namespace {

std::size_t header_bytes(const TcpReply& reply) noexcept {
  return kTcpHeaderBytes + (reply.timestamps ? kTcpTimestampBytes : 0);
}

void write_tcp(const ReplyPath& path, const TcpReply& reply, std::span<std::byte> out) noexcept {
  base::FieldWriter writer(out);
  writer.u16(path.source_port());
  writer.u16(path.destination_port());
  writer.u32(reply.sequence);
  writer.u32(reply.acknowledgement);
  writer.u8(static_cast<std::uint32_t>(header_bytes(reply) / 4) << 4);
  writer.u8(reply.flags);
  writer.u16((reply.flags & kTcpRst) != 0 ? 0 : 0xffff);
  writer.u16(0);
  writer.u16(0);
  if (reply.timestamps) {
    writer.u32(0x0101080a);  // two no-operations to align it (RFC 7323, A)
    writer.u32(reply.timestamps->value);
    writer.u32(reply.timestamps->echo);
  }
  writer.bytes(reply.payload);
  const std::uint32_t sum = path.pseudo_header_sum(ip_protocol::kTcp, out.size());
  base::FieldWriter(out.subspan(16)).u16(checksum_finish(checksum_add(out, sum)));
}

}  // namespace

std::size_t tcp_reply_bytes(const PacketView& seen, const TcpReply& reply) noexcept {
  const auto path = ReplyPath::of(seen, reply.towards);
  return path ? path->header_bytes() + header_bytes(reply) + reply.payload.size() : 0;
}

std::size_t build_tcp_reply(const PacketView& seen, const TcpReply& reply,
                            std::span<std::byte> out) noexcept {
  if (seen.packet_class != PacketClass::tcp || reply.payload.size() > kMaxTcpReplyPayloadBytes) return 0;
  const auto path = ReplyPath::of(seen, reply.towards);
  if (!path) return 0;
  const std::size_t segment_bytes = header_bytes(reply) + reply.payload.size();
  const std::size_t frame_bytes = path->header_bytes() + segment_bytes;
  if (out.size() < frame_bytes || !path->fits(segment_bytes)) return 0;
  const auto frame = out.first(frame_bytes);
  write_tcp(*path, reply, frame.subspan(path->header_bytes()));
  // Differs between the segments of an answer.
  const auto identification = static_cast<std::uint16_t>(reply.sequence ^ (reply.sequence >> 16));
  path->write(ip_protocol::kTcp, identification, frame);
  return frame_bytes;
}

}  // namespace weir::proto
