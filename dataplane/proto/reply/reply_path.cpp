#include "dataplane/proto/reply/reply_path.h"

#include <algorithm>

#include "dataplane/base/field_writer.h"
#include "dataplane/proto/packet/internet_checksum.h"
#include "dataplane/proto/packet/mac_address.h"
#include "dataplane/proto/packet/numbers.h"

namespace weir::proto {
namespace {

constexpr std::size_t kMacBytes = sizeof(MacAddress);
constexpr std::size_t kMostLength = 0xffff;
constexpr std::size_t kMost802_3Length = 1500;
constexpr std::uint8_t kTtl = 64;

}  // namespace

bool ReplyPath::add(Kind kind, std::size_t seen_offset, std::size_t bytes, std::uint8_t protocol) noexcept {
  if (count_ == layers_.size()) return false;
  const auto has_length = [](Kind of) {
    return of != Kind::ethernet && of != Kind::ethernet_with_length && of != Kind::copied;
  };
  const bool first_length =
      has_length(kind) && std::none_of(layers_.begin(), layers_.begin() + count_,
                                       [&](const Layer& layer) { return has_length(layer.kind); });
  if (first_length) before_lengths_ = header_bytes_;
  if (kind == Kind::ethernet_with_length && before_802_3_ == 0) before_802_3_ = header_bytes_ + bytes;
  layers_[count_++] = {.kind = kind,
                       .protocol = protocol,
                       .seen_offset = static_cast<std::uint32_t>(seen_offset),
                       .bytes = static_cast<std::uint32_t>(bytes)};
  header_bytes_ += bytes;
  return true;
}

bool ReplyPath::fits(std::size_t transport_bytes) const noexcept {
  if (before_802_3_ != 0 && header_bytes_ - before_802_3_ + transport_bytes > kMost802_3Length) return false;
  return transport_bytes <= kMostLength && header_bytes_ - before_lengths_ + transport_bytes <= kMostLength;
}

std::uint16_t ReplyPath::source_port() const noexcept {
  return towards_ == base::Towards::server ? seen_->source_port : seen_->destination_port;
}

std::uint16_t ReplyPath::destination_port() const noexcept {
  return towards_ == base::Towards::server ? seen_->destination_port : seen_->source_port;
}

std::uint32_t ReplyPath::pseudo_header_sum(std::uint8_t protocol,
                                           std::size_t transport_bytes) const noexcept {
  std::uint32_t sum = checksum_add(seen_->source.span(), 0);
  sum = checksum_add(seen_->destination.span(), sum);
  return sum + protocol + static_cast<std::uint32_t>(transport_bytes);
}

void ReplyPath::write(std::uint8_t protocol, std::uint16_t identification,
                      std::span<std::byte> frame) const noexcept {
  std::size_t at = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    Layer layer = layers_[i];
    if (i + 1 == count_) layer.protocol = protocol;
    write_layer(layer, identification, frame.subspan(at));
    at += layer.bytes;
  }
  // UDP checksums are set from the inside out, because an outer one covers the inner ones. One that the
  // sender left out is left out here too; over IPv6 receivers of tunnels accept that as well (RFC 6935).
  for (std::size_t i = count_; i > 0; --i) {
    const Layer& layer = layers_[i - 1];
    at -= layer.bytes;
    constexpr std::size_t kChecksumOffset = 6;
    if (layer.kind != Kind::udp) continue;
    const auto seen_checksum = seen_bytes(layer.seen_offset + kChecksumOffset, 2);
    if (seen_checksum[0] == std::byte{0} && seen_checksum[1] == std::byte{0}) continue;
    const Layer& ip = layers_[i - 2];
    const std::size_t address_bytes = ip.kind == Kind::ipv4 ? 4 : 16;
    const auto datagram = frame.subspan(at);
    const auto addresses = frame.subspan(at - 2 * address_bytes, 2 * address_bytes);
    const std::uint32_t sum =
        checksum_add(addresses, 0) + ip_protocol::kUdp + static_cast<std::uint32_t>(datagram.size());
    const std::uint16_t checksum = checksum_finish(checksum_add(datagram, sum));
    base::FieldWriter(datagram.subspan(kChecksumOffset)).u16(checksum == 0 ? 0xffff : checksum);
  }
}

