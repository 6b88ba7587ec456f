#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/counters/counters.h"
#include "dataplane/flow/source_shares.h"
#include "dataplane/inspect/decision/request_decider.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/proto/http/h2_client_stream.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::inspect {

/// The next bytes of a client's stream, in order.
struct H2cPiece {
  const proto::PacketView& packet;  // the packet that brought them or closed the gap before them
  const match::SnapshotView* snapshot;
  std::span<const std::byte> bytes;
  bool stop_at_block;  // read nothing after a blocked request: it does not reach the server
};

/// followed: call read() with the connection's next bytes. ended: the bytes are not readable HTTP/2, or the
/// connection's state is gone.
enum class H2cState : std::uint8_t { followed, ended };

struct H2cProgress {
  H2cState state = H2cState::ended;
  bool incomplete = false;  // the piece ends inside a header block
  bool doubtful = false;    // the connection does not begin as HTTP/2 must: it may be another protocol
};

/// Reads the requests of cleartext HTTP/2 (RFC 9113), with prior knowledge or after an HTTP/1.1 request with
/// `Upgrade: h2c`. Reading needs state for the whole connection; a fixed number of connections have it. Not
/// thread safe; no allocation after construction.
class H2cInspector {
 public:
  /// Identifies the state of one connection. A stale handle is recognised.
  using Handle = std::uint32_t;
  static constexpr Handle kNoHandle = 0;
  static constexpr std::size_t kMaxConnections = 1024;
  /// If no state is free, a new connection takes the state of one that was silent for this long and is not in
  /// the middle of a header block. (The end of a connection is not seen.) Otherwise it takes that of the
  /// source (SourceShares) that has most, if that one has at least two more than the new connection's.
  static constexpr std::chrono::seconds kBriefly{2};

  /// `connections` is clamped to 1..kMaxConnections. A connection in the middle of a header block gives way
  /// after `lifetime` of silence.
  H2cInspector(std::size_t connections, std::chrono::nanoseconds lifetime, base::Counters& counters,
               RequestDecider& decider);

  /// Begins a connection of this client at the preface's first byte. Returns kNoHandle, and counts it, if no
  /// state is free: use read_alone() then.
  Handle open(const proto::IpAddress& client, std::chrono::nanoseconds now) noexcept;
  /// Decides the requests that the piece completes. After `ended` the handle is stale. A stale handle returns
  /// `ended` and is counted.
  H2cProgress read(Handle handle, const H2cPiece& piece, std::chrono::nanoseconds now,
                   Findings& findings) noexcept;
  /// Decides the requests of a piece that begins with the preface, without keeping state.
  H2cProgress read_alone(const H2cPiece& piece, Findings& findings) noexcept;
  /// Frees the connection's state. Stale handles are ignored.
  void close(Handle handle) noexcept;

  [[nodiscard]] std::size_t capacity() const noexcept { return slots_.size(); }
  [[nodiscard]] std::size_t in_use() const noexcept { return slots_.size() - free_.size(); }

 private:
  // A handle is the slot's use count, from 1, above the slot's index.
  static constexpr unsigned kSlotBits = 10;
  static_assert(kMaxConnections == std::size_t{1} << kSlotBits);
  struct Slot {
    std::unique_ptr<proto::H2ClientStream> stream;
    std::chrono::nanoseconds last_seen{0};
    std::uint32_t use = 0;
    flow::SourceShares::Source source = 0;
    bool open = false;
  };

  [[nodiscard]] Slot* slot_of(Handle handle) noexcept;
  [[nodiscard]] bool gives_way(const Slot& slot, std::chrono::nanoseconds now) const noexcept;
  void free_longest_unseen(std::chrono::nanoseconds now) noexcept;
  void free_from_heaviest(flow::SourceShares::Source source) noexcept;
  void release(Slot& slot) noexcept;
  [[nodiscard]] std::uint32_t place_of(const Slot& slot) const noexcept {
    return static_cast<std::uint32_t>(&slot - slots_.data());
  }
  H2cProgress read_stream(proto::H2ClientStream& stream, const H2cPiece& piece, Findings& findings) noexcept;

  std::chrono::nanoseconds lifetime_;
  base::Counters& counters_;
  RequestDecider& decider_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;  // indices in slots_
  flow::SourceShares shares_;        // of the open slots
  std::unique_ptr<proto::H2ClientStream> alone_;
  proto::H2Text text_;
};

}  // namespace weir::inspect
