#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/flow/crypto_streams.h"
#include "dataplane/flow/flow_table.h"
#include "dataplane/proto/packet/packet_view.h"
#include "dataplane/proto/quic/quic_crypto.h"
#include "dataplane/proto/quic/quic_initial.h"
#include "dataplane/proto/reply/quic_close.h"
#include "dataplane/proto/tls/tls_client_hello.h"

namespace weir::inspect {

/// What a client's datagram showed beside its hellos.
struct QuicDatagram {
  bool initial = false;     // it holds an Initial packet of a known version
  bool incomplete = false;  // of a hello whose end has not come yet
  bool malformed = false;   // an Initial that is not authentic, or broken inside
  bool unknown_version = false;
  bool blocked = false;   // it belongs to a connection that is blocked already
  bool conflict = false;  // it contradicts what came before: another byte in a place that is taken, or not
                          // authentic under the keys of a connection that is known by this very id
};

/// Finds the ClientHellos in the Initial packets that a client sends over QUIC, however they are cut up over
/// frames, packets and datagrams. For one worker; no allocation after construction.
///
///     quic.begin(packet, now);
///     while (const proto::ClientHello* hello = quic.next()) if (listed(*hello)) quic.block();
///     quic.datagram() ...
///
/// The keys of an Initial come from a connection id (RFC 9001, 5.2): the packet's own (a first flight, and
/// the one after a Retry), or one under which an earlier packet of the same 5-tuple was authentic (the client
/// has taken the server's id over since). So the client's side alone is enough, and a decoy under another id
/// hides nothing.
class QuicReader {
 public:
  /// Throws std::runtime_error when there is no cryptography for it.
  explicit QuicReader(const flow::CryptoStreams::Settings& settings);

  /// `packet` is of class udp and outlives the calls of next(). Bounded: kMaxPackets packets of the datagram
  /// are opened, and kMaxOtherKeys times with other keys than their own id's.
  void begin(const proto::PacketView& packet, std::chrono::nanoseconds now) noexcept;
  /// The next hello that this datagram completed; null: no more. Valid until the next call.
  const proto::ClientHello* next() noexcept;
  /// The connection of the hello that next() returned last is blocked: its later packets are reported so.
  void block() noexcept;
  /// When next() has returned null: the datagram that tells the client of a blocked connection that it is
  /// refused, made from the Initial that belongs to it; empty: there was none. Valid until begin().
  [[nodiscard]] std::span<const std::byte> close() noexcept;
  /// What became of the datagram, when next() has returned null.
  [[nodiscard]] const QuicDatagram& datagram() const noexcept { return datagram_; }

  [[nodiscard]] std::uint64_t evictions() const noexcept { return streams_.evictions(); }

  static constexpr std::size_t kMaxPackets = 64;
  static constexpr std::size_t kMaxOtherKeys = 16;

 private:
  bool read_packet() noexcept;
  void read_initial(const proto::QuicPacket& packet) noexcept;
  std::optional<proto::QuicOpened> open_with(const proto::QuicPacket& packet,
                                             const proto::QuicConnectionId& id,
                                             std::uint64_t next_number) noexcept;
  std::optional<proto::QuicOpened> open(const proto::QuicPacket& packet) noexcept;
  std::optional<proto::QuicOpened> open_as_known(const proto::QuicPacket& packet) noexcept;
  void read_frames(std::span<const std::byte> frames) noexcept;
  /// A hello of the stream has begun and not ended.
  [[nodiscard]] bool waits(const flow::CryptoStream& stream) const noexcept;
  bool decide_message() noexcept;
  bool decide_message_at(std::size_t index, std::size_t begin) noexcept;

  proto::QuicCrypto crypto_;
  flow::CryptoStreams streams_;
  std::vector<std::byte> plaintext_;
  proto::TlsParse hello_;
  QuicDatagram datagram_;
  proto::QuicInitialSeen initial_;  // the one that is being read
  std::optional<proto::QuicInitialSeen> blocked_initial_;
  std::array<std::byte, proto::kMaxQuicCloseBytes> close_{};
  std::chrono::nanoseconds now_{0};
  std::uint64_t connection_ = 0;
  std::span<const std::byte> rest_;
  flow::CryptoStream* stream_ = nullptr;  // of the packet that is being read
  bool crypto_seen_ = false;              // it held bytes of the handshake
  std::size_t packets_ = 0;
  std::size_t other_keys_ = 0;
};

}  // namespace weir::inspect
