#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tests/support/bytes.h"

namespace weir::test {

inline constexpr std::uint32_t kQuicV1 = 0x00000001;
inline constexpr std::uint32_t kQuicV2 = 0x6b3343cf;
inline constexpr std::uint32_t kQuicDraft29 = 0xff00001d;
inline constexpr std::string_view kQuicClientId = "8394c8f03e515708";  // RFC 9001, A

/// Builds protected QUIC packets with long headers; frames are in the order in which they are added:
///
///     QuicPacketBuilder().id("8394c8f03e515708").crypto(0, hello).pad_to(1200).build();
///
/// The keys are the client's Initial keys of the version and the destination id, or of keys_from(). Packets
/// of other types use them too: only the endpoints could tell. The cryptography is independent of the code
/// under test.
class QuicPacketBuilder {
 public:
  enum class Type : std::uint8_t { initial, zero_rtt, handshake };

  QuicPacketBuilder& version(std::uint32_t number);
  QuicPacketBuilder& type(Type type);
  QuicPacketBuilder& id(std::string_view hex);         // destination connection id
  QuicPacketBuilder& source_id(std::string_view hex);  // default: none
  QuicPacketBuilder& keys_from(std::string_view hex);  // a destination id other than the packet's
  QuicPacketBuilder& token(std::span<const std::byte> bytes);
  /// `sent_bytes` (1 to 4) of the number are sent. Default: number 0 in one byte.
  QuicPacketBuilder& number(std::uint64_t value, std::size_t sent_bytes = 1);
  QuicPacketBuilder& clear_quic_bit();
  /// Uses the server's keys, derived from the client's destination id, which keys_from() sets.
  QuicPacketBuilder& from_server();

  QuicPacketBuilder& crypto(std::uint64_t offset, std::span<const std::byte> data);
  QuicPacketBuilder& ping();
  QuicPacketBuilder& padding(std::size_t bytes);
  QuicPacketBuilder& ack();
  QuicPacketBuilder& connection_close();
  QuicPacketBuilder& frames(std::span<const std::byte> bytes);  // any bytes, right or wrong
  /// PADDING after the frames until the whole packet has `bytes`. Throws std::logic_error if it has more.
  QuicPacketBuilder& pad_to(std::size_t bytes);

  [[nodiscard]] Bytes build() const;

 private:
  [[nodiscard]] Bytes header(std::size_t payload_bytes) const;
  [[nodiscard]] Bytes protect(Bytes header, std::span<const std::byte> payload) const;

  std::uint32_t version_ = kQuicV1;
  Type type_ = Type::initial;
  Bytes id_ = from_hex(kQuicClientId);
  Bytes source_id_;
  std::optional<Bytes> keys_from_;
  Bytes token_;
  std::uint64_t number_ = 0;
  std::size_t number_bytes_ = 1;
  bool quic_bit_ = true;
  bool from_server_ = false;
  Bytes payload_;
  std::size_t pad_to_ = 0;
};

/// Appends a variable-length integer in its shortest form, or in `width` bytes (1, 2, 4, 8).
void append_quic_integer(Bytes& to, std::uint64_t value, std::size_t width = 0);

/// A Retry packet as a server sends it (its integrity tag is not a real one).
Bytes quic_retry(std::uint32_t version, std::string_view destination_id, std::string_view source_id);
/// A Version Negotiation packet that offers `versions`.
Bytes quic_version_negotiation(std::string_view destination_id, std::string_view source_id,
                               const std::vector<std::uint32_t>& versions);

/// A part of the handshake stream.
struct QuicPiece {
  std::size_t offset = 0;
  Bytes data;
};
/// Splits `stream` into `count` nearly equal parts, in order.
std::vector<QuicPiece> quic_pieces(std::span<const std::byte> stream, std::size_t count);
/// The same parts in an order that depends only on `seed`.
std::vector<QuicPiece> shuffled(std::vector<QuicPiece> pieces, std::uint32_t seed);

}  // namespace weir::test
