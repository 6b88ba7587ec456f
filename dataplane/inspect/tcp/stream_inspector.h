#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/flow/flow_table.h"
#include "dataplane/inspect/tcp/message_reader.h"

namespace weir::inspect {

/// Puts one client's stream together for MessageReader, whatever order and pieces it comes in, and says of
/// each segment whether it may go on. The first copy of a byte stands: what a segment says otherwise about a
/// byte that is held is a conflict. No allocation after construction.
class StreamInspector {
 public:
  /// Held behind what has been read, so that a message cannot be sent again with other bytes; and ahead of a
  /// gap.
  static constexpr std::uint32_t kKeptBytes = 65536;
  static constexpr std::uint32_t kAheadBytes = 65536;
  /// Sequence numbers further than this from those seen belong to another stream.
  static constexpr std::int32_t kNearBytes = 1 << 26;
  /// A stream does not give way to one that begins closer than this: what came of either might be taken for
  /// the other's.
  static constexpr std::int32_t kCloseBytes = 1 << 22;

  StreamInspector(flow::StreamBuffers& buffers, MessageReader& reader);

  /// Begins a stream with the byte `start`. `known`: by a SYN's word.
  static void begin(flow::Flow& flow, std::uint32_t start, bool known) noexcept;
  [[nodiscard]] static bool is_near(const flow::Flow& flow, std::uint32_t sequence) noexcept;
  /// Whether one that begins at `sequence` may take the stream's place: nothing of it waits, and what comes
  /// of it later will be told from the other.
  [[nodiscard]] static bool gives_way(const flow::Flow& flow, std::uint32_t sequence) noexcept;

  /// The segment has a payload and is near. With a block, and where findings say conflict and the segment is
  /// to be dropped, nothing of it is taken up.
  void inspect(const Segment& segment, flow::Flow& flow, SegmentFindings& findings) noexcept;
  /// Reads the segment as if a stream began with it, and remembers nothing.
  void inspect_alone(const Segment& segment, SegmentFindings& findings) noexcept {
    reader_.read_alone(segment, segment.payload, findings);
  }

 private:
  struct Piece {
    std::uint32_t sequence;
    std::span<const std::byte> bytes;
    [[nodiscard]] std::uint32_t end() const noexcept {
      return sequence + static_cast<std::uint32_t>(bytes.size());
    }
  };

  void inspect_followed(const Segment& segment, flow::Flow& flow, Piece piece,
                        SegmentFindings& findings) noexcept;
  void inspect_sampled(const Segment& segment, flow::Flow& flow, Piece piece,
                       SegmentFindings& findings) noexcept;
  /// Cuts off what lies before the stream's first byte, or moves that; false when nothing is left.
  bool trim_to_start(flow::Flow& flow, Piece& piece, SegmentFindings& findings) noexcept;
  /// Compares with what is held; false when the segment's way ends here.
  bool agrees(const Segment& segment, flow::Flow& flow, const Piece& piece,
              SegmentFindings& findings) noexcept;
  /// Whether the message at hand is still held as far as it has been read, `sequence` in it.
  [[nodiscard]] bool can_read_again(const flow::Flow& flow, std::uint32_t sequence) const noexcept;
  /// The message at hand has changed: none of it has been read yet, or its reading begins anew.
  static void read_on(flow::Flow& flow) noexcept;
  static void read_again(flow::Flow& flow) noexcept;
  void read_in_place(const Segment& segment, flow::Flow& flow, const Piece& piece,
                     SegmentFindings& findings) noexcept;
  void read_buffered(const Segment& segment, flow::Flow& flow, const Piece& piece,
                     SegmentFindings& findings) noexcept;
  /// Whether the bytes [from, end), the latest of the message at hand, can have completed it.
  bool worth_reading(flow::Flow& flow, std::uint32_t from, std::uint32_t end,
                     std::span<std::byte> room) noexcept;
  void read_without_urgent(const Segment& segment, flow::Flow& flow, std::uint32_t begin, std::uint32_t end,
                           SegmentFindings& findings) noexcept;
  /// Moves the position behind what was read.
  static void advance(flow::Flow& flow, std::uint32_t text_begin, flow::HttpPhase phase,
                      const MessageReader::Result& result) noexcept;

  flow::StreamBuffers& buffers_;
  MessageReader& reader_;
  std::unique_ptr<std::byte[]> text_;
  std::unique_ptr<std::byte[]> other_text_;
};

}  // namespace weir::inspect
