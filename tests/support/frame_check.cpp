#include "tests/support/frame_check.h"

#include "tests/support/bytes.h"

namespace weir::test {
namespace {

std::size_t u8_at(std::span<const std::byte> bytes, std::size_t offset) {
  return std::to_integer<std::size_t>(bytes[offset]);
}

std::size_t u16_at(std::span<const std::byte> bytes, std::size_t offset) {
  return u8_at(bytes, offset) << 8 | u8_at(bytes, offset + 1);
}

std::string transport_error(std::span<const std::byte> addresses, std::size_t protocol,
                            std::span<const std::byte> segment) {
  const bool is_tcp = protocol == 6;
  if (!is_tcp && protocol != 17) return {};
  if (segment.size() < (is_tcp ? 20U : 8U)) return "transport header cut short";
  if (is_tcp && (u8_at(segment, 12) >> 4) * 4 > segment.size()) return "TCP data offset after the end";
  if (!is_tcp && u16_at(segment, 4) != segment.size()) return "UDP length is not the datagram's";
  if (!is_tcp && u16_at(segment, 6) == 0) return {};
  Bytes summed(addresses.begin(), addresses.end());
  append_integer(summed, protocol, 4);
  append_integer(summed, segment.size(), 4);
  append(summed, segment);
  return internet_checksum(summed) == 0 ? "" : is_tcp ? "TCP checksum wrong" : "UDP checksum wrong";
}

}  // namespace

std::uint16_t internet_checksum(std::span<const std::byte> bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    sum += i + 1 < bytes.size() ? u16_at(bytes, i) : u8_at(bytes, i) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::string checksum_error(std::span<const std::byte> frame, std::size_t ip_offset) {
  if (ip_offset >= frame.size()) return "no IP header";
  const auto packet = frame.subspan(ip_offset);
  const std::size_t ip_version = u8_at(packet, 0) >> 4;
  if (ip_version == 4) {
    if (packet.size() < 20) return "IPv4 header cut short";
    const std::size_t header_bytes = (u8_at(packet, 0) & 15) * 4;
    const std::size_t total_bytes = u16_at(packet, 2);
    if (header_bytes < 20 || header_bytes > total_bytes || total_bytes > packet.size()) {
      return "IPv4 lengths wrong";
    }
    if (internet_checksum(packet.first(header_bytes)) != 0) return "IPv4 header checksum wrong";
    return transport_error(packet.subspan(12, 8), u8_at(packet, 9),
                           packet.subspan(header_bytes, total_bytes - header_bytes));
  }
  if (ip_version != 6) return "not an IP header";
  if (packet.size() < 40) return "IPv6 header cut short";
  if (u16_at(packet, 4) > packet.size() - 40) return "IPv6 payload length wrong";
  return transport_error(packet.subspan(8, 32), u8_at(packet, 6), packet.subspan(40, u16_at(packet, 4)));
}

}  // namespace weir::test
