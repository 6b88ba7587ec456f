#include "proto/tcp_reply.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace weir::proto {
namespace {

constexpr std::size_t kIpv4Bytes = 20;
constexpr std::size_t kIpv6Bytes = 40;
constexpr std::size_t kTcpBytes = 20;
constexpr std::size_t kMacBytes = 6;
constexpr std::size_t kPppoeBytes = 6;
constexpr std::uint8_t kTcpProtocol = 6;
constexpr std::uint8_t kHops = 64;

std::size_t ip_header_bytes(const PacketView& seen) noexcept {
  return seen.source.is_v6 ? kIpv6Bytes : kIpv4Bytes;
}

// Writes big-endian fields one after the other. The caller has made sure that they fit.
class FieldWriter {
 public:
  explicit FieldWriter(std::span<std::byte> out) noexcept : out_(out) {}

  void u8(std::uint32_t value) noexcept { integer(value, 1); }
  void u16(std::uint32_t value) noexcept { integer(value, 2); }
  void u32(std::uint32_t value) noexcept { integer(value, 4); }
  void bytes(std::span<const std::byte> from) noexcept {
    std::copy(from.begin(), from.end(), out_.begin());
    out_ = out_.subspan(from.size());
  }

 private:
  void integer(std::uint32_t value, std::size_t width) noexcept {
    for (std::size_t i = 0; i < width; ++i) out_[i] = static_cast<std::byte>(value >> (8 * (width - 1 - i)));
    out_ = out_.subspan(width);
  }

  std::span<std::byte> out_;
};

struct Ends {
  IpAddress source;
  IpAddress destination;
  std::uint16_t source_port;
  std::uint16_t destination_port;
};

Ends ends_of(const PacketView& seen, base::Towards towards) noexcept {
  if (towards == base::Towards::server) {
    return {.source = seen.source,
            .destination = seen.destination,
            .source_port = seen.source_port,
            .destination_port = seen.destination_port};
  }
  return {.source = seen.destination,
          .destination = seen.source,
          .source_port = seen.destination_port,
          .destination_port = seen.source_port};
}

// What the PPPoE header of a frame of this size says of it (RFC 2516, 4: all behind the header).
std::size_t pppoe_length(const PacketView& seen, std::size_t frame_bytes) noexcept {
  return seen.pppoe_offset == 0 ? 0 : frame_bytes - seen.pppoe_offset - kPppoeBytes;
}

// Cooked and loopback headers name no receiver: they stay as they were. A PPPoE session has the same number
// in both directions.
void write_link(const PacketView& seen, base::Towards towards, std::span<std::byte> out) noexcept {
  const auto header = seen.frame.first(seen.ip_offset);
  std::copy(header.begin(), header.end(), out.begin());
  if (seen.pppoe_offset != 0) {
    const auto length = static_cast<std::uint32_t>(pppoe_length(seen, out.size()));
    FieldWriter(out.subspan(seen.pppoe_offset + 4)).u16(length);
  }
  if (seen.link != LinkType::ethernet || towards == base::Towards::server) return;
  std::copy_n(header.begin() + kMacBytes, kMacBytes, out.begin());
  std::copy_n(header.begin(), kMacBytes, out.begin() + kMacBytes);
}

// Never fragmented (DF), so the identification means nothing (RFC 6864, 4.1); it differs between the frames
// of an answer all the same, for devices on the way that clear DF.
void write_ipv4(const Ends& ends, const TcpReply& reply, std::span<std::byte> out) noexcept {
  FieldWriter writer(out);
  writer.u16(0x4500);
  writer.u16(static_cast<std::uint32_t>(out.size()));
  writer.u16((reply.sequence ^ (reply.sequence >> 16)) & 0xffff);
  writer.u16(0x4000);
  writer.u8(kHops);
  writer.u8(kTcpProtocol);
  writer.u16(0);
  writer.bytes(ends.source.span());
  writer.bytes(ends.destination.span());
  FieldWriter(out.subspan(10)).u16(checksum_finish(checksum_add(out.first(kIpv4Bytes), 0)));
}

// Towards the server the flow label of the client is kept: routers that spread by it (RFC 6438) then send the
// reset to the same server.
void write_ipv6(const PacketView& seen, const Ends& ends, const TcpReply& reply,
                std::span<std::byte> out) noexcept {
  FieldWriter writer(out);
  writer.u8(0x60);
  if (reply.towards == base::Towards::server) {
    const auto label = seen.frame.subspan(seen.ip_offset + 1, 3);
    writer.u8(std::to_integer<std::uint32_t>(label[0] & std::byte{0x0f}));
    writer.bytes(label.subspan(1));
  } else {
    writer.u8(0);
    writer.u16(0);
  }
  writer.u16(static_cast<std::uint32_t>(out.size() - kIpv6Bytes));
  writer.u8(kTcpProtocol);
  writer.u8(kHops);
  writer.bytes(ends.source.span());
  writer.bytes(ends.destination.span());
}

void write_tcp(const Ends& ends, const TcpReply& reply, std::span<std::byte> out) noexcept {
  FieldWriter writer(out);
  writer.u16(ends.source_port);
  writer.u16(ends.destination_port);
  writer.u32(reply.sequence);
  writer.u32(reply.acknowledgement);
  writer.u8((kTcpBytes / 4) << 4);
  writer.u8(reply.flags);
  writer.u16((reply.flags & kTcpRst) != 0 ? 0 : 0xffff);
  writer.u16(0);
  writer.u16(0);
  writer.bytes(reply.payload);
  std::uint32_t sum = checksum_add(ends.source.span(), 0);
  sum = checksum_add(ends.destination.span(), sum);
  sum += kTcpProtocol + static_cast<std::uint32_t>(out.size());
  FieldWriter(out.subspan(16)).u16(checksum_finish(checksum_add(out, sum)));
}

}  // namespace

