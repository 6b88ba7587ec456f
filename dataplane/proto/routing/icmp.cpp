#include "dataplane/proto/routing/icmp.h"

#include <algorithm>

#include "dataplane/base/byte_reader.h"
#include "dataplane/proto/packet/internet_checksum.h"
#include "dataplane/proto/packet/numbers.h"
#include "dataplane/proto/reply/own_packet.h"
#include "dataplane/proto/routing/rewrite.h"

namespace weir::proto {
namespace {

constexpr std::size_t kIcmpBytes = 8;
constexpr std::uint8_t kEchoRequest = 8;
constexpr std::uint8_t kEchoReply = 0;
constexpr std::uint8_t kEchoRequestV6 = 128;
constexpr std::uint8_t kEchoReplyV6 = 129;
constexpr std::uint8_t kFirstInformationalV6 = 128;
constexpr std::uint8_t kRedirectV6 = 137;

/// Errors are about the outer packet: a tunnel is handled by its ends.
constexpr Encapsulations kNoEncapsulations = Encapsulations::none();

struct TypeAndCode {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
};

TypeAndCode type_and_code(IcmpReason reason, bool is_v6) noexcept {
  switch (reason) {
    case IcmpReason::time_exceeded:
      return is_v6 ? TypeAndCode{.type = 3, .code = 0} : TypeAndCode{.type = 11, .code = 0};
    case IcmpReason::unreachable:
      return is_v6 ? TypeAndCode{.type = 1, .code = 3} : TypeAndCode{.type = 3, .code = 1};
    case IcmpReason::too_big:
      break;
  }
  return is_v6 ? TypeAndCode{.type = 2, .code = 0} : TypeAndCode{.type = 3, .code = 4};
}

/// RFC 792: echo, timestamp, information and address mask, with their replies, and router discovery.
bool is_error_v4(std::uint8_t type) noexcept {
  return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/// Errors, and redirects, which are numbered among the others (RFC 4443, 2.4 e).
bool is_error_v6(std::uint8_t type) noexcept { return type < kFirstInformationalV6 || type == kRedirectV6; }

bool may_be_answered(const PacketView& seen) noexcept {
  if (seen.packet_class == PacketClass::not_ip || seen.packet_class == PacketClass::malformed) return false;
  if (seen.packet_class == PacketClass::fragment && seen.fragment.offset != 0) return false;
  if (seen.packet_class == PacketClass::tcp || seen.packet_class == PacketClass::udp) return true;
  const bool is_icmp = seen.ip_protocol == (seen.source.is_v6 ? ip_protocol::kIcmpV6 : ip_protocol::kIcmp);
  if (!is_icmp) return true;
  if (seen.payload.empty()) return false;
  const auto type = std::to_integer<std::uint8_t>(seen.payload.front());
  return !(seen.source.is_v6 ? is_error_v6(type) : is_error_v4(type));
}

/// Writes the headers of an answer to the sender of `frame`. The result is the place of the content.
std::span<std::byte> write_headers(std::span<const std::byte> frame, const OwnHeader& header,
                                   std::span<std::byte> out) noexcept {
  base::FieldWriter writer(out);
  writer.bytes(frame.subspan(6, 6));
  writer.bytes(frame.first(6));
  writer.u16(header.source.is_v6 ? ether_type::kIpv6 : ether_type::kIpv4);
  write_own_header(writer, header);
  return writer.rest().first(header.content_bytes);
}

void finish_checksum(const OwnHeader& header, std::span<std::byte> message) noexcept {
  const std::uint16_t sum = header.source.is_v6 ? icmpv6_checksum(header.source, header.destination, message)
                                                : checksum_finish(checksum_add(message, 0));
  base::FieldWriter(message.subspan(2)).u16(sum);
}

}  // namespace

std::size_t build_icmp_error(std::span<const std::byte> frame, const IcmpError& error,
                             std::span<std::byte> out) noexcept {
  const ForwardView view = read_forward_view(frame);
  if (view.status == ForwardStatus::unroutable || view.status == ForwardStatus::on_link) return 0;
  if (view.source.is_v6 != error.from.is_v6) return 0;
  if (!may_be_answered(parse_packet(frame, LinkType::ethernet, kNoEncapsulations))) return 0;
  const bool is_v6 = view.source.is_v6;
  const std::size_t header_bytes = own_header_bytes(error.from);
  const std::size_t most = (is_v6 ? kMaxIcmpv6ErrorBytes : kMaxIcmpErrorBytes) - header_bytes - kIcmpBytes;
  const std::size_t quoted = std::min(view.packet_bytes, most);
  const std::size_t bytes = kEthernetHeaderBytes + header_bytes + kIcmpBytes + quoted;
  if (out.size() < bytes) return 0;
  const OwnHeader header{.source = error.from,
                         .destination = view.source,
                         .protocol = is_v6 ? ip_protocol::kIcmpV6 : ip_protocol::kIcmp,
                         .ttl = 64,
                         .content_bytes = kIcmpBytes + quoted};
  const auto message = write_headers(frame, header, out);
  const TypeAndCode what = type_and_code(error.reason, is_v6);
  base::FieldWriter writer(message);
  writer.u8(what.type);
  writer.u8(what.code);
  writer.u16(0);
  // Both families have the MTU in the low bytes of this word (RFC 1191, 4; RFC 4443, 3.2).
  writer.u32(error.reason == IcmpReason::too_big ? error.mtu : 0);
  writer.bytes(frame.subspan(kEthernetHeaderBytes, quoted));
  finish_checksum(header, message);
  return bytes;
}

std::size_t build_echo_reply(std::span<const std::byte> frame, std::span<std::byte> out) noexcept {
  const PacketView seen = parse_packet(frame, LinkType::ethernet, kNoEncapsulations);
  const bool is_v6 = seen.source.is_v6;
  if (seen.packet_class != PacketClass::other || seen.payload.size() < kIcmpBytes) return 0;
  if (!names_a_host(seen.source) || !names_a_host(seen.destination)) return 0;
  if (seen.ip_protocol != (is_v6 ? ip_protocol::kIcmpV6 : ip_protocol::kIcmp)) return 0;
  base::ByteReader reader(seen.payload);
  const std::uint8_t type = reader.u8();
  const std::uint8_t code = reader.u8();
  if (type != (is_v6 ? kEchoRequestV6 : kEchoRequest) || code != 0) return 0;
  const std::uint16_t sum = is_v6 ? icmpv6_checksum(seen.source, seen.destination, seen.payload)
                                  : checksum_finish(checksum_add(seen.payload, 0));
  const OwnHeader header{.source = seen.destination,
                         .destination = seen.source,
                         .protocol = seen.ip_protocol,
                         .ttl = 64,
                         .content_bytes = seen.payload.size()};
  const std::size_t bytes = kEthernetHeaderBytes + own_header_bytes(header.source) + header.content_bytes;
  if (sum != 0 || out.size() < bytes) return 0;
  const auto message = write_headers(frame, header, out);
  base::FieldWriter writer(message);
  writer.u8(is_v6 ? kEchoReplyV6 : kEchoReply);
  writer.u8(0);
  writer.u16(0);
  writer.bytes(seen.payload.subspan(4));
  finish_checksum(header, message);
  return bytes;
}

}  // namespace weir::proto
