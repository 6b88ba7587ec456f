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
#include "dataplane/flow/source_budget.h"
#include "dataplane/flow/source_shares.h"
#include "dataplane/proto/packet/packet_view.h"
#include "dataplane/proto/quic/quic_crypto.h"
#include "dataplane/proto/quic/quic_initial.h"
#include "dataplane/proto/reply/quic_close.h"
#include "dataplane/proto/tls/tls_client_hello.h"

namespace weir::inspect {

/// What a client's datagram contained besides hellos.
struct QuicDatagram {
  bool initial = false;     // an Initial packet of a known version
  bool incomplete = false;  // a part of a hello that is not complete yet
  bool malformed = false;   // an Initial that is not authentic or has broken content
  bool unknown_version = false;
  bool blocked = false;      // it belongs to a connection that was blocked before
  bool over_budget = false;  // an Initial was not read: its source has used up its budget
  bool excessive = false;    // packets were not read: the datagram asks for more work than any client's
  bool conflict = false;     // it contradicts earlier packets: a byte differs from an earlier copy, or the
                             // packet is not authentic although its connection id is known
};

/// Finds the ClientHellos in a QUIC client's Initial packets, in whatever way they are split over frames,
/// packets and datagrams. For one worker; no allocation after construction.
///
///     quic.begin(packet, now);
///     while (const proto::ClientHello* hello = quic.next()) if (listed(*hello)) quic.block();
///     quic.datagram() ...
///
/// The keys of an Initial derive from a connection id (RFC 9001, 5.2): the packet's own (in the first flight,
/// and after a Retry), or one under which an earlier packet of the same 5-tuple was authentic (the client
/// switched to the server's id since). So the client's direction is enough, and a decoy with another id hides
/// nothing.
///
/// What servers ignore is not read either, unless it is of a connection that is known: packets with another
/// destination id than the first of their datagram (RFC 9000, 12.2), and Initials in a datagram of less than
/// 1200 bytes (14.1; servers apply this when an Initial begins a connection). Work that a sender causes is
/// limited for each datagram, and for each source over time.
class QuicReader {
 public:
  /// `initials_per_source`: how many ordinary Initials of one source are read in a second.
  /// Throws std::runtime_error if the cryptography for QUIC is not available.
  QuicReader(const flow::CryptoStreams::Settings& settings, std::uint32_t initials_per_source);

  /// `packet` is of class udp and must outlive the calls of next(). Bounded: of a datagram, at most
  /// kMaxPackets packets are looked at, kMaxDerivations keys are derived, and kMaxAttempts packets are opened
  /// with the keys of their own id and kMaxOtherKeys with those of other ids.
  void begin(const proto::PacketView& packet, std::chrono::nanoseconds now) noexcept;
  /// The next hello that this datagram completed; null: there are no more. Valid until the next call.
  const proto::ClientHello* next() noexcept;
  /// Blocks the connection of the hello that next() returned last: its later packets are reported as blocked.
  void block() noexcept;
  /// After next() returned null: the CONNECTION_CLOSE datagram for the client of a blocked connection, made
  /// from its Initial; none: this datagram has no such Initial. Valid until begin().
  [[nodiscard]] std::optional<std::span<const std::byte>> close() noexcept;
  /// After next() returned null: what the datagram contained.
  [[nodiscard]] const QuicDatagram& datagram() const noexcept { return datagram_; }

  [[nodiscard]] std::uint64_t evictions() const noexcept { return streams_.evictions(); }

  static constexpr std::size_t kMaxPackets = 64;
  static constexpr std::size_t kMaxDerivations = 3;
  /// As many packets as fit into 1500 bytes.
  static constexpr std::size_t kMaxAttempts = 40;
  static constexpr std::size_t kMaxOtherKeys = 16;

 private:
  bool read_packet() noexcept;
  void read_initial(const proto::QuicPacket& packet) noexcept;
  /// Whether the datagram and its source may still cause work; notes it if not.
  bool may_spend() noexcept;
  /// The keys of a connection id, derived; null: none may be derived any more. Valid until the next call.
  const proto::QuicInitialKeys* derive(proto::QuicVersion version,
                                       const proto::QuicConnectionId& id) noexcept;
  std::optional<proto::QuicOpened> open_with(const proto::QuicPacket& packet,
                                             const proto::QuicInitialKeys& keys,
                                             std::uint64_t next_number) noexcept;
  std::optional<proto::QuicOpened> open_own(const proto::QuicPacket& packet,
                                            const proto::QuicInitialKeys& keys,
                                            std::uint64_t next_number) noexcept;
  std::optional<proto::QuicOpened> open(const proto::QuicPacket& packet) noexcept;
  std::optional<proto::QuicOpened> open_as_known(const proto::QuicPacket& packet) noexcept;
  void read_frames(std::span<const std::byte> frames) noexcept;
  /// Whether a hello of the stream has begun and not ended.
  [[nodiscard]] bool waits(const flow::CryptoStream& stream) const noexcept;
  bool decide_message() noexcept;
  bool decide_message_at(std::size_t index, std::size_t begin) noexcept;

  proto::QuicCrypto crypto_;
  flow::CryptoStreams streams_;
  flow::SourceBudget budget_;
  std::vector<std::byte> plaintext_;
  proto::TlsParse hello_;
  QuicDatagram datagram_;
  proto::QuicInitialSeen initial_;  // the current one
  std::optional<proto::QuicInitialSeen> blocked_initial_;
  std::array<std::byte, proto::kMaxQuicCloseBytes> close_{};
  std::chrono::nanoseconds now_{0};
  std::uint64_t connection_ = 0;
  flow::SourceShares::Source source_ = 0;
  flow::SourceBudget::Account account_{};
  std::span<const std::byte> rest_;
  flow::CryptoStream* stream_ = nullptr;  // of the current packet
  bool crypto_seen_ = false;              // the current packet contained CRYPTO data
  std::size_t datagram_bytes_ = 0;
  std::size_t packets_ = 0;
  std::size_t derivations_ = 0;
  std::size_t attempts_ = 0;
  std::size_t other_keys_ = 0;
  proto::QuicConnectionId first_id_;  // of the datagram's first packet
  struct OwnKeys {
    proto::QuicVersion version = proto::QuicVersion::unknown;
    proto::QuicInitialKeys keys;
  };
  OwnKeys own_keys_;  // of first_id_, once derived
};

}  // namespace weir::inspect
