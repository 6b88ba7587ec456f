#include "dataplane/proto/reply/udp_reply.h"

#include "dataplane/base/field_writer.h"
#include "dataplane/proto/packet/internet_checksum.h"
#include "dataplane/proto/packet/numbers.h"
#include "dataplane/proto/reply/reply_path.h"

namespace weir::proto {

std::size_t build_udp_reply(const PacketView& seen, std::span<const std::byte> payload,
                            std::span<std::byte> out) noexcept {
  if (seen.packet_class != PacketClass::udp) return 0;
  const auto path = ReplyPath::of(seen, base::Towards::client);
  if (!path) return 0;
  const std::size_t datagram_bytes = kUdpHeaderBytes + payload.size();
  const std::size_t frame_bytes = path->header_bytes() + datagram_bytes;
  if (out.size() < frame_bytes || !path->fits(datagram_bytes)) return 0;
  const auto frame = out.first(frame_bytes);
  const auto datagram = frame.subspan(path->header_bytes());
  base::FieldWriter writer(datagram);
  writer.u16(path->source_port());
  writer.u16(path->destination_port());
  writer.u16(static_cast<std::uint32_t>(datagram_bytes));
  writer.u16(0);
  writer.bytes(payload);
  const std::uint32_t sum = path->pseudo_header_sum(ip_protocol::kUdp, datagram_bytes);
  const std::uint16_t checksum = checksum_finish(checksum_add(datagram, sum));
  base::FieldWriter(datagram.subspan(6)).u16(checksum == 0 ? 0xffff : checksum);  // RFC 768: 0 means none
  path->write(ip_protocol::kUdp, checksum, frame);
  return frame_bytes;
}

}  // namespace weir::proto
