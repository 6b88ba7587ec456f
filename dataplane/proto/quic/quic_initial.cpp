#include "dataplane/proto/quic/quic_initial.h"

#include <algorithm>

#include "dataplane/base/byte_reader.h"
#include "dataplane/proto/quic/quic_frames.h"

namespace weir::proto {
namespace {

using base::ByteReader;
using base::ParseStatus;

constexpr unsigned kLongHeader = 0x80;
constexpr unsigned kQuicBit = 0x40;
constexpr std::size_t kMinClientDatagramBytes = 1200;   // RFC 9000, 14.1
constexpr std::size_t kMinFirstDestinationIdBytes = 8;  // RFC 9000, 7.2

QuicPacketType type_of(QuicVersion version, unsigned first_byte) noexcept {
  constexpr std::array<QuicPacketType, 4> kTypes{QuicPacketType::initial, QuicPacketType::zero_rtt,
                                                 QuicPacketType::handshake, QuicPacketType::retry};
  const unsigned bits = first_byte >> 4 & 3U;
  // Version 2 rotates the types by one (RFC 9369, 3.2).
  return kTypes[version == QuicVersion::v2 ? (bits + 3) % 4 : bits];
}

// Random bytes must seldom look like QUIC, because they would be counted as an unknown version.
bool may_begin_connection(unsigned first_byte, std::size_t datagram_bytes,
                          const QuicPacket& packet) noexcept {
  return (first_byte & kQuicBit) != 0 && datagram_bytes >= kMinClientDatagramBytes &&
         packet.destination_id.size() >= kMinFirstDestinationIdBytes &&
         packet.destination_id.size() <= kMaxConnectionIdBytes &&
         packet.source_id.size() <= kMaxConnectionIdBytes;
}

// Token and Length of a packet of a known version.
ParseStatus read_lengths(ByteReader& reader, std::span<const std::byte> datagram,
                         QuicPacket& packet) noexcept {
  if (packet.type == QuicPacketType::retry) return ParseStatus::found;
  if (packet.type == QuicPacketType::initial) {
    const std::uint64_t token_bytes = read_quic_integer(reader);
    if (token_bytes > reader.remaining()) return ParseStatus::malformed;
    packet.token = reader.bytes(static_cast<std::size_t>(token_bytes));
  }
  const std::uint64_t length = read_quic_integer(reader);
  if (!reader.ok() || length > reader.remaining()) return ParseStatus::malformed;
  packet.packet_number_offset = reader.position();
  packet.bytes = datagram.first(reader.position() + static_cast<std::size_t>(length));
  return ParseStatus::found;
}

}  // namespace

QuicVersion quic_version_of(std::uint32_t number) noexcept {
  constexpr std::uint32_t kVersion1 = 0x00000001;
  constexpr std::uint32_t kVersion2 = 0x6b3343cf;
  constexpr std::uint32_t kDraft = 0xff000000;
  if (number == kVersion1) return QuicVersion::v1;
  if (number == kVersion2) return QuicVersion::v2;
  if (number >= kDraft + 33 && number <= kDraft + 34) return QuicVersion::v1;
  if (number >= kDraft + 29 && number <= kDraft + 32) return QuicVersion::draft29;
  if (number >= kDraft + 23 && number <= kDraft + 28) return QuicVersion::draft23;
  return QuicVersion::unknown;
}

QuicConnectionId::QuicConnectionId(std::span<const std::byte> bytes) noexcept
    : size_(static_cast<std::uint8_t>(std::min(bytes.size(), kMaxConnectionIdBytes))) {
  std::copy_n(bytes.begin(), size_, bytes_.begin());
}

QuicParse parse_quic_packet(std::span<const std::byte> datagram) noexcept {
  QuicParse parse;
  ByteReader reader(datagram);
  const unsigned first_byte = reader.u8();
  if ((first_byte & kLongHeader) == 0) return parse;
  QuicPacket& packet = parse.packet;
  packet.bytes = datagram;
  packet.version_number = reader.u32();
  packet.version = quic_version_of(packet.version_number);
  packet.destination_id = reader.bytes(reader.u8());
  packet.source_id = reader.bytes(reader.u8());
  const bool known = packet.version != QuicVersion::unknown;
  if (!reader.ok()) {
    if (known) parse.status = ParseStatus::malformed;
    return parse;
  }
  if (packet.version_number == 0) {
    // A list of versions, from a server (RFC 9000, 17.2.1).
    if (reader.remaining() == 0 || reader.remaining() % 4 != 0) return parse;
    packet.type = QuicPacketType::version_negotiation;
    parse.status = ParseStatus::found;
    return parse;
  }
  if (!known) {
    if (may_begin_connection(first_byte, datagram.size(), packet)) parse.status = ParseStatus::found;
    return parse;
  }
  if (packet.destination_id.size() > kMaxConnectionIdBytes ||
      packet.source_id.size() > kMaxConnectionIdBytes) {
    parse.status = ParseStatus::malformed;
    return parse;
  }
  packet.type = type_of(packet.version, first_byte);
  parse.status = read_lengths(reader, datagram, packet);
  return parse;
}

}  // namespace weir::proto
