#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/base/counters.h"
#include "dataplane/inspect/decision/request_decider.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/proto/http/h2_client_stream.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::inspect {

/// Bytes of a client's stream that have become readable, in order.
struct H2cPiece {
  const proto::PacketView& packet;  // the one that brought them, or closed the gap before them
  const match::SnapshotView* snapshot;
  std::span<const std::byte> bytes;
  bool stop_at_block;  // nothing behind a blocked request is read: it does not get to the server
};

/// followed: go on with the connection's next bytes. ended: what comes is no HTTP/2 that can be read, or
/// nobody follows the connection any more.
enum class H2cState : std::uint8_t { followed, ended };

struct H2cProgress {
  H2cState state = H2cState::ended;
  bool incomplete = false;  // the piece ends inside a header block
  bool doubtful = false;    // the connection does not begin as HTTP/2 must: it may be something else
};

/// Requests of cleartext HTTP/2 (RFC 9113): with prior knowledge, and behind a request with `Upgrade: h2c`,
/// which is HTTP/1.1 itself. Reading them needs the state of the whole connection, of which there is a fixed
/// number. Not thread safe; no allocation after construction.
class H2cInspector {
 public:
  /// Names the state of one connection; a handle that is no longer good is recognised.
  using Handle = std::uint32_t;
  static constexpr Handle kNoHandle = 0;
  static constexpr std::size_t kMaxConnections = 1024;
  /// When there is no other room for a new connection, one that is unseen for this long and does not wait for
  /// the rest of a header block gives way; nobody says when a connection is over.
  static constexpr std::chrono::seconds kBriefly{2};

  /// `connections` is brought to 1..kMaxConnections. One that waits gives way when unseen for `lifetime`.
  H2cInspector(std::size_t connections, std::chrono::nanoseconds lifetime, base::Counters& counters,
               RequestDecider& decider);

  /// Begins a connection, whose first byte is the preface's first. kNoHandle, and counted, when there is no
  /// state for it: read_alone() then sees what it can.
  Handle open(std::chrono::nanoseconds now) noexcept;
  /// Decides the requests that the piece completes. A handle is no longer good once ended; that of a
  /// connection that gave way is counted.
  H2cProgress read(Handle handle, const H2cPiece& piece, std::chrono::nanoseconds now,
                   Findings& findings) noexcept;
  /// Decides the requests of a piece that begins with the preface, by themselves.
  H2cProgress read_alone(const H2cPiece& piece, Findings& findings) noexcept;
  /// The connection is over, or blocked. Any handle is taken.
  void close(Handle handle) noexcept;

  [[nodiscard]] std::size_t capacity() const noexcept { return slots_.size(); }
  [[nodiscard]] std::size_t in_use() const noexcept { return slots_.size() - free_.size(); }

 private:
  // A handle is a slot's place below its use, which counts from 1.
  static constexpr unsigned kSlotBits = 10;
  static_assert(kMaxConnections == std::size_t{1} << kSlotBits);
  struct Slot {
    std::unique_ptr<proto::H2ClientStream> stream;
    std::chrono::nanoseconds last_seen{0};
    std::uint32_t use = 0;
    bool open = false;
  };

  [[nodiscard]] Slot* slot_of(Handle handle) noexcept;
  [[nodiscard]] bool gives_way(const Slot& slot, std::chrono::nanoseconds now) const noexcept;
  void free_longest_unseen(std::chrono::nanoseconds now) noexcept;
  H2cProgress read_stream(proto::H2ClientStream& stream, const H2cPiece& piece, Findings& findings) noexcept;

  std::chrono::nanoseconds lifetime_;
  base::Counters& counters_;
  RequestDecider& decider_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;  // places in slots_
  std::unique_ptr<proto::H2ClientStream> alone_;
  proto::H2Text text_;
};

}  // namespace weir::inspect
