#include "proto/tcp_segment.h"

#include <array>
#include <cstddef>
#include <span>

#include "base/byte_reader.h"
#include "proto/tcp_reply.h"

namespace weir::proto {
namespace {

// Header and payload; empty where the view holds no such bytes.
std::span<const std::byte> segment_of(const PacketView& packet) noexcept {
  const std::size_t begin = packet.transport_offset;
  if (packet.packet_class != PacketClass::tcp || packet.frame.size() < begin) return {};
  const auto rest = packet.frame.subspan(begin);
  const auto header_bytes = static_cast<std::size_t>(packet.payload.data() - rest.data());
  if (header_bytes > rest.size() || packet.payload.size() > rest.size() - header_bytes) return {};
  return rest.first(header_bytes + packet.payload.size());
}

}  // namespace

bool tcp_checksum_is_right(const PacketView& packet) noexcept {
  const auto segment = segment_of(packet);
  if (segment.empty()) return false;
  constexpr std::uint8_t kTcp = 6;
  const auto bytes = static_cast<std::uint32_t>(segment.size());
  const std::array<std::byte, 8> rest_of_pseudo_header{static_cast<std::byte>(bytes >> 24),
                                                       static_cast<std::byte>(bytes >> 16),
                                                       static_cast<std::byte>(bytes >> 8),
                                                       static_cast<std::byte>(bytes),
                                                       {},
                                                       {},
                                                       {},
                                                       std::byte{kTcp}};
  std::uint32_t sum = checksum_add(packet.source.span(), 0);
  sum = checksum_add(packet.destination.span(), sum);
  sum = checksum_add(rest_of_pseudo_header, sum);
  return checksum_finish(checksum_add(segment, sum)) == 0;
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

}  // namespace weir::proto
