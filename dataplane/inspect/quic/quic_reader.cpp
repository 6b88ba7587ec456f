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

/// RFC 9000, 14.1.
constexpr std::size_t kMinClientDatagramBytes = 1200;

/// What work costs, in units of about 100 ns.
constexpr std::uint32_t kDerivationCost = 5;
constexpr std::uint32_t attempt_cost(std::size_t bytes) noexcept {
  constexpr std::size_t kBytesPerUnit = 1024;
  return 2 + static_cast<std::uint32_t>(bytes / kBytesPerUnit);
}
constexpr std::uint32_t kOrdinaryCost = kDerivationCost + attempt_cost(kMinClientDatagramBytes);

}  // namespace

QuicReader::QuicReader(const flow::CryptoStreams::Settings& settings, std::uint32_t initials_per_source)
    : streams_(settings),
      budget_(std::uint64_t{initials_per_source} * kOrdinaryCost),
      plaintext_(kMaxDatagramBytes) {}

void QuicReader::begin(const proto::PacketView& packet, std::chrono::nanoseconds now) noexcept {
  datagram_ = {};
  blocked_initial_.reset();
  stream_ = nullptr;
  crypto_seen_ = false;
  packets_ = 0;
  derivations_ = 0;
  attempts_ = 0;
  other_keys_ = 0;
  own_keys_.version = proto::QuicVersion::unknown;
  now_ = now;
  rest_ = packet.payload.first(std::min(packet.payload.size(), kMaxDatagramBytes));
  constexpr std::byte kLongHeader{0x80};
  if (rest_.empty() || (rest_.front() & kLongHeader) == std::byte{0}) {
    rest_ = {};
    return;
  }
  datagram_bytes_ = rest_.size();
  const flow::FlowKey key = flow::flow_key_of(packet);
  connection_ = streams_.connection_of(key);
  source_ = streams_.source_of(key);
  account_ = budget_.account_of(key.source);
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
  streams_.block(*stream_);
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
  if (rest_.empty()) return false;
  if (packets_ == kMaxPackets) {
    datagram_.excessive |= datagram_.initial;
    return false;
  }
  ++packets_;
  const proto::QuicParse parse = proto::parse_quic_packet(rest_);
  if (parse.status != ParseStatus::found) {
    datagram_.malformed |= parse.status == ParseStatus::malformed;
    return false;
  }
  const proto::QuicPacket& packet = parse.packet;
  rest_ = rest_.subspan(packet.bytes.size());
  if (packets_ == 1) first_id_ = proto::QuicConnectionId(packet.destination_id);
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
    datagram_.malformed |= !datagram_.over_budget && !datagram_.excessive;
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

// The first attempt of a datagram with keys that are there is always made: it costs little, and is what an
// Initial of a known connection needs.
bool QuicReader::may_spend() noexcept {
  if (attempts_ + other_keys_ + derivations_ == 0 || budget_.has_left(account_, now_)) return true;
  datagram_.over_budget = true;
  return false;
}

const proto::QuicInitialKeys* QuicReader::derive(proto::QuicVersion version,
                                                 const proto::QuicConnectionId& id) noexcept {
  if (derivations_ == kMaxDerivations) {
    datagram_.excessive = true;
    return nullptr;
  }
  if (!budget_.has_left(account_, now_)) {
    datagram_.over_budget = true;
    return nullptr;
  }
  ++derivations_;
  budget_.spend(account_, kDerivationCost, now_);
  return &crypto_.client_keys(version, id);
}

std::optional<proto::QuicOpened> QuicReader::open_with(const proto::QuicPacket& packet,
                                                       const proto::QuicInitialKeys& keys,
                                                       std::uint64_t next_number) noexcept {
  budget_.spend(account_, attempt_cost(packet.bytes.size()), now_);
  return crypto_.open(keys, packet, next_number, plaintext_);
}

std::optional<proto::QuicOpened> QuicReader::open_own(const proto::QuicPacket& packet,
                                                      const proto::QuicInitialKeys& keys,
                                                      std::uint64_t next_number) noexcept {
  if (attempts_ == kMaxAttempts) {
    datagram_.excessive = true;
    return std::nullopt;
  }
  ++attempts_;
  return open_with(packet, keys, next_number);
}

// Sets stream_ if the packet is authentic.
std::optional<proto::QuicOpened> QuicReader::open(const proto::QuicPacket& packet) noexcept {
  const proto::QuicConnectionId id(packet.destination_id);
  if (flow::CryptoStream* known = streams_.find(connection_, packet.version, id, now_)) {
    if (!may_spend()) return std::nullopt;
    const auto opened = open_own(packet, streams_.keys_of(*known), known->next_number);
    // The server drops it too, unless it knows a packet number that Weir does not: it must not get the
    // packet.
    if (!opened) datagram_.conflict |= !datagram_.excessive;
    if (opened) stream_ = known;
    return opened;
  }
  if (id != first_id_) return std::nullopt;  // RFC 9000, 12.2
  streams_.expect(connection_);
  // An id that the server chose is more likely than a second connection of the same 5-tuple.
  if (const auto opened = open_as_known(packet)) return opened;
  if (datagram_bytes_ < kMinClientDatagramBytes) return std::nullopt;  // RFC 9000, 14.1
  if (own_keys_.version != packet.version) {
    const proto::QuicInitialKeys* derived = derive(packet.version, id);
    if (derived == nullptr) return std::nullopt;
    own_keys_ = {.version = packet.version, .keys = *derived};
  } else if (!may_spend()) {
    return std::nullopt;
  }
  const auto opened = open_own(packet, own_keys_.keys, 0);
  if (opened) stream_ = &streams_.add(connection_, source_, packet.version, id, own_keys_.keys, now_);
  return opened;
}

// Tries the keys of the ids that are known from earlier packets. The version may have changed since then:
// compatible negotiation keeps the id and uses the new version's salt (RFC 9369, 4.1).
std::optional<proto::QuicOpened> QuicReader::open_as_known(const proto::QuicPacket& packet) noexcept {
  std::size_t place = 0;
  while (flow::CryptoStream* known = streams_.next_of(connection_, place, now_)) {
    if (!may_spend()) break;
    if (other_keys_ == kMaxOtherKeys) {
      datagram_.excessive = true;
      break;
    }
    const bool same_version = known->version == packet.version;
    const proto::QuicInitialKeys* keys =
        same_version ? &streams_.keys_of(*known) : derive(packet.version, known->id);
    if (keys == nullptr) break;
    ++other_keys_;
    const auto opened = open_with(packet, *keys, same_version ? known->next_number : 0);
    if (!opened) continue;
    if (same_version) {
      stream_ = known;
      return opened;
    }
    const proto::QuicConnectionId id = known->id;
    stream_ = streams_.find(connection_, packet.version, id, now_);
    if (stream_ == nullptr) stream_ = &streams_.add(connection_, source_, packet.version, id, *keys, now_);
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
    streams_.retire(stream);
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
