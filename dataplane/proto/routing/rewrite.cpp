#include "dataplane/proto/routing/rewrite.h"

#include <algorithm>

#include "dataplane/base/byte_reader.h"
#include "dataplane/proto/packet/internet_checksum.h"
#include "dataplane/proto/packet/numbers.h"
#include "dataplane/proto/reply/own_packet.h"

namespace weir::proto {
namespace {

using base::ByteReader;

constexpr std::size_t kTtlOffset = kEthernetHeaderBytes + 8;
constexpr std::size_t kIpv4SumOffset = kEthernetHeaderBytes + 10;
constexpr std::size_t kHopLimitOffset = kEthernetHeaderBytes + 7;

std::uint32_t byte_at(std::span<const std::byte> bytes, std::size_t offset) noexcept {
  return std::to_integer<std::uint32_t>(bytes[offset]);
}

/// 169.254/16 (RFC 3927, 2.7), fe80::/10 (RFC 4291, 2.5.6).
bool is_link_local(const IpAddress& address) noexcept {
  const std::uint32_t first = byte_at(address.bytes, 0);
  const std::uint32_t second = byte_at(address.bytes, 1);
  return address.is_v6 ? first == 0xfe && (second & 0xc0) == 0x80 : first == 169 && second == 254;
}

IpAddress ip_address(std::span<const std::byte> bytes) noexcept {
  IpAddress address{.bytes = {}, .is_v6 = bytes.size() == 16};
  std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
  return address;
}

bool goes_beyond_link(const IpAddress& address) noexcept {
  return names_a_host(address) && !is_link_local(address);
}

ForwardStatus status_of(const ForwardView& view, std::uint8_t ttl) noexcept {
  if (!goes_beyond_link(view.source) || !goes_beyond_link(view.destination)) return ForwardStatus::on_link;
  return ttl > 1 ? ForwardStatus::routable : ForwardStatus::expired;
}

ForwardView read_forward_view_v4(std::span<const std::byte> packet) noexcept {
  ForwardView view;
  ByteReader reader(packet);
  const std::uint8_t version_and_words = reader.u8();
  reader.skip(1);
  view.packet_bytes = reader.u16();
  reader.skip(4);
  const std::uint8_t ttl = reader.u8();
  reader.skip(3);
  const auto source = reader.bytes(4);
  const auto destination = reader.bytes(4);
  const std::size_t header_bytes = (version_and_words & 0x0fU) * std::size_t{4};
  if (!reader.ok() || version_and_words >> 4 != 4 || header_bytes < kIpv4HeaderBytes) return view;
  if (view.packet_bytes < header_bytes || view.packet_bytes > packet.size()) return view;
  if (checksum_finish(checksum_add(packet.first(header_bytes), 0)) != 0) return view;
  view.source = ip_address(source);
  view.destination = ip_address(destination);
  view.status = status_of(view, ttl);
  return view;
}

ForwardView read_forward_view_v6(std::span<const std::byte> packet) noexcept {
  ForwardView view;
  ByteReader reader(packet);
  const std::uint8_t version = reader.u8();
  reader.skip(3);
  const std::uint16_t content_bytes = reader.u16();
  reader.skip(1);
  const std::uint8_t hop_limit = reader.u8();
  const auto source = reader.bytes(16);
  const auto destination = reader.bytes(16);
  view.packet_bytes = kIpv6HeaderBytes + content_bytes;
  if (!reader.ok() || version >> 4 != 6 || content_bytes == 0 || view.packet_bytes > packet.size())
    return view;
  view.source = ip_address(source);
  view.destination = ip_address(destination);
  view.status = status_of(view, hop_limit);
  return view;
}

std::uint16_t ethertype_of(std::span<const std::byte> frame) noexcept {
  ByteReader reader(frame);
  reader.skip(12);
  return reader.u16();
}

}  // namespace

// 0/8, 127/8, 224/3 (RFC 1122, 3.2.1.3); ::, ::1, ff00::/8 (RFC 4291, 2.4).
bool names_a_host(const IpAddress& address) noexcept {
  const std::uint32_t first = byte_at(address.bytes, 0);
  if (!address.is_v6) return first != 0 && first != 127 && first < 224;
  const auto head = std::span(address.bytes).first(15);
  const bool only_last = std::all_of(head.begin(), head.end(), [](std::byte b) { return b == std::byte{0}; });
  return first != 0xff && !(only_last && byte_at(address.bytes, 15) <= 1);
}

ForwardView read_forward_view(std::span<const std::byte> frame) noexcept {
  switch (ethertype_of(frame)) {
    case ether_type::kIpv4:
      return read_forward_view_v4(frame.subspan(kEthernetHeaderBytes));
    case ether_type::kIpv6:
      return read_forward_view_v6(frame.subspan(kEthernetHeaderBytes));
    default:
      return {};
  }
}

void set_link_addresses(std::span<std::byte> frame, const MacAddress& from, const MacAddress& to) noexcept {
  if (frame.size() < kEthernetHeaderBytes) return;
  base::FieldWriter writer(frame);
  writer.bytes(to);
  writer.bytes(from);
}

MacAddress link_destination(std::span<const std::byte> frame) noexcept {
  MacAddress mac{};
  if (frame.size() >= kEthernetHeaderBytes) std::copy_n(frame.begin(), mac.size(), mac.begin());
  return mac;
}

bool rewrite_for_next_hop(std::span<std::byte> frame, const MacAddress& from, const MacAddress& to) noexcept {
  const bool is_v6 = ethertype_of(frame) == ether_type::kIpv6;
  if (frame.size() < kEthernetHeaderBytes + (is_v6 ? kIpv6HeaderBytes : kIpv4HeaderBytes)) return false;
  const std::size_t offset = is_v6 ? kHopLimitOffset : kTtlOffset;
  const std::uint32_t ttl = byte_at(frame, offset);
  if (ttl <= 1) return false;
  frame[offset] = static_cast<std::byte>(ttl - 1);
  if (!is_v6) {
    // RFC 1624, 3: ~(~HC + ~m + m'), where m' is m less 0x0100.
    const std::uint32_t before = byte_at(frame, kIpv4SumOffset) << 8 | byte_at(frame, kIpv4SumOffset + 1);
    base::FieldWriter(frame.subspan(kIpv4SumOffset)).u16(checksum_finish((~before & 0xffff) + 0xfeff));
  }
  set_link_addresses(frame, from, to);
  return true;
}

}  // namespace weir::proto
