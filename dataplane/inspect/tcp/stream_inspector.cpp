#include "dataplane/inspect/tcp/stream_inspector.h"

#include <algorithm>
#include <array>
#include <optional>

#include "dataplane/proto/packet/tcp_segment.h"

namespace weir::inspect {
namespace {

using flow::distance;
using flow::Flow;
using flow::HttpPhase;
using flow::is_before;
using flow::Reading;

// An incomplete message, the bytes held ahead of it, and one segment of any size.
constexpr std::size_t kTextBytes = 4 * std::size_t{65536};
// For a message that is read a second time without its urgent bytes. Real requests with urgent bytes are
// short, if there are any.
constexpr std::size_t kOtherTextBytes = 8192;
// Bytes that are held of a segment in which nothing waits; more than any packet has that was not merged from
// several.
constexpr std::size_t kHeldBytes = 16384;
// Bytes of a body that are skipped at once; far less than half of the sequence numbers.
constexpr std::uint32_t kSkipBytes = StreamInspector::kNearBytes / 2;

// As many zeros as Flow::padding counts.
constexpr std::size_t kMostPadding = 7;

// A skipped body lies before the current message, or before the position.
bool in_skipped(const Flow& flow, std::uint32_t sequence) noexcept {
  const bool before_message = is_before(flow.open.skipped, flow.open.message);
  return !is_before(sequence, flow.open.skipped) &&
         is_before(sequence, before_message ? flow.open.message : flow.position);
}

}  // namespace

StreamInspector::StreamInspector(flow::StreamBuffers& buffers, MessageReader& reader)
    : buffers_(buffers),
      reader_(reader),
      text_(std::make_unique<std::byte[]>(kTextBytes)),
      other_text_(std::make_unique<std::byte[]>(kOtherTextBytes)) {}

void StreamInspector::begin(Flow& flow, std::uint32_t start, bool known) noexcept {
  flow.reading = Reading::message;
  flow.start_known = known;
  flow.start = start;
  flow.position = start;
  flow.highest = start;
  flow.pipelined = false;
  flow.padding = 0;
  flow.urgent = false;
  flow.line_done = false;
  flow.http = {};
  flow.open = {.message = start, .skipped = start, .seen = start, .wanted = 1};
}

bool StreamInspector::is_near(const Flow& flow, std::uint32_t sequence) noexcept {
  const std::int32_t far = distance(flow.highest, sequence);
  return far > -kNearBytes && far < kNearBytes;
}

bool StreamInspector::gives_way(const Flow& flow, std::uint32_t sequence) noexcept {
  if (flow.reading == Reading::blocked || waits(flow)) return false;
  return distance(flow.start, sequence) < -kCloseBytes || distance(flow.highest, sequence) > kCloseBytes;
}

void StreamInspector::inspect(const Segment& segment, Flow& flow, SegmentFindings& findings) noexcept {
  Piece piece{.sequence = segment.sequence, .bytes = segment.payload};
  // No message begins with zeros. So where a message may begin, padding is not held: the data that follows
  // must not conflict with it.
  const bool followed = flow.reading == Reading::message || flow.reading == Reading::tls_records ||
                        flow.reading == Reading::http2;
  if (segment.padding && followed && !waits(flow) && piece.sequence == flow.position) {
    flow.padding = std::max<std::size_t>(flow.padding, piece.bytes.size()) & kMostPadding;
    return;
  }
  std::size_t zeros = 0;  // that the server may have taken instead of the piece's first bytes
  bool covers_zeros = false;
  if (flow.padding != 0 && followed) {
    take_padding(segment, flow, piece, findings);
    if (!is_before(flow.position, piece.sequence) && is_before(flow.position, piece.end())) {
      const bool message = flow.reading == Reading::message && piece.sequence == flow.position;
      if (message) zeros = flow.padding;
      covers_zeros = true;
    }
  }
  findings.server_next = piece.sequence;
  if (is_before(piece.sequence, flow.highest) && is_before(flow.highest, piece.end())) {
    // Old data with new data after it: the server waits for the new data.
    findings.server_next = flow.highest;
  }
  const bool before_start = flow.reading != Reading::sampled && is_before(piece.sequence, flow.start);
  if (before_start && !trim_to_start(flow, piece, findings)) return;
  if (flow.reading == Reading::sampled) {
    inspect_sampled(segment, flow, piece, findings);
  } else if (flow.reading == Reading::opaque) {
    // Only a retransmission can differ from held bytes.
    if (is_before(piece.sequence, flow.highest) && !agrees(segment, flow, piece, findings)) return;
  } else {
    inspect_followed(segment, flow, piece, findings);
  }
  if (zeros != 0 && zeros < piece.bytes.size() && !findings.found && !findings.conflict) {
    reader_.read_alone(segment, piece.bytes.subspan(zeros), findings);
  }
  if (findings.conflict || findings.memory_full || (findings.block && segment.stop_at_block)) return;
  if (covers_zeros) flow.padding = 0;
  if (!findings.ahead) pass_over(flow, piece.end());
}

void StreamInspector::pass_over(Flow& flow, std::uint32_t end) noexcept {
  if (is_before(flow.highest, end)) flow.highest = end;
  // Sequence numbers wrap: held bytes would be taken for bytes of the next 4 GiB.
  if (distance(flow.position, flow.highest) > kNearBytes) {
    buffers_.release(flow);
    flow.position = flow.highest;
  }
  if (distance(flow.start, flow.highest) > 4 * kNearBytes) flow.start = flow.highest - 2 * kNearBytes;
}

StreamInspector::Piece StreamInspector::padding_of(const Flow& flow) noexcept {
  static constexpr std::array<std::byte, kMostPadding> kZeros{};
  return {.sequence = flow.position, .bytes = std::span(kZeros).first(flow.padding)};
}

bool StreamInspector::covers_padding(const Flow& flow, const Piece& piece) noexcept {
  return flow.padding != 0 && is_before(flow.position, piece.end());
}

bool StreamInspector::hold_padding(Flow& flow, const Piece& padding, SegmentFindings& findings) noexcept {
  flow.padding = 0;
  if (!padding.bytes.empty() && (!buffers_.make_room(flow, padding.sequence, padding.bytes.size()) ||
                                 !buffers_.write(flow, padding.sequence, padding.bytes, false))) {
    findings.memory_full = true;
    return false;
  }
  buffers_.touch(flow, true);
  return true;
}

void StreamInspector::take_padding(const Segment& segment, Flow& flow, const Piece& piece,
                                   SegmentFindings& findings) noexcept {
  const std::int32_t count = distance(flow.position, piece.sequence);
  if (count <= 0 || count > static_cast<std::int32_t>(flow.padding)) return;
  const auto taken = static_cast<std::size_t>(count);
  const Piece padding = padding_of(flow);
  const Piece before{.sequence = padding.sequence, .bytes = padding.bytes.first(taken)};
  flow.padding = (flow.padding - taken) & kMostPadding;
  inspect_followed(segment, flow, before, findings);
  pass_over(flow, before.end());
}

void StreamInspector::inspect_sampled(const Segment& segment, Flow& flow, Piece piece,
                                      SegmentFindings& findings) noexcept {
  SegmentFindings own;
  if (!reader_.read_alone(segment, piece.bytes, own)) return;
  // A message begins here: follow the stream again from here.
  buffers_.release(flow);
  begin(flow, piece.sequence, false);
  inspect_followed(segment, flow, piece, findings);
}

void StreamInspector::inspect_followed(const Segment& segment, Flow& flow, Piece piece,
                                       SegmentFindings& findings) noexcept {
  if (!agrees(segment, flow, piece, findings)) return;
  if (is_before(piece.sequence, flow.position)) {
    if (!is_before(flow.position, piece.end())) return;
    const auto read = static_cast<std::size_t>(distance(piece.sequence, flow.position));
    piece = {.sequence = flow.position, .bytes = piece.bytes.subspan(read)};
    // A message that begins here shares its segment with the end of another.
    if (!waits(flow)) flow.pipelined = true;
  }
  if (distance(flow.position, piece.sequence) > static_cast<std::int32_t>(kAheadBytes)) {
    findings.ahead = findings.unplaced = true;
    return;
  }
  const bool urgent = flow.urgent || (segment.packet.tcp.flags & proto::kTcpUrg) != 0;
  if (piece.sequence == flow.position && !waits(flow) && !urgent) {
    read_in_place(segment, flow, piece, findings);
  } else {
    read_buffered(segment, flow, piece, findings);
  }
  if (flow.reading == Reading::sampled) buffers_.release(flow);
}

bool StreamInspector::trim_to_start(Flow& flow, Piece& piece, SegmentFindings& findings) noexcept {
  const auto early = static_cast<std::uint32_t>(distance(piece.sequence, flow.start));
  if (!flow.start_known && early <= kAheadBytes && flow.reading == Reading::message) {
    // The stream was picked up after its beginning: read it again from here, including the held bytes.
    const std::uint32_t highest = flow.highest;
    const Piece padding = padding_of(flow);
    begin(flow, piece.sequence, false);
    flow.highest = highest;
    return hold_padding(flow, padding, findings);
  }
  // The server accepts nothing from before the stream's first byte, unless the SYN was a decoy. A keep-alive
  // probe on a connection without data is one byte.
  findings.unplaced = piece.bytes.size() > 1;
  if (early >= piece.bytes.size()) return false;
  piece = {.sequence = flow.start, .bytes = piece.bytes.subspan(early)};
  return true;
}

bool StreamInspector::agrees(const Segment& segment, Flow& flow, const Piece& piece,
                             SegmentFindings& findings) noexcept {
  const bool old = is_before(piece.sequence, flow.position);
  const bool skipped = old && in_skipped(flow, piece.sequence);
  if (flow::StreamBuffers::empty(flow)) {
    findings.unplaced = findings.unplaced || (old && !skipped && flow.reading == Reading::message);
    return true;
  }
  const flow::Overlap overlap = buffers_.compare(flow, piece.sequence, piece.bytes);
  if (!overlap.conflict) {
    if (overlap.unverified && proto::tcp_checksum_is_right(segment.packet)) {
      buffers_.confirm(flow, piece.sequence, piece.bytes.size());
    }
    findings.unplaced =
        findings.unplaced || (old && !skipped && overlap.held_bytes == 0 && flow.reading == Reading::message);
    return true;
  }
  // A keep-alive probe: one byte of any value, just before the byte that the receiver expects (RFC
  // 9293, 3.8.4).
  const bool probe = piece.bytes.size() == 1 && piece.end() == flow.highest;
  if (probe && !waits(flow)) return false;
  const bool unread = !is_before(overlap.first_conflict, flow.position);
  if (overlap.only_unverified && (unread || can_read_again(flow, overlap.first_conflict)) &&
      !covers_padding(flow, piece) && proto::tcp_checksum_is_right(segment.packet)) {
    if (!buffers_.make_room(flow, piece.sequence, piece.bytes.size())) {
      findings.memory_full = true;
      return false;
    }
    // The server may never have accepted the held bytes: read the message as it is now.
    if (buffers_.write(flow, piece.sequence, piece.bytes, true)) {
      const Piece padding = padding_of(flow);
      unread ? read_on(flow) : read_again(flow);
      return hold_padding(flow, padding, findings);
    }
  }
  findings.conflict = true;
  return false;
}

bool StreamInspector::can_read_again(const Flow& flow, std::uint32_t sequence) const noexcept {
  const std::uint32_t message = flow.open.message;
  return !is_before(sequence, message) && buffers_.at(flow, message).has_value() &&
         !is_before(buffers_.contiguous_end(flow, message), flow.position);
}

void StreamInspector::read_on(Flow& flow) noexcept {
  flow.line_done = false;
  flow.open.seen = flow.position;
  flow.open.wanted = 1;
}

void StreamInspector::read_again(Flow& flow) noexcept {
  const std::uint32_t start = flow.start;
  const std::uint32_t highest = flow.highest;
  begin(flow, flow.open.message, flow.start_known);
  flow.start = start;
  flow.highest = highest;
}

void StreamInspector::read_in_place(const Segment& segment, Flow& flow, const Piece& piece,
                                    SegmentFindings& findings) noexcept {
  const bool hold = flow.reading == Reading::message || flow.reading == Reading::http2;
  const HttpPhase phase = flow.http.phase;
  std::optional<Flow> before;
  if (buffers_.keeps_waiting()) before = flow;
  const MessageReader::Result result = reader_.read(segment, flow, piece.bytes, findings);
  if (findings.block && segment.stop_at_block) return;
  const bool waiting = result.used_bytes < piece.bytes.size();
  if (waiting && !buffers_.make_room(flow, piece.sequence, piece.bytes.size())) {
    // The client will send it again: read it then, from the stream's state before.
    if (before) {
      // Making room may have moved the flow within its queue.
      before->buffer = flow.buffer;
      flow = *before;
    }
    findings.memory_full = true;
    return;
  }
  advance(flow, piece.sequence, phase, result);
  if (flow.reading == Reading::sampled) return;
  if (waiting || hold) {
    const auto bytes = waiting ? piece.bytes : piece.bytes.first(std::min(piece.bytes.size(), kHeldBytes));
    buffers_.release_before(flow, flow.position - kKeptBytes);
    if (!buffers_.write(flow, piece.sequence, bytes, proto::tcp_checksum_is_right(segment.packet))) {
      if (waiting) flow.reading = Reading::sampled;
      return;
    }
    flow.open.seen = piece.end();
    buffers_.touch(flow, waiting);
  }
}

void StreamInspector::read_buffered(const Segment& segment, Flow& flow, const Piece& piece,
                                    SegmentFindings& findings) noexcept {
  if (!buffers_.make_room(flow, piece.sequence, piece.bytes.size())) {
    findings.memory_full = true;
    return;
  }
  const std::uint32_t seen = waits(flow) ? flow.open.seen : flow.position;
  findings.server_next = buffers_.contiguous_end(flow, seen);
  if (!buffers_.write(flow, piece.sequence, piece.bytes, proto::tcp_checksum_is_right(segment.packet))) {
    flow.reading = Reading::sampled;
    reader_.read_alone(segment, piece.bytes, findings);
    return;
  }
  if (const auto urgent = proto::tcp_urgent_byte(segment.packet)) {
    flow.urgent = true;
    buffers_.mark_urgent(flow, *urgent);
  }
  findings.incomplete = true;
  const std::span<std::byte> room(text_.get(), kTextBytes);
  for (std::uint32_t from = seen;;) {
    const std::uint32_t end = buffers_.contiguous_end(flow, flow.position);
    const auto text_bytes = static_cast<std::size_t>(distance(flow.position, end));
    const std::uint32_t begin = flow.position;
    if (text_bytes == 0 || end == from) break;
    const bool read_text = worth_reading(flow, from, end, room);
    const std::uint32_t message = flow.open.message;
    const bool urgent = flow.urgent;
    if (read_text) {
      const std::size_t count = buffers_.read(flow, begin, end, room);
      findings.incomplete = false;
      const HttpPhase phase = flow.http.phase;
      const MessageReader::Result result = reader_.read(segment, flow, room.first(count), findings);
      if (findings.block && segment.stop_at_block) return;
      advance(flow, begin, phase, result);
      if (flow.reading == Reading::sampled) return;
    }
    if (urgent) {
      read_without_urgent(segment, flow, message, end, findings);
      if (findings.block && segment.stop_at_block) return;
    }
    if (!read_text || flow.position == begin) break;
    from = flow.position;
  }
  flow.open.seen = buffers_.contiguous_end(flow, flow.position);
  buffers_.release_before(flow, flow.position - kKeptBytes);
  const bool held_ahead = is_before(flow.position, piece.end()) || is_before(flow.position, flow.highest);
  buffers_.touch(flow, held_ahead);
}

bool StreamInspector::worth_reading(Flow& flow, std::uint32_t from, std::uint32_t end,
                                    std::span<std::byte> room) noexcept {
  std::array<std::byte, 2> before{};
  for (std::uint32_t i = 0; i < before.size(); ++i) {
    const auto back = static_cast<std::uint32_t>(before.size()) - i;
    if (distance(flow.position, from) >= static_cast<std::int32_t>(back)) {
      before[i] = buffers_.at(flow, from - back).value_or(std::byte{0});
    }
  }
  const std::size_t count = buffers_.read(flow, from, end, room);
  return MessageReader::worth_reading(flow, room.first(count), before,
                                      static_cast<std::size_t>(distance(flow.position, end)));
}

void StreamInspector::read_without_urgent(const Segment& segment, Flow& flow, std::uint32_t begin,
                                          std::uint32_t end, SegmentFindings& findings) noexcept {
  const std::span<std::byte> room(other_text_.get(), kOtherTextBytes);
  const std::size_t count = buffers_.read(flow, begin, end, room, true);
  if (count < static_cast<std::size_t>(std::max(distance(begin, end), 0))) {
    reader_.read_alone(segment, room.first(count), findings);
  }
}

void StreamInspector::advance(Flow& flow, std::uint32_t text_begin, HttpPhase phase,
                              const MessageReader::Result& result) noexcept {
  const std::uint32_t before = flow.position;
  const bool after_body =
      is_before(flow.open.message, flow.open.skipped) && is_before(flow.open.skipped, before);
  flow.position = text_begin + static_cast<std::uint32_t>(result.used_bytes);
  const bool waiting = !result.all_used;
  if (result.found) flow.open.message = text_begin + static_cast<std::uint32_t>(result.message_begin);
  // Reading cannot start again in the middle of a body's framing.
  const bool framing_went_on = !result.found && phase != HttpPhase::head && flow.open.message == text_begin;
  if ((waiting || framing_went_on) && !flow.urgent) flow.open.message = flow.position;
  if (result.found) flow.urgent = false;
  if (!waiting) flow.open.wanted = 1;
  const auto skip = static_cast<std::uint32_t>(std::min<std::uint64_t>(result.skip_bytes, kSkipBytes));
  // The skipped body is remembered while it lasts, and until the message after it has ended.
  const bool body_goes_on = !result.found && after_body;
  const bool body_just_ended = skip == 0 && after_body;
  if (!body_goes_on && !body_just_ended) flow.open.skipped = flow.position;
  // The numbers of a long body wrap round to its beginning.
  if (distance(flow.open.skipped, flow.position) > 4 * kNearBytes) flow.open.skipped = before;
  flow.position += skip;
  if (flow.reading == Reading::message && flow.http.phase != flow::HttpPhase::head) flow.http.left -= skip;
}

}  // namespace weir::inspect
