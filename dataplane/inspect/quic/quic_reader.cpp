#include "dataplane/inspect/quic/quic_reader.h"

#include <algorithm>

#include "dataplane/base/byte_reader.h"
#include "dataplane/proto/quic/quic_frames.h"

namespace weir::inspect {
namespace {

using base::ParseStatus;

constexpr std::size_t kMaxDatagramBytes = 65535;
constexpr std::size_t kMessageHeaderBytes = 4;  // RFC 8446, 4
constexpr std::uint8_t kClientHello = 1;

}  // namespace

QuicReader::QuicReader(const flow::CryptoStreams::Settings& settings)
    : streams_(settings), plaintext_(kMaxDatagramBytes) {}

void QuicReader::begin(const proto::PacketView& packet, std::chrono::nanoseconds now) noexcept {
  datagram_ = {};
  blocked_initial_.reset();
  stream_ = nullptr;
  crypto_seen_ = false;
  packets_ = 0;
  other_keys_ = 0;
  now_ = now;
  rest_ = packet.payload.first(std::min(packet.payload.size(), kMaxDatagramBytes));
  constexpr std::byte kLongHeader{0x80};
  if (rest_.empty() || (rest_.front() & kLongHeader) == std::byte{0}) {
    rest_ = {};
    return;
  }
  connection_ = streams_.connection_of(flow::flow_key_of(packet));
}

const proto::ClientHello* QuicReader::next() noexcept {
  for (;;) {
    if (stream_ != nullptr) {
      if (decide_message()) return &hello_.hello;
      datagram_.incomplete |= crypto_seen_ && waits(*stream_);
    }
    stream_ = nullptr;
    crypto_seen_ = false;
    if (!read_packet()) return nullptr;
  }
}

void QuicReader::block() noexcept {
  if (stream_ == nullptr) return;
  stream_->blocked = true;
  blocked_initial_ = initial_;
}

std::optional<std::span<const std::byte>> QuicReader::close() noexcept {
  if (!blocked_initial_) return std::nullopt;
  const std::size_t bytes = proto::build_quic_close(crypto_, *blocked_initial_, close_);
  if (bytes == 0) return std::nullopt;
  return std::span(close_).first(bytes);
}

// Reads the next packet of the datagram; false: there is none. Sets stream_ if it read the packet's frames.
bool QuicReader::read_packet() noexcept {
  if (rest_.empty() || packets_ == kMaxPackets) return false;
  ++packets_;
  const proto::QuicParse parse = proto::parse_quic_packet(rest_);
  if (parse.status != ParseStatus::found) {
    datagram_.malformed |= parse.status == ParseStatus::malformed;
    return false;
  }
  const proto::QuicPacket& packet = parse.packet;
  rest_ = rest_.subspan(packet.bytes.size());
  switch (packet.type) {
    case proto::QuicPacketType::initial:
      datagram_.initial = true;
      read_initial(packet);
      break;
    case proto::QuicPacketType::zero_rtt: {
      const proto::QuicConnectionId id(packet.destination_id);
      const flow::CryptoStream* known = streams_.find(connection_, packet.version, id, now_);
      datagram_.blocked |= known != nullptr && known->blocked;
      break;
    }
    case proto::QuicPacketType::unknown_version:
      datagram_.unknown_version = true;
      break;
    case proto::QuicPacketType::handshake:
    case proto::QuicPacketType::retry:
    case proto::QuicPacketType::version_negotiation:
      break;
  }
  return true;
}

void QuicReader::read_initial(const proto::QuicPacket& packet) noexcept {
  const auto opened = open(packet);
  if (!opened) {
    datagram_.malformed = true;
    return;
  }
  stream_->last_seen = now_;
  initial_ = {.version = packet.version,
              .version_number = packet.version_number,
              .keys_id = stream_->id,
              .destination_id = proto::QuicConnectionId(packet.destination_id),
              .source_id = proto::QuicConnectionId(packet.source_id),
              .packet_number = opened->packet_number};
  stream_->next_number = std::max(stream_->next_number, opened->packet_number + 1);
  if (stream_->blocked) {
    datagram_.blocked = true;
    // Answer only Initials with CRYPTO frames, so that closes cannot go back and forth for ever: a client
    // that is closing may answer a close with another one (RFC 9000, 10.2.1).
    proto::QuicCryptoFrame frame;
    if (proto::QuicFrameReader(opened->frames).next(frame)) blocked_initial_ = initial_;
    return;
  }
  read_frames(opened->frames);
}

std::optional<proto::QuicOpened> QuicReader::open_with(const proto::QuicPacket& packet,
                                                       const proto::QuicConnectionId& id,
                                                       std::uint64_t next_number) noexcept {
  return crypto_.open(crypto_.client_keys(packet.version, id), packet, next_number, plaintext_);
}

// Sets stream_ if the packet is authentic.
std::optional<proto::QuicOpened> QuicReader::open(const proto::QuicPacket& packet) noexcept {
  const proto::QuicConnectionId id(packet.destination_id);
  if (flow::CryptoStream* known = streams_.find(connection_, packet.version, id, now_)) {
    const auto opened = open_with(packet, id, known->next_number);
    // The server drops it too, unless it knows a packet number that Weir does not: it must not get the
    // packet.
    if (!opened) datagram_.conflict = true;
    if (opened) stream_ = known;
    return opened;
  }
  streams_.expect(connection_);
  // An id that the server chose is more likely than a second connection of the same 5-tuple.
  if (const auto opened = open_as_known(packet)) return opened;
  const auto opened = open_with(packet, id, 0);
  if (opened) stream_ = &streams_.add(connection_, packet.version, id, now_);
  return opened;
}

// Tries the keys of the ids that are known from earlier packets. The version may have changed since then:
// compatible negotiation keeps the id and uses the new version's salt (RFC 9369, 4.1).
std::optional<proto::QuicOpened> QuicReader::open_as_known(const proto::QuicPacket& packet) noexcept {
  std::size_t place = 0;
  while (other_keys_ < kMaxOtherKeys) {
    flow::CryptoStream* known = streams_.next_of(connection_, place, now_);
    if (known == nullptr) break;
    ++other_keys_;
    const proto::QuicConnectionId id = known->id;
    const bool same_version = known->version == packet.version;
    const auto opened = open_with(packet, id, same_version ? known->next_number : 0);
    if (!opened) continue;
    flow::CryptoStream* stream = same_version ? known : streams_.find(connection_, packet.version, id, now_);
    stream_ = stream != nullptr ? stream : &streams_.add(connection_, packet.version, id, now_);
    return opened;
  }
  return std::nullopt;
}

void QuicReader::read_frames(std::span<const std::byte> frames) noexcept {
  proto::QuicFrameReader reader(frames);
  proto::QuicCryptoFrame frame;
  while (reader.next(frame)) {
    crypto_seen_ |= !frame.data.empty();
    if (streams_.store(*stream_, frame.offset, frame.data) == flow::CryptoStreams::Stored::conflict) {
      datagram_.conflict = true;
    }
  }
  datagram_.malformed |= reader.malformed();
}

// The message at the start of the stream, then the one after it: a second hello, after a HelloRetryRequest.
bool QuicReader::decide_message() noexcept {
  if (decide_message_at(0, 0)) return true;
  return stream_->second_message != 0 && decide_message_at(1, stream_->second_message);
}

bool QuicReader::waits(const flow::CryptoStream& stream) const noexcept {
  if (!stream.decided[0]) return true;
  const std::size_t second = stream.second_message;
  return second != 0 && !stream.decided[1] && streams_.has(stream, second, second + 1);
}

// True: a complete ClientHello that was not decided before begins at `begin`; it is now in hello_.
bool QuicReader::decide_message_at(std::size_t index, std::size_t begin) noexcept {
  flow::CryptoStream& stream = *stream_;
  if (stream.decided[index] || !streams_.has(stream, begin, begin + kMessageHeaderBytes)) return false;
  base::ByteReader header(streams_.read(stream, begin, begin + kMessageHeaderBytes));
  const std::uint8_t type = header.u8();
  const std::size_t end = begin + kMessageHeaderBytes + header.u24();
  const bool readable = type == kClientHello && end <= flow::kMaxCryptoBytes;
  if (readable && !streams_.has(stream, begin, end)) return false;
  stream.decided[index] = true;
  if (!readable) {
    datagram_.malformed = true;
    return false;
  }
  hello_ = proto::parse_client_hello_body(streams_.read(stream, begin + kMessageHeaderBytes, end));
  if (index == 0 && end < flow::kMaxCryptoBytes) stream.second_message = static_cast<std::uint32_t>(end);
  streams_.retire(stream);
  datagram_.malformed |= hello_.status != ParseStatus::found;
  return hello_.status == ParseStatus::found;
}

}  // namespace weir::inspect
