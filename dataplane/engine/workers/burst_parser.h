#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/base/encapsulations.h"
#include "dataplane/engine/ports/mbuf_pool.h"
#include "dataplane/engine/workers/topology.h"
#include "dataplane/engine/workers/worker_handoffs.h"
#include "dataplane/inspect/inspector.h"
#include "dataplane/proto/packet/packet_view.h"

namespace weir::engine {

/// Reads the frames of a burst. Most frames pass whatever their content: those are classified and not parsed.
class BurstParser {
 public:
  /// `handoffs`: null with one worker. All references must outlive the object.
  BurstParser(const base::Encapsulations& encapsulations, const inspect::Inspector& inspector,
              const WorkerHandoffs* handoffs, FrameReader& reader) noexcept
      : encapsulations_(encapsulations), inspector_(inspector), handoffs_(handoffs), reader_(reader) {}

  /// Starts a burst from port `from`: finds the frames that pass unread, parses the others, except those in
  /// several buffers, and prefetches the state of their flows.
  void prefetch(std::size_t from, std::span<rte_mbuf* const> frames, inspect::Direction direction) noexcept;
  /// How many frames from `place` on pass unread. `frames`: those of the burst.
  [[nodiscard]] std::size_t count_unread(std::span<rte_mbuf* const> frames, std::size_t place) const noexcept;
  /// The packet in the frame at `place`; valid until the next call. A frame is parsed only now if it has
  /// several buffers, because all such frames share one copy, or if it was to pass unread until an earlier
  /// frame of the burst blocked its connection.
  const proto::PacketView& view_of(std::size_t place, const rte_mbuf* frame) noexcept {
    if (unread_[place] || frame->nb_segs != 1) views_[place] = parse(frame);
    return views_[place];
  }

 private:
  [[nodiscard]] proto::PacketView parse(const rte_mbuf* frame) noexcept;
  /// True: the frame passes whatever its content, and belongs to this worker.
  [[nodiscard]] bool passes_unread(const rte_mbuf* frame) const noexcept;

  base::Encapsulations encapsulations_;
  const inspect::Inspector& inspector_;
  const WorkerHandoffs* handoffs_;
  FrameReader& reader_;
  // Of the burst.
  std::size_t from_ = 0;
  inspect::Direction direction_ = inspect::Direction::unknown;
  std::array<proto::PacketView, kBurst> views_;
  std::array<bool, kBurst> unread_{};  // as long as the inspector's blocks() equals blocks_
  std::uint64_t blocks_ = 0;
};

}  // namespace weir::engine
