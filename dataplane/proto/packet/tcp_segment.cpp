#include "dataplane/proto/packet/tcp_segment.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "dataplane/base/byte_reader.h"
#include "dataplane/proto/packet/internet_checksum.h"
#include "dataplane/proto/packet/numbers.h"

namespace weir::proto {
namespace {

// Header and payload; empty when the view does not hold them.
std::span<const std::byte> segment_of(const PacketView& packet) noexcept {
  const std::size_t begin = packet.transport_offset;
  if (packet.packet_class != PacketClass::tcp || packet.frame.size() < begin) return {};
  const auto rest = packet.frame.subspan(begin);
  const auto header_bytes = static_cast<std::size_t>(packet.payload.data() - rest.data());
  if (header_bytes > rest.size() || packet.payload.size() > rest.size() - header_bytes) return {};
  return rest.first(header_bytes + packet.payload.size());
}

bool checksum_is_right(const PacketView& packet, std::span<const std::byte> segment) noexcept {
  if (segment.empty()) return false;
  const auto bytes = static_cast<std::uint32_t>(segment.size());
  const std::array<std::byte, 8> rest_of_pseudo_header{static_cast<std::byte>(bytes >> 24),
                                                       static_cast<std::byte>(bytes >> 16),
                                                       static_cast<std::byte>(bytes >> 8),
                                                       static_cast<std::byte>(bytes),
                                                       {},
                                                       {},
                                                       {},
                                                       std::byte{ip_protocol::kTcp}};
  std::uint32_t sum = checksum_add(packet.source.span(), 0);
  sum = checksum_add(packet.destination.span(), sum);
  sum = checksum_add(rest_of_pseudo_header, sum);
  return checksum_finish(checksum_add(segment, sum)) == 0;
}

// The value of the first option of this kind (RFC 9293, 3.1). Empty when there is none, or it has another
// length.
std::span<const std::byte> option_of(const PacketView& packet, std::uint8_t wanted,
                                     std::size_t value_bytes) noexcept {
  constexpr std::uint8_t kEnd = 0;
  constexpr std::uint8_t kNothing = 1;
  const auto segment = segment_of(packet);
  const std::size_t header_bytes = segment.size() - packet.payload.size();
  if (segment.empty() || header_bytes < kTcpHeaderBytes) return {};
  base::ByteReader reader(segment.subspan(kTcpHeaderBytes, header_bytes - kTcpHeaderBytes));
  while (reader.remaining() > 0) {
    const std::uint8_t kind = reader.u8();
    if (kind == kEnd) return {};
    if (kind == kNothing) continue;
    const std::size_t length = reader.u8();
    if (length < 2) return {};
    const auto value = reader.bytes(length - 2);
    if (kind == wanted) return reader.ok() && value.size() == value_bytes ? value : value.first(0);
  }
  return {};
}

// RFC 2516, 4: the length does not count the header.
std::size_t end_of_pppoe(const PacketView& packet) noexcept {
  constexpr std::size_t kLengthOffset = 4;
  base::ByteReader reader(packet.frame);
  reader.skip(packet.pppoe_offset + kLengthOffset);
  const std::size_t length = reader.u16();
  return reader.ok() ? packet.pppoe_offset + kPppoeHeaderBytes + length : packet.frame.size();
}

// The least content of an Ethernet frame, without IP and TCP headers (IEEE 802.3, 3.2.8).
constexpr std::size_t kMostPadding = 46 - kIpv4HeaderBytes - kTcpHeaderBytes;

bool is_padding_by_checksum(const PacketView& packet) noexcept {
  const auto segment = segment_of(packet);
  if (segment.empty()) return false;
  const auto header = segment.first(segment.size() - packet.payload.size());
  return packet.transport_offset + header.size() >= end_of_pppoe(packet) &&
         !checksum_is_right(packet, segment) && checksum_is_right(packet, header);
}

}  // namespace

bool tcp_checksum_is_right(const PacketView& packet) noexcept {
  return checksum_is_right(packet, segment_of(packet));
}

TcpPadding tcp_padding(const PacketView& packet) noexcept {
  if (packet.payload.empty()) return TcpPadding::none;
  if (packet.pppoe_offset != 0 && is_padding_by_checksum(packet)) return TcpPadding::certain;
  const bool zeros = packet.payload.size() <= kMostPadding &&
                     std::all_of(packet.payload.begin(), packet.payload.end(),
                                 [](std::byte byte) { return byte == std::byte{0}; });
  return zeros ? TcpPadding::possible : TcpPadding::none;
}

std::optional<std::uint32_t> tcp_urgent_byte(const PacketView& packet) noexcept {
  constexpr std::size_t kPointerOffset = 18;
  if ((packet.tcp.flags & kTcpUrg) == 0) return std::nullopt;
  base::ByteReader reader(segment_of(packet));
  reader.skip(kPointerOffset);
  const std::uint32_t pointer = reader.u16();
  if (!reader.ok()) return std::nullopt;
  const std::uint32_t syn = (packet.tcp.flags & kTcpSyn) != 0 ? 1 : 0;
  return packet.tcp.sequence + syn + (pointer == 0 ? 0 : pointer - 1);
}

std::uint16_t tcp_maximum_segment(const PacketView& packet) noexcept {
  constexpr std::uint8_t kMaximumSegmentSize = 2;
  return base::ByteReader(option_of(packet, kMaximumSegmentSize, 2)).u16();
}

bool tcp_joins_connection(const PacketView& packet) noexcept {
  constexpr std::uint8_t kMultipath = 30;
  constexpr std::size_t kJoinBytes = 10;  // of the first SYN, without kind and length
  constexpr std::byte kJoin{0x10};
  if ((packet.tcp.flags & (kTcpSyn | kTcpAck)) != kTcpSyn) return false;
  const auto option = option_of(packet, kMultipath, kJoinBytes);
  return !option.empty() && (option.front() & std::byte{0xf0}) == kJoin;
}

std::optional<TcpTimestamps> tcp_timestamps(const PacketView& packet) noexcept {
  constexpr std::uint8_t kTimestamps = 8;
  base::ByteReader reader(option_of(packet, kTimestamps, 8));
  TcpTimestamps timestamps;
  timestamps.value = reader.u32();
  timestamps.echo = reader.u32();
  if (!reader.ok()) return std::nullopt;
  return timestamps;
}

}  // namespace weir::proto
