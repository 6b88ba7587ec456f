#include "dataplane/proto/routing/neighbour.h"

#include <algorithm>

#include "dataplane/base/byte_reader.h"
#include "dataplane/proto/packet/numbers.h"
#include "dataplane/proto/reply/own_packet.h"
#include "dataplane/proto/routing/rewrite.h"

namespace weir::proto {
namespace {

using base::ByteReader;
using base::ParseStatus;

constexpr std::uint16_t kArpRequest = 1;
constexpr std::uint16_t kArpReply = 2;
constexpr std::size_t kArpBytes = 28;

constexpr std::uint8_t kSolicitation = 135;
constexpr std::uint8_t kAdvertisement = 136;
constexpr std::uint8_t kSourceLinkAddress = 1;
constexpr std::uint8_t kTargetLinkAddress = 2;
constexpr std::uint8_t kLinkHopLimit = 255;
constexpr std::uint32_t kRouterFlag = 0x80000000;
constexpr std::uint32_t kSolicitedFlag = 0x40000000;
constexpr std::uint32_t kOverrideFlag = 0x20000000;
constexpr std::size_t kMessageBytes = 24;    // type to target
constexpr std::size_t kLinkOptionBytes = 8;  // with an Ethernet address
constexpr std::size_t kOptionUnitBytes = 8;

IpAddress address_from(std::span<const std::byte> bytes) noexcept {
  IpAddress address{.bytes = {}, .is_v6 = bytes.size() == 16};
  std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
  return address;
}

MacAddress mac_from(std::span<const std::byte> bytes) noexcept {
  MacAddress mac{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), mac.size()), mac.begin());
  return mac;
}

bool is_zero(const IpAddress& address) noexcept {
  return address == IpAddress{.bytes = {}, .is_v6 = address.is_v6};
}
bool is_group_v6(const IpAddress& address) noexcept { return address.bytes[0] == std::byte{0xff}; }

/// ff02::1:ffXX:XXXX (RFC 4291, 2.7.1).
IpAddress solicited_node(const IpAddress& target) noexcept {
  IpAddress group{.bytes = {}, .is_v6 = true};
  group.bytes[0] = std::byte{0xff};
  group.bytes[1] = std::byte{0x02};
  group.bytes[11] = std::byte{0x01};
  group.bytes[12] = std::byte{0xff};
  std::copy(target.bytes.begin() + 13, target.bytes.end(), group.bytes.begin() + 13);
  return group;
}

IpAddress all_nodes() noexcept {
  IpAddress group{.bytes = {}, .is_v6 = true};
  group.bytes[0] = std::byte{0xff};
  group.bytes[1] = std::byte{0x02};
  group.bytes[15] = std::byte{0x01};
  return group;
}

/// 33:33 and the group's last four bytes (RFC 2464, 7).
MacAddress group_mac(const IpAddress& group) noexcept {
  MacAddress mac{std::byte{0x33}, std::byte{0x33}};
  std::copy(group.bytes.begin() + 12, group.bytes.end(), mac.begin() + 2);
  return mac;
}

NeighbourParse parse_arp(std::span<const std::byte> packet) noexcept {
  NeighbourParse result{.status = ParseStatus::malformed, .message = {}};
  NeighbourMessage& message = result.message;
  ByteReader reader(packet);
  const std::uint16_t hardware = reader.u16();
  const std::uint16_t protocol = reader.u16();
  const std::uint16_t lengths = reader.u16();
  const std::uint16_t operation = reader.u16();
  message.mac = mac_from(reader.bytes(6));
  const auto sender = reader.bytes(4);
  reader.skip(6);
  const auto target = reader.bytes(4);
  if (!reader.ok() || hardware != 1 || protocol != ether_type::kIpv4 || lengths != 0x0604) return result;
  if (!is_unicast(message.mac) || (operation != kArpRequest && operation != kArpReply)) return result;
  message.asker = address_from(sender);
  message.asker_mac = message.mac;
  const IpAddress wanted = address_from(target);
  if (names_a_host(message.asker)) message.known = message.asker;
  if (operation == kArpRequest && names_a_host(wanted)) message.wanted = wanted;
  if (message.wanted || message.known) result.status = ParseStatus::found;
  return result;
}