// `out` reaches from the layer to the end of the frame.
void ReplyPath::write_layer(const Layer& layer, std::uint16_t identification,
                            std::span<std::byte> out) const noexcept {
  const auto content_bytes = static_cast<std::uint32_t>(out.size());
  switch (layer.kind) {
    case Kind::ipv4:
      return write_ipv4(layer, identification, out);
    case Kind::ipv6:
      return write_ipv6(layer, out);
    case Kind::ethernet:
    case Kind::ethernet_with_length:
    case Kind::copied:
    case Kind::pppoe:
    case Kind::udp:
      break;
  }
  base::FieldWriter(out).bytes(seen_bytes(layer.seen_offset, layer.bytes));
  if (layer.kind == Kind::pppoe) {
    base::FieldWriter(out.subspan(4)).u16(content_bytes - static_cast<std::uint32_t>(kPppoeHeaderBytes));
  }
  if (layer.kind == Kind::udp) {
    base::FieldWriter writer(out.subspan(4));
    writer.u16(content_bytes);
    writer.u16(0);
  }
  const bool is_frame = layer.kind == Kind::ethernet || layer.kind == Kind::ethernet_with_length;
  if (layer.kind == Kind::ethernet_with_length) {
    base::FieldWriter(out.subspan(layer.bytes - 2)).u16(content_bytes - layer.bytes);
  }
  if (is_frame && towards_ == base::Towards::client) {
    std::swap_ranges(out.begin(), out.begin() + kMacBytes, out.begin() + kMacBytes);
  }
}

void ReplyPath::write_ipv4(const Layer& layer, std::uint16_t identification,
                           std::span<std::byte> out) const noexcept {
  constexpr std::size_t kSourceOffset = 12;
  constexpr std::size_t kAddressBytes = 4;
  const bool same_way = towards_ == base::Towards::server;
  const std::size_t addresses = layer.seen_offset + kSourceOffset;
  base::FieldWriter writer(out);
  writer.u16(0x4500);
  writer.u16(static_cast<std::uint32_t>(out.size()));
  writer.u16(identification);
  writer.u16(0x4000);
  writer.u8(kTtl);
  writer.u8(layer.protocol);
  writer.u16(0);
  writer.bytes(seen_bytes(addresses + (same_way ? 0 : kAddressBytes), kAddressBytes));
  writer.bytes(seen_bytes(addresses + (same_way ? kAddressBytes : 0), kAddressBytes));
  base::FieldWriter(out.subspan(10)).u16(checksum_finish(checksum_add(out.first(kIpv4HeaderBytes), 0)));
}

// Towards the server the flow label is kept, so that routers that spread flows by it (RFC 6438) send the
// reset to the same server.
void ReplyPath::write_ipv6(const Layer& layer, std::span<std::byte> out) const noexcept {
  constexpr std::size_t kSourceOffset = 8;
  constexpr std::size_t kAddressBytes = 16;
  const bool same_way = towards_ == base::Towards::server;
  const std::size_t addresses = layer.seen_offset + kSourceOffset;
  base::FieldWriter writer(out);
  writer.u8(0x60);
  if (same_way) {
    const auto label = seen_bytes(layer.seen_offset + 1, 3);
    writer.u8(std::to_integer<std::uint32_t>(label[0] & std::byte{0x0f}));
    writer.bytes(label.subspan(1));
  } else {
    writer.u8(0);
    writer.u16(0);
  }
  writer.u16(static_cast<std::uint32_t>(out.size() - kIpv6HeaderBytes));
  writer.u8(layer.protocol);
  writer.u8(kTtl);
  writer.bytes(seen_bytes(addresses + (same_way ? 0 : kAddressBytes), kAddressBytes));
  writer.bytes(seen_bytes(addresses + (same_way ? kAddressBytes : 0), kAddressBytes));
}

}  // namespace weir::proto
