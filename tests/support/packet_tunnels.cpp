#include <stdexcept>

#include "tests/support/packet_builder.h"

// The methods of PacketBuilder that put packets into packets.
namespace weir::test {
namespace {

constexpr std::uint16_t kMultilink = 0x003d;  // a protocol of PPP, and in the place of a type only here

}  // namespace

// Its type is its last field, as that of a tag.
PacketBuilder& PacketBuilder::snap() {
  length_field();
  add(Kind::vlan, from_hex("aaaa03 000000 0000"), 0);
  return *this;
}

PacketBuilder& PacketBuilder::etag(std::uint16_t e_cid) {
  Bytes header = from_hex("0000");
  append_integer(header, e_cid, 2);
  append(header, Bytes(4));  // extensions, type
  add(Kind::vlan, std::move(header), 0x893f);
  return *this;
}

PacketBuilder& PacketBuilder::ppp() {
  add(Kind::ppp, from_hex("ff03 0000"), 0);
  return *this;
}

PacketBuilder& PacketBuilder::pppoe(std::uint16_t session, bool short_protocol) {
  Bytes header = from_hex("11 00");
  append_integer(header, session, 2);
  append(header, Bytes(short_protocol ? 3 : 4));  // length, PPP protocol
  add(Kind::pppoe, std::move(header), 0x8864);
  return *this;
}

PacketBuilder& PacketBuilder::multilink(Numbers numbers) {
  add(Kind::ppp, from_hex(numbers == Numbers::are_long ? "c0 000001 0000" : "c001 0000"), kMultilink);
  return *this;
}

PacketBuilder& PacketBuilder::l2tp(std::string_view fields) {
  udp(1701, 1701);
  const auto has = [fields](char field) { return fields.find(field) != std::string_view::npos; };
  Bytes header;
  append_integer(header,
                 2U | (has('L') ? 0x4000U : 0U) | (has('S') ? 0x0800U : 0U) | (has('O') ? 0x0200U : 0U), 2);
  if (has('L')) append_integer(header, 0, 2);
  append_integer(header, 0x00070009, 4);
  if (has('S')) append_integer(header, 0x00010002, 4);
  if (has('O')) append(header, from_hex("0003 aabbcc"));
  add(Kind::raw, std::move(header), 0);
  return ppp();
}

PacketBuilder& PacketBuilder::mpls(std::uint32_t label) {
  Bytes header;
  append_integer(header, static_cast<std::uint64_t>(label) << 12 | 64, 4);
  add(Kind::mpls, std::move(header), 0x8847);
  return *this;
}

PacketBuilder& PacketBuilder::control_word() { return raw(Bytes(4)); }

PacketBuilder& PacketBuilder::gre(std::string_view fields) {
  std::uint16_t flags = 0;
  Bytes rest;
  for (const char field : std::string_view("CKS")) {
    if (fields.find(field) == std::string_view::npos) continue;
    flags |= field == 'C' ? 0x8000 : field == 'K' ? 0x2000 : 0x1000;
    append_integer(rest, 0x01020304, 4);
  }
  Bytes header;
  append_integer(header, flags, 2);
  append_integer(header, 0, 2);
  append(header, rest);
  add(Kind::gre, std::move(header), 47);
  return *this;
}

PacketBuilder& PacketBuilder::pptp_gre(bool with_acknowledgement) {
  Bytes header = from_hex(with_acknowledgement ? "3081 880b 0000 0001 00000005 00000006 ff03 0021"
                                               : "3001 880b 0000 0001 00000005 ff03 0021");
  add(Kind::raw, std::move(header), 47);
  return *this;
}

PacketBuilder& PacketBuilder::gre_in_udp() { return udp(50000, 4754).gre("K"); }

PacketBuilder& PacketBuilder::etherip() {
  add(Kind::raw, from_hex("3000"), 97);
  return *this;
}

PacketBuilder& PacketBuilder::gtp_u(std::span<const std::uint8_t> extension_words) {
  udp(2152, 2152);
  Bytes header = from_hex("30 ff 0000 00000001");
  if (!extension_words.empty()) {
    header[0] = std::byte{0x34};
    append(header, from_hex("000000 85"));  // begins with a PDU session container
    for (std::size_t i = 0; i < extension_words.size(); ++i) {
      Bytes extension(extension_words[i] * std::size_t{4});
      extension.front() = static_cast<std::byte>(extension_words[i]);
      extension.back() = std::byte{i + 1 < extension_words.size() ? std::uint8_t{0x85} : std::uint8_t{0}};
      append(header, extension);
    }
  }
  add(Kind::gtp_u, std::move(header), 0);
  return *this;
}

PacketBuilder& PacketBuilder::vxlan(std::uint32_t network, std::uint16_t port) {
  udp(50000, port);
  Bytes header = from_hex("08000000");
  append_integer(header, static_cast<std::uint64_t>(network) << 8, 4);
  add(Kind::raw, std::move(header), 0);
  return *this;
}

PacketBuilder& PacketBuilder::geneve(std::size_t option_words) {
  udp(50000, 6081);
  Bytes header(8 + option_words * 4);
  header[0] = static_cast<std::byte>(option_words);
  add(Kind::geneve, std::move(header), 0);
  return *this;
}

namespace {

std::uint16_t ppp_protocol(std::uint16_t ethertype) {
  if (ethertype == kMultilink) return kMultilink;
  return ethertype == 0x86dd ? 0x0057 : ethertype == 0x8847 ? 0x0281 : 0x0021;
}

}  // namespace

bool PacketBuilder::fill_encapsulation(const Layer& layer, const Layer* inner, std::size_t body_bytes,
                                       Bytes& header) const {
  const std::uint16_t number = layer.next.value_or(inner != nullptr ? inner->own_number : 0);
  switch (layer.kind) {
    case Kind::ppp:
      put_u16(header, header.size() - 2, ppp_protocol(number));
      return true;
    case Kind::pppoe: {
      const std::uint16_t protocol = ppp_protocol(number);
      put_u16(header, 4, layer.length.value_or(static_cast<std::uint16_t>(header.size() - 6 + body_bytes)));
      header.back() = static_cast<std::byte>(protocol & 0xff);
      if (header.size() == 8) header[6] = static_cast<std::byte>(protocol >> 8);
      return true;
    }
    case Kind::mpls:
      if (inner == nullptr || inner->kind != Kind::mpls) header[2] |= std::byte{1};
      return true;
    case Kind::gre:
    case Kind::geneve:
      put_u16(header, 2, number);
      return true;
    case Kind::gtp_u:
      put_u16(header, 2, layer.length.value_or(static_cast<std::uint16_t>(header.size() - 8 + body_bytes)));
      return true;
    default:
      return false;
  }
}

}  // namespace weir::test