/// The link address in the option `wanted`; none without that option. `ok`: whether all options fit.
std::optional<MacAddress> link_option(std::span<const std::byte> options, std::uint8_t wanted,
                                      bool& ok) noexcept {
  std::optional<MacAddress> found;
  ByteReader reader(options);
  while (reader.remaining() > 0) {
    const std::uint8_t type = reader.u8();
    const std::size_t bytes = reader.u8() * kOptionUnitBytes;
    const auto body = reader.bytes(bytes < 2 ? reader.remaining() + 1 : bytes - 2);
    if (reader.ok() && type == wanted && bytes == kLinkOptionBytes) found = mac_from(body);
  }
  ok = reader.ok();
  return found;
}

NeighbourParse parse_discovery(std::span<const std::byte> frame, std::span<const std::byte> packet) noexcept {
  ByteReader header(packet);
  header.skip(4);
  const std::uint16_t bytes = header.u16();
  const std::uint8_t protocol = header.u8();
  const std::uint8_t hop_limit = header.u8();
  const auto source_bytes = header.bytes(16);
  const auto destination_bytes = header.bytes(16);
  if (!header.ok() || protocol != ip_protocol::kIcmpV6 || header.rest().empty()) return {};
  const auto type = std::to_integer<std::uint8_t>(header.rest().front());
  if (type != kSolicitation && type != kAdvertisement) return {};

  NeighbourParse result{.status = ParseStatus::malformed, .message = {}};
  const IpAddress source = address_from(source_bytes);
  const IpAddress destination = address_from(destination_bytes);
  const auto content = header.bytes(bytes);
  ByteReader reader(content);
  const std::uint16_t type_and_code = reader.u16();
  reader.skip(2);
  const std::uint32_t flags = reader.u32();
  const auto target_bytes = reader.bytes(16);
  if (!header.ok() || !reader.ok() || (type_and_code & 0xff) != 0 || hop_limit != kLinkHopLimit)
    return result;
  if (icmpv6_checksum(source, destination, content) != 0) return result;
  const IpAddress target = address_from(target_bytes);
  bool fit = true;
  const bool asks = type == kSolicitation;
  const auto mac = link_option(reader.rest(), asks ? kSourceLinkAddress : kTargetLinkAddress, fit);
  if (!fit || !names_a_host(target) || is_group_v6(source) || (mac && !is_unicast(*mac))) return result;

  NeighbourMessage& message = result.message;
  message.asker_mac = mac_from(frame.subspan(6, 6));
  if (asks) {
    // RFC 4861, 7.1.1: a station without an address asks its group, and sends no option.
    if (is_zero(source) && (mac || destination != solicited_node(target))) return result;
    message.wanted = target;
    message.asker = source;
    if (mac) message.known = source;
  } else {
    if (is_group_v6(destination) && (flags & kSolicitedFlag) != 0) return result;
    message.overrides = (flags & kOverrideFlag) != 0;
    if (mac) message.known = target;
  }
  if (mac) message.mac = *mac;
  if (!is_unicast(message.asker_mac)) return result;
  result.status = message.wanted || message.known ? ParseStatus::found : ParseStatus::absent;
  return result;
}

struct ArpFields {
  std::uint16_t operation = 0;
  MacAddress sender_mac{};
  IpAddress sender;
  MacAddress target_mac{};
  IpAddress target;
};

std::size_t write_arp(const MacAddress& to, const ArpFields& fields, std::span<std::byte> out) noexcept {
  base::FieldWriter writer(out);
  write_link_header(writer, to, fields.sender_mac, ether_type::kArp);
  writer.u16(1);
  writer.u16(ether_type::kIpv4);
  writer.u16(0x0604);
  writer.u16(fields.operation);
  writer.bytes(fields.sender_mac);
  writer.bytes(fields.sender.span());
  writer.bytes(fields.target_mac);
  writer.bytes(fields.target.span());
  return kEthernetHeaderBytes + kArpBytes;
}

