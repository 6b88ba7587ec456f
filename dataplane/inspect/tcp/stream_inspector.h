#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/flow/flow_table.h"
#include "dataplane/inspect/tcp/message_reader.h"

namespace weir::inspect {

/// Reassembles one client's stream for MessageReader, in whatever order and pieces it arrives, and tells of
/// each segment whether it may pass. The first copy of a byte wins: a segment that differs in a held byte is
/// a conflict. No allocation after construction.
class StreamInspector {
 public:
  /// Bytes that are held after they were read, so that a message cannot be sent again with other content; and
  /// bytes that are held beyond a gap.
  static constexpr std::uint32_t kKeptBytes = 65536;
  static constexpr std::uint32_t kAheadBytes = 65536;
  /// A sequence number further than this from those seen belongs to another stream.
  static constexpr std::int32_t kNearBytes = 1 << 26;
  /// A stream does not give way to one that begins closer than this: their segments could not be told apart.
  static constexpr std::int32_t kCloseBytes = 1 << 22;

  StreamInspector(flow::StreamBuffers& buffers, MessageReader& reader);

  /// Begins a stream at the byte `start`. `known`: a SYN said so.
  static void begin(flow::Flow& flow, std::uint32_t start, bool known) noexcept;
  [[nodiscard]] static bool is_near(const flow::Flow& flow, std::uint32_t sequence) noexcept;
  /// Whether a stream that begins at `sequence` may replace this one: no bytes of it wait, and its later
  /// segments can be told from the new stream's.
  [[nodiscard]] static bool gives_way(const flow::Flow& flow, std::uint32_t sequence) noexcept;

  /// The segment must have a payload and be near. If it is blocked, or conflicts and will be dropped, nothing
  /// of it is kept.
  void inspect(const Segment& segment, flow::Flow& flow, SegmentFindings& findings) noexcept;
  /// The stream goes on up to `end`, without the bytes before it that were too far ahead.
  void pass_over(flow::Flow& flow, std::uint32_t end) noexcept;
  /// Reads the segment as if a stream began with it, and keeps no state.
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

  /// The zeros at the position that may be padding.
  static Piece padding_of(const flow::Flow& flow) noexcept;
  /// Whether the piece has other bytes in the place of these zeros: nobody knows which the server holds.
  static bool covers_padding(const flow::Flow& flow, const Piece& piece) noexcept;
  /// Before a stream is read again: a server that the bytes before them have not reached yet holds the zeros.
  /// They are held here as unverified, so that the data that may follow at their place still counts. The
  /// stream waits then. False: no memory.
  bool hold_padding(flow::Flow& flow, const Piece& padding, SegmentFindings& findings) noexcept;
  /// The zeros before the piece were data: reads them.
  void take_padding(const Segment& segment, flow::Flow& flow, const Piece& piece,
                    SegmentFindings& findings) noexcept;
  void inspect_followed(const Segment& segment, flow::Flow& flow, Piece piece,
                        SegmentFindings& findings) noexcept;
  void inspect_sampled(const Segment& segment, flow::Flow& flow, Piece piece,
                       SegmentFindings& findings) noexcept;
  /// Cuts off bytes before the stream's first byte, or moves the first byte; false: nothing is left.
  bool trim_to_start(flow::Flow& flow, Piece& piece, SegmentFindings& findings) noexcept;
  /// Compares the piece with the held bytes; false: do not read the segment.
  bool agrees(const Segment& segment, flow::Flow& flow, const Piece& piece,
              SegmentFindings& findings) noexcept;
  /// Whether the current message is still held as far as it was read, and contains `sequence`.
  [[nodiscard]] bool can_read_again(const flow::Flow& flow, std::uint32_t sequence) const noexcept;
  /// The current message changed: continue where nothing was read yet, or read it again from its beginning.
  static void read_on(flow::Flow& flow) noexcept;
  static void read_again(flow::Flow& flow) noexcept;
  void read_in_place(const Segment& segment, flow::Flow& flow, const Piece& piece,
                     SegmentFindings& findings) noexcept;
  void read_buffered(const Segment& segment, flow::Flow& flow, const Piece& piece,
                     SegmentFindings& findings) noexcept;
  /// Whether the bytes [from, end), the latest of the current message, may complete it.
  bool worth_reading(flow::Flow& flow, std::uint32_t from, std::uint32_t end,
                     std::span<std::byte> room) noexcept;
  void read_without_urgent(const Segment& segment, flow::Flow& flow, std::uint32_t begin, std::uint32_t end,
                           SegmentFindings& findings) noexcept;
  /// Moves the position past what was read.
  static void advance(flow::Flow& flow, std::uint32_t text_begin, flow::HttpPhase phase,
                      const MessageReader::Result& result) noexcept;

  flow::StreamBuffers& buffers_;
  MessageReader& reader_;
  std::unique_ptr<std::byte[]> text_;
  std::unique_ptr<std::byte[]> other_text_;
};

}  // namespace weir::inspect
