#include "tests/support/packet_builder.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <arpa/inet.h>
#include <sys/socket.h>

#include "tests/support/frame_check.h"

namespace weir::test {
namespace {

constexpr std::uint16_t kTypeIpv4 = 0x0800;
constexpr std::uint16_t kTypeIpv6 = 0x86dd;
constexpr std::uint8_t kTcpProtocol = 6;
constexpr std::uint8_t kUdpProtocol = 17;

Bytes mac_bytes(std::string_view text) {
  std::string hex(text);
  std::erase(hex, ':');
  Bytes bytes = from_hex(hex);
  if (bytes.size() != 6) throw std::invalid_argument("not a MAC address: " + std::string(text));
  return bytes;
}

Bytes address_bytes(int family, std::string_view text) {
  Bytes bytes(family == AF_INET ? 4 : 16);
  if (inet_pton(family, std::string(text).c_str(), bytes.data()) != 1) {
    throw std::invalid_argument("not an address of this family: " + std::string(text));
  }
  return bytes;
}

void pad_to(Bytes& bytes, std::size_t multiple) {
  while (bytes.size() % multiple != 0) bytes.push_back(std::byte{0});
}

}  // namespace

PacketBuilder::Layer& PacketBuilder::add(Kind kind, Bytes header, std::uint16_t own_number) {
  Layer layer;
  layer.kind = kind;
  layer.header = std::move(header);
  layer.own_number = own_number;
  layers_.push_back(std::move(layer));
  return layers_.back();
}

PacketBuilder::Layer& PacketBuilder::last(std::initializer_list<Kind> kinds, std::string_view method) {
  if (layers_.empty() || std::find(kinds.begin(), kinds.end(), layers_.back().kind) == kinds.end()) {
    throw std::logic_error(std::string(method) + "() does not fit the last layer");
  }
  return layers_.back();
}

PacketBuilder& PacketBuilder::ethernet(std::string_view source, std::string_view destination) {
  Bytes header = mac_bytes(destination);
  append(header, mac_bytes(source));
  append_integer(header, 0, 2);
  add(Kind::ethernet, std::move(header), 0x6558);
  return *this;
}

PacketBuilder& PacketBuilder::linux_sll() {
  Bytes header = from_hex("0000 0001 0006");  // to this host, ARPHRD_ETHER, address length
  append(header, mac_bytes(kClientMac));
  append_integer(header, 0, 4);  // address padding, protocol
  add(Kind::sll, std::move(header), 0);
  return *this;
}

PacketBuilder& PacketBuilder::linux_sll2() {
  Bytes header =
      from_hex("0000 0000 00000003 0001 00 06");  // protocol, reserved, ifindex, ARPHRD, type, length
  append(header, mac_bytes(kClientMac));
  append_integer(header, 0, 2);
  add(Kind::sll2, std::move(header), 0);
  return *this;
}

PacketBuilder& PacketBuilder::loopback(bool big_endian) {
  add(Kind::loopback, Bytes(4), 0).big_endian = big_endian;
  return *this;
}

PacketBuilder& PacketBuilder::vlan(std::uint16_t id, std::uint16_t tpid, std::uint8_t priority) {
  Bytes header;
  append_integer(header, static_cast<std::uint64_t>(priority) << 13 | id, 2);
  append_integer(header, 0, 2);
  add(Kind::vlan, std::move(header), tpid);
  return *this;
}

PacketBuilder& PacketBuilder::ethertype(std::uint16_t value) {
  last({Kind::ethernet, Kind::sll, Kind::sll2, Kind::vlan, Kind::gre, Kind::geneve}, "ethertype").next =
      value;
  return *this;
}

PacketBuilder& PacketBuilder::length_field() {
  last({Kind::ethernet, Kind::vlan}, "length_field").use_length_field = true;
  return *this;
}

PacketBuilder& PacketBuilder::arp_request(std::string_view sender, std::string_view target) {
  Bytes body = from_hex("0001 0800 06 04 0001");
  append(body, mac_bytes(kClientMac));
  append(body, address_bytes(AF_INET, sender));
  append(body, Bytes(6));
  append(body, address_bytes(AF_INET, target));
  add(Kind::raw, std::move(body), 0x0806);
  return *this;
}

PacketBuilder& PacketBuilder::raw(std::span<const std::byte> header) {
  add(Kind::raw, Bytes(header.begin(), header.end()), 0);
  return *this;
}

PacketBuilder& PacketBuilder::ipv4(std::string_view source, std::string_view destination) {
  Bytes header = from_hex("45 00 0000 0001 4000 40 00 0000");  // don't fragment, TTL 64
  append(header, address_bytes(AF_INET, source));
  append(header, address_bytes(AF_INET, destination));
  add(Kind::ipv4, std::move(header), kTypeIpv4);
  return *this;
}

PacketBuilder& PacketBuilder::ipv6(std::string_view source, std::string_view destination) {
  Bytes header = from_hex("60000000 0000 3b 40");
  append(header, address_bytes(AF_INET6, source));
  append(header, address_bytes(AF_INET6, destination));
  add(Kind::ipv6, std::move(header), kTypeIpv6);
  return *this;
}

PacketBuilder& PacketBuilder::ttl(std::uint8_t value) {
  Layer& layer = last({Kind::ipv4, Kind::ipv6}, "ttl");
  layer.header[layer.kind == Kind::ipv4 ? 8 : 7] = static_cast<std::byte>(value);
  return *this;
}

PacketBuilder& PacketBuilder::ip_id(std::uint16_t value) {
  put_u16(last({Kind::ipv4}, "ip_id").header, 4, value);
  return *this;
}

PacketBuilder& PacketBuilder::ip_options(std::span<const std::byte> options) {
  Layer& layer = last({Kind::ipv4}, "ip_options");
  append(layer.header, options);
  pad_to(layer.header, 4);
  if (layer.header.size() > 60) throw std::logic_error("IPv4 options of more than 40 bytes");
  return header_words(static_cast<std::uint8_t>(layer.header.size() / 4));
}

PacketBuilder& PacketBuilder::header_words(std::uint8_t value) {
  Layer& layer = last({Kind::ipv4, Kind::tcp}, "header_words");
  if (layer.kind == Kind::ipv4) {
    layer.header[0] = (layer.header[0] & std::byte{0xf0}) | static_cast<std::byte>(value & 0x0f);
  } else {
    layer.header[12] = static_cast<std::byte>(value << 4);
  }
  return *this;
}

PacketBuilder& PacketBuilder::version(std::uint8_t value) {
  Bytes& header = last({Kind::ipv4, Kind::ipv6}, "version").header;
  header[0] = (header[0] & std::byte{0x0f}) | static_cast<std::byte>(value << 4);
  return *this;
}

PacketBuilder& PacketBuilder::protocol(std::uint8_t value) {
  last({Kind::ipv4, Kind::ipv6, Kind::extension, Kind::ipv6_fragment, Kind::authentication}, "protocol")
      .next = value;
  return *this;
}

PacketBuilder& PacketBuilder::fragment(std::uint32_t offset_bytes, bool more, std::uint32_t id) {
  const auto field = static_cast<std::uint16_t>(offset_bytes / 8);
  if (offset_bytes % 8 != 0 || field >= 8192) throw std::logic_error("not a fragment offset");
  if (!layers_.empty() && layers_.back().kind == Kind::ipv4) {
    Bytes& header = layers_.back().header;
    put_u16(header, 4, static_cast<std::uint16_t>(id));
    put_u16(header, 6, static_cast<std::uint16_t>(field | (more ? 0x2000 : 0)));
    return *this;
  }
  static_cast<void>(
      last({Kind::ipv6, Kind::extension, Kind::ipv6_fragment, Kind::authentication}, "fragment"));
  Bytes header(2);
  append_integer(header, static_cast<std::uint64_t>(field) << 3 | (more ? 1U : 0U), 2);
  append_integer(header, id, 4);
  add(Kind::ipv6_fragment, std::move(header), 44);
  return *this;
}

PacketBuilder& PacketBuilder::extension(std::uint8_t protocol_number, std::size_t total_bytes) {
  static_cast<void>(
      last({Kind::ipv6, Kind::extension, Kind::ipv6_fragment, Kind::authentication}, "extension"));
  if (total_bytes % 8 != 0 || total_bytes < 8 || total_bytes > 2048) {
    throw std::logic_error("an IPv6 extension header has 8 to 2048 bytes, in steps of 8");
  }
  Bytes header(total_bytes);  // the body is Pad1 options, or a routing header of type 0 with no segments
  header[1] = static_cast<std::byte>(total_bytes / 8 - 1);
  add(Kind::extension, std::move(header), protocol_number);
  return *this;
}

PacketBuilder& PacketBuilder::authentication_header() {
  Bytes header(24);
  header[1] = std::byte{4};  // 4-byte units, less 2
  add(Kind::authentication, std::move(header), 51);
  return *this;
}

PacketBuilder& PacketBuilder::tcp(std::uint16_t source_port, std::uint16_t destination_port) {
  Bytes header;
  append_integer(header, source_port, 2);
  append_integer(header, destination_port, 2);
  append(header, from_hex("00000001 00000000 50 18 ffff 0000 0000"));  // PSH and ACK
  add(Kind::tcp, std::move(header), kTcpProtocol);
  return *this;
}

PacketBuilder& PacketBuilder::udp(std::uint16_t source_port, std::uint16_t destination_port) {
  Bytes header;
  append_integer(header, source_port, 2);
  append_integer(header, destination_port, 2);
  append_integer(header, 0, 4);
  add(Kind::udp, std::move(header), kUdpProtocol);
  return *this;
}

PacketBuilder& PacketBuilder::seq(std::uint32_t value) {
  put_u32(last({Kind::tcp}, "seq").header, 4, value);
  return *this;
}

PacketBuilder& PacketBuilder::ack(std::uint32_t value) {
  Bytes& header = last({Kind::tcp}, "ack").header;
  put_u32(header, 8, value);
  header[13] |= std::byte{0x10};
  return *this;
}

PacketBuilder& PacketBuilder::flags(std::string_view letters) {
  constexpr std::string_view kOrder = "FSRPAUEC";
  std::byte value{0};
  for (const char letter : letters) {
    const std::size_t bit = kOrder.find(letter);
    if (bit == std::string_view::npos) throw std::logic_error("TCP flags are of " + std::string(kOrder));
    value |= static_cast<std::byte>(1U << bit);
  }
  last({Kind::tcp}, "flags").header[13] = value;
  return *this;
}

PacketBuilder& PacketBuilder::window(std::uint16_t value) {
  put_u16(last({Kind::tcp}, "window").header, 14, value);
  return *this;
}

PacketBuilder& PacketBuilder::urgent(std::uint16_t pointer) {
  Bytes& header = last({Kind::tcp}, "urgent").header;
  put_u16(header, 18, pointer);
  header[13] |= std::byte{0x20};
  return *this;
}

PacketBuilder& PacketBuilder::tcp_options(std::span<const std::byte> options) {
  Layer& layer = last({Kind::tcp}, "tcp_options");
  append(layer.header, options);
  pad_to(layer.header, 4);
  if (layer.header.size() > 60) throw std::logic_error("TCP options of more than 40 bytes");
  return header_words(static_cast<std::uint8_t>(layer.header.size() / 4));
}

PacketBuilder& PacketBuilder::length(std::uint16_t value) {
  last({Kind::ipv4, Kind::ipv6, Kind::udp, Kind::pppoe, Kind::gtp_u}, "length").length = value;
  return *this;
}

PacketBuilder& PacketBuilder::checksum(std::uint16_t value) {
  last({Kind::ipv4, Kind::tcp, Kind::udp}, "checksum").checksum = value;
  return *this;
}

PacketBuilder& PacketBuilder::payload(std::string_view text) { return payload(to_bytes(text)); }

PacketBuilder& PacketBuilder::payload(std::span<const std::byte> bytes) {
  payload_.assign(bytes.begin(), bytes.end());
  return *this;
}

PacketBuilder& PacketBuilder::trailer(std::size_t bytes, std::byte value) {
  trailer_.assign(bytes, value);
  return *this;
}

}  // namespace weir::test