struct DiscoveryFields {
  std::uint8_t type = 0;
  std::uint32_t flags = 0;
  IpAddress source;
  IpAddress destination;
  IpAddress target;
  std::uint8_t option = 0;
};

std::size_t write_discovery(const MacAddress& to, const MacAddress& from, const DiscoveryFields& fields,
                            std::span<std::byte> out) noexcept {
  constexpr std::size_t kContentBytes = kMessageBytes + kLinkOptionBytes;
  base::FieldWriter writer(out);
  write_link_header(writer, to, from, ether_type::kIpv6);
  write_own_header(writer, {.source = fields.source,
                            .destination = fields.destination,
                            .protocol = ip_protocol::kIcmpV6,
                            .ttl = kLinkHopLimit,
                            .content_bytes = kContentBytes});
  const auto content = writer.rest().first(kContentBytes);
  writer.u8(fields.type);
  writer.u8(0);
  writer.u16(0);
  writer.u32(fields.flags);
  writer.bytes(fields.target.span());
  writer.u8(fields.option);
  writer.u8(kLinkOptionBytes / kOptionUnitBytes);
  writer.bytes(from);
  base::FieldWriter(content.subspan(2)).u16(icmpv6_checksum(fields.source, fields.destination, content));
  return kEthernetHeaderBytes + kIpv6HeaderBytes + kContentBytes;
}

}  // namespace

NeighbourParse parse_neighbour(std::span<const std::byte> frame) noexcept {
  ByteReader reader(frame);
  reader.skip(12);
  const std::uint16_t type = reader.u16();
  if (!reader.ok()) return {};
  if (type == ether_type::kArp) return parse_arp(reader.rest());
  if (type == ether_type::kIpv6) return parse_discovery(frame, reader.rest());
  return {};
}

std::size_t build_neighbour_request(const Station& from, const IpAddress& wanted,
                                    const std::optional<MacAddress>& last_known,
                                    std::span<std::byte> out) noexcept {
  if (out.size() < kMaxNeighbourFrameBytes) return 0;
  if (!wanted.is_v6) {
    return write_arp(last_known.value_or(kBroadcastMac),
                     {.operation = kArpRequest,
                      .sender_mac = from.mac,
                      .sender = from.address,
                      .target_mac = {},
                      .target = wanted},
                     out);
  }
  const IpAddress group = solicited_node(wanted);
  return write_discovery(last_known ? *last_known : group_mac(group), from.mac,
                         {.type = kSolicitation,
                          .flags = 0,
                          .source = from.address,
                          .destination = last_known ? wanted : group,
                          .target = wanted,
                          .option = kSourceLinkAddress},
                         out);
}

std::size_t build_neighbour_answer(const NeighbourMessage& question, const MacAddress& mac,
                                   std::span<std::byte> out) noexcept {
  if (out.size() < kMaxNeighbourFrameBytes || !question.wanted) return 0;
  const IpAddress& target = *question.wanted;
  if (!target.is_v6) {
    return write_arp(question.asker_mac,
                     {.operation = kArpReply,
                      .sender_mac = mac,
                      .sender = target,
                      .target_mac = question.asker_mac,
                      .target = question.asker},
                     out);
  }
  const bool for_all = is_zero(question.asker);
  return write_discovery(for_all ? group_mac(all_nodes()) : question.asker_mac, mac,
                         {.type = kAdvertisement,
                          .flags = kRouterFlag | kOverrideFlag | (for_all ? 0 : kSolicitedFlag),
                          .source = target,
                          .destination = for_all ? all_nodes() : question.asker,
                          .target = target,
                          .option = kTargetLinkAddress},
                         out);
}

}  // namespace weir::proto