std::uint32_t checksum_add(std::span<const std::byte> bytes, std::uint32_t sum) noexcept {
  // Words of the machine are added in its own byte order, and the sum turned once (RFC 1071, 2.B).
  std::uint64_t native = 0;
  for (; bytes.size() >= sizeof(std::uint32_t); bytes = bytes.subspan(sizeof(std::uint32_t))) {
    std::uint32_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    native += word;
  }
  while (native > 0xffff) native = (native & 0xffff) + (native >> 16);
  if constexpr (std::endian::native == std::endian::little) native = (native & 0xff) << 8 | native >> 8;
  std::uint64_t total = sum + native;
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) {
    total += std::to_integer<std::uint32_t>(bytes[i]) << 8 | std::to_integer<std::uint32_t>(bytes[i + 1]);
  }
  if (i < bytes.size()) total += std::to_integer<std::uint32_t>(bytes[i]) << 8;
  // One fold leaves less than 2^17 of a sum that is below 2^32, so that small terms may be added to it.
  while (total > 0x1ffff) total = (total & 0xffff) + (total >> 16);
  return static_cast<std::uint32_t>(total);
}

std::uint16_t checksum_finish(std::uint32_t sum) noexcept {
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum & 0xffff);
}

std::size_t tcp_reply_bytes(const PacketView& seen, const TcpReply& reply) noexcept {
  return seen.ip_offset + ip_header_bytes(seen) + kTcpBytes + reply.payload.size();
}

std::size_t build_tcp_reply(const PacketView& seen, const TcpReply& reply,
                            std::span<std::byte> out) noexcept {
  if (seen.packet_class != PacketClass::tcp || reply.payload.size() > kMaxTcpReplyPayloadBytes) return 0;
  if (seen.tunnels != 0) return 0;
  const std::size_t frame_bytes = tcp_reply_bytes(seen, reply);
  if (out.size() < frame_bytes || pppoe_length(seen, frame_bytes) > 0xffff) return 0;
  const auto packet = out.subspan(seen.ip_offset, frame_bytes - seen.ip_offset);
  const Ends ends = ends_of(seen, reply.towards);
  write_link(seen, reply.towards, out.first(frame_bytes));
  if (seen.source.is_v6) {
    write_ipv6(seen, ends, reply, packet);
  } else {
    write_ipv4(ends, reply, packet);
  }
  write_tcp(ends, reply, packet.subspan(ip_header_bytes(seen)));
  return frame_bytes;
}

}  // namespace weir::proto
