#include <algorithm>
#include <array>
#include <stdexcept>

#include "tests/support/frame_check.h"
#include "tests/support/packet_builder.h"

// The half of PacketBuilder that turns layers into bytes, from the innermost outwards.
namespace weir::test {

Bytes PacketBuilder::build() const {
  Bytes frame = render(0, payload_);
  append(frame, trailer_);
  return frame;
}

std::uint8_t PacketBuilder::protocol_number(const Layer& inner) {
  if (inner.kind == Kind::ipv4) return 4;
  if (inner.kind == Kind::ipv6) return 41;
  return static_cast<std::uint8_t>(inner.kind == Kind::mpls ? 137 : inner.own_number);
}

std::vector<Bytes> PacketBuilder::build_fragments(std::size_t fragment_bytes, std::uint32_t id,
                                                  Which which) const {
  auto ip = layers_.end();
  for (auto layer = layers_.begin(); layer != layers_.end(); ++layer) {
    const bool is_ip = layer->kind == Kind::ipv4 || layer->kind == Kind::ipv6;
    if (is_ip && (ip == layers_.end() || which == Which::innermost)) ip = layer;
  }
  if (ip == layers_.end()) throw std::logic_error("build_fragments() needs an IP layer");
  if (fragment_bytes == 0 || fragment_bytes % 8 != 0) throw std::logic_error("not a fragment size");
  const auto index = static_cast<std::size_t>(ip - layers_.begin());
  const Bytes whole = render(index + 1, payload_);

  std::vector<Bytes> frames;
  for (std::size_t offset = 0; offset < whole.size(); offset += fragment_bytes) {
    const std::size_t size = std::min(fragment_bytes, whole.size() - offset);
    PacketBuilder piece;
    piece.layers_.assign(layers_.begin(), ip + 1);
    if (index + 1 < layers_.size() && !ip->next) {
      piece.layers_.back().next = protocol_number(layers_[index + 1]);
    }
    const auto inner = piece.layers_.back().next;
    if (ip->kind == Kind::ipv6) piece.layers_.back().next.reset();
    piece.fragment(static_cast<std::uint32_t>(offset), offset + size < whole.size(), id);
    if (ip->kind == Kind::ipv6) piece.layers_.back().next = inner;
    piece.payload(std::span(whole).subspan(offset, size));
    piece.trailer_ = trailer_;
    frames.push_back(piece.build());
  }
  return frames;
}

Bytes PacketBuilder::render(std::size_t first, Bytes body) const {
  for (std::size_t index = layers_.size(); index-- > first;) {
    Bytes rendered = finish(index, body);
    append(rendered, body);
    body = std::move(rendered);
  }
  return body;
}

Bytes PacketBuilder::finish(std::size_t index, const Bytes& body) const {
  const Layer& layer = layers_[index];
  Bytes header = layer.header;
  fill_next(layer, index, body.size(), header);
  if (layer.kind == Kind::ipv4 || layer.kind == Kind::ipv6) fill_ip(layer, body.size(), header);
  if (layer.kind == Kind::tcp || layer.kind == Kind::udp) fill_transport(layer, index, body, header);
  return header;
}

void PacketBuilder::fill_next(const Layer& layer, std::size_t index, std::size_t body_bytes,
                              Bytes& header) const {
  const Layer* inner = index + 1 < layers_.size() ? &layers_[index + 1] : nullptr;
  const bool inner_is_ip = inner != nullptr && (inner->kind == Kind::ipv4 || inner->kind == Kind::ipv6);
  const bool inner_is_v6 = inner_is_ip && inner->kind == Kind::ipv6;
  if (fill_encapsulation(layer, inner, body_bytes, header)) return;
  const std::uint16_t number = layer.next.value_or(inner != nullptr ? inner->own_number : 0);
  switch (layer.kind) {
    case Kind::ethernet:
      put_u16(header, 12, layer.use_length_field ? static_cast<std::uint16_t>(body_bytes) : number);
      return;
    case Kind::vlan:
      put_u16(header, header.size() - 2,
              layer.use_length_field ? static_cast<std::uint16_t>(body_bytes) : number);
      return;
    case Kind::sll:
      put_u16(header, 14, number);
      return;
    case Kind::sll2:
      put_u16(header, 0, number);
      return;
    case Kind::loopback:  // AF_INET is 2; AF_INET6 is 10 on Linux and 24, 28 or 30 on BSD
      header[layer.big_endian ? 3 : 0] = inner_is_v6 ? std::byte{30} : std::byte{2};
      return;
    case Kind::ipv4:
    case Kind::ipv6:
    case Kind::extension:
    case Kind::ipv6_fragment:
    case Kind::authentication: {
      constexpr std::uint16_t kNoNextHeader = 59;
      const std::uint16_t implied = inner != nullptr ? protocol_number(*inner) : kNoNextHeader;
      header[layer.kind == Kind::ipv4   ? 9
             : layer.kind == Kind::ipv6 ? 6
                                        : 0] = static_cast<std::byte>(layer.next.value_or(implied));
      return;
    }
    default:
      return;
  }
}

void PacketBuilder::fill_ip(const Layer& layer, std::size_t body_bytes, Bytes& header) const {
  if (layer.kind == Kind::ipv6) {
    put_u16(header, 4, layer.length.value_or(static_cast<std::uint16_t>(body_bytes)));
    return;
  }
  put_u16(header, 2, layer.length.value_or(static_cast<std::uint16_t>(header.size() + body_bytes)));
  put_u16(header, 10, layer.checksum.value_or(internet_checksum(header)));
}

void PacketBuilder::fill_transport(const Layer& layer, std::size_t index, const Bytes& body,
                                   Bytes& header) const {
  const bool is_tcp = layer.kind == Kind::tcp;
  const std::size_t segment_bytes = header.size() + body.size();
  if (!is_tcp) put_u16(header, 4, layer.length.value_or(static_cast<std::uint16_t>(segment_bytes)));
  Bytes summed;
  for (std::size_t i = index; i-- > 0;) {  // the pseudo header of the IP layer around this one
    const Layer& outer = layers_[i];
    if (outer.kind != Kind::ipv4 && outer.kind != Kind::ipv6) continue;
    const std::size_t addresses_at = outer.kind == Kind::ipv4 ? 12 : 8;
    const std::size_t addresses_bytes = outer.kind == Kind::ipv4 ? 8 : 32;
    append(summed, std::span(outer.header).subspan(addresses_at, addresses_bytes));
    append_integer(summed, is_tcp ? 6 : 17, 4);
    append_integer(summed, segment_bytes, 4);
    break;
  }
  append(summed, header);
  append(summed, body);
  std::uint16_t computed = internet_checksum(summed);
  if (!is_tcp && computed == 0) computed = 0xffff;  // RFC 768: zero means no checksum
  put_u16(header, is_tcp ? 16 : 6, layer.checksum.value_or(computed));
}

}  // namespace weir::test
