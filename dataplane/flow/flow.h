#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "dataplane/proto/packet/packet_view.h"

namespace weir::flow {

/// Identity of one direction of a connection.
struct FlowKey {
  proto::IpAddress source;
  proto::IpAddress destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint8_t ip_protocol = 0;
  bool operator==(const FlowKey&) const = default;
};
FlowKey flow_key_of(const proto::PacketView& packet) noexcept;

/// TCP sequence numbers wrap (RFC 9293, 3.4): the signed distance from `from` to `to`.
constexpr std::int32_t distance(std::uint32_t from, std::uint32_t to) noexcept {
  return static_cast<std::int32_t>(to - from);
}
constexpr bool is_before(std::uint32_t a, std::uint32_t b) noexcept { return distance(b, a) < 0; }

/// How a client's stream is read on.
///
/// - message: a message begins at `position`, or waits there for its rest;
/// - tls_records: behind a ClientHello, record by record, for a second one;
/// - http2: behind HTTP/2's preface;
/// - sampled: not followed, each segment is read by itself;
/// - opaque: nothing that comes is looked at;
/// - blocked: nothing that comes reaches the server.
enum class Reading : std::uint8_t { message, tls_records, http2, sampled, opaque, blocked };

/// Where in an HTTP/1.x stream the next byte belongs to.
enum class HttpPhase : std::uint8_t { head, body, chunk_line, chunk_data, chunk_end, trailers };

/// What reading an HTTP/1.x stream keeps from one piece to the next.
struct HttpProgress {
  std::uint64_t left = 0;  // of a body or of a chunk's data, bytes behind what has been gone through
  HttpPhase phase = HttpPhase::head;
  bool scanning = false;  // a request is looked for at the start of every line
  bool garbage = false;   // because of something that is no HTTP, so not for ever
};

/// What is sent in the place of a dropped packet.
enum class AnswerKind : std::uint8_t { none, http_page, tls_alert, reset, finish, quic_close };

/// What answering the rest of a blocked connection needs to know of it.
struct BlockedStream {
  std::uint32_t server_next = 0;  // the sequence number that the server expects: nothing behind it gets there
  std::uint32_t request_end = 0;  // behind the dropped request's last sequence number
  std::uint32_t client_end = 0;   // behind the last sequence number that the client was seen to use
  AnswerKind answer = AnswerKind::none;  // what the request got, and its retransmissions get again
  bool head_request = false;
  bool server_knows = true;  // false: the connection's SYN never reached the server
};

/// What reading a stream that is not blocked keeps.
struct OpenStream {
  std::uint32_t message = 0;  // where the message at hand begins; behind it, the last one
  std::uint32_t skipped = 0;  // bytes from here to the next message were not looked at: a body
  std::uint32_t seen = 0;     // from `message` up to here the text has been looked at for the end of a head
  std::uint32_t wanted = 0;   // bytes of the message below which reading it again is of no use
};

/// The bytes that StreamBuffers holds for a flow.
struct BufferedBytes {
  static constexpr std::uint32_t kNone = 0xffffffff;
  enum class Queue : std::uint8_t { none, kept, waiting };
  std::uint32_t first_chunk = kNone;
  std::uint32_t last_chunk = kNone;
  std::uint32_t older = kNone;  // flows in the same queue
  std::uint32_t newer = kNone;
  Queue queue = Queue::none;
};

/// One client's stream. The first cache line is all that a packet of a decided stream touches.
struct alignas(64) Flow {
  constexpr Flow() noexcept : open{} {}

  FlowKey key;
  std::chrono::nanoseconds last_seen{0};
  std::uint32_t position = 0;  // sequence number of the next byte to read
  std::uint32_t highest = 0;   // behind the highest one seen
  std::uint32_t start = 0;     // of the stream's first byte
  Reading reading = Reading::message;
  bool used = false;
  bool start_known = false;    // a SYN was seen
  bool pipelined : 1 = false;  // the message at hand began behind another one in its segment
  bool contested : 1 = false;  // another reading of the connection has given way to this one

  union {
    OpenStream open;        // as long as reading is not blocked
    BlockedStream blocked;  // when it is
  };
  HttpProgress http;
  BufferedBytes buffer;
  std::uint16_t budget = 0;  // bytes that may still be searched before the stream counts as something else
  bool urgent = false;       // the message at hand has urgent bytes
  bool line_done = false;    // the message at hand is HTTP and its first line is complete
  std::uint32_t extra = 0;   // of the protocol that the stream was handed over to
  std::uint16_t client_mss = 0;  // that the client's SYN asked for; 0: not known
};
static_assert(sizeof(Flow) == 128, "the bound on the state of a flow with nothing buffered");
static_assert(std::is_trivially_copyable_v<Flow>);

}  // namespace weir::flow
