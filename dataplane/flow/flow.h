#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "dataplane/flow/flow_key.h"

namespace weir::flow {

/// TCP sequence numbers wrap (RFC 9293, 3.4): the signed distance from `from` to `to`.
constexpr std::int32_t distance(std::uint32_t from, std::uint32_t to) noexcept {
  return static_cast<std::int32_t>(to - from);
}
constexpr bool is_before(std::uint32_t a, std::uint32_t b) noexcept { return distance(b, a) < 0; }

/// How long a connection is followed after its last packet. Pieces of a request may arrive a minute apart,
/// requests of a connection further. But the initial sequence numbers of Linux repeat after 275 s: a port
/// that is reused then would seem to contradict its old bytes.
inline constexpr std::chrono::seconds kOpenFlowLifetime{240};

/// How the rest of a client's stream is read.
///
/// - message: a message begins at `position`, and may wait there for its rest;
/// - tls_records: after a ClientHello, record by record, in search of a second one;
/// - http2: after the preface of HTTP/2;
/// - sampled: the stream is not followed, each segment is read by itself;
/// - opaque: the rest is not inspected;
/// - blocked: the rest does not reach the server.
enum class Reading : std::uint8_t { message, tls_records, http2, sampled, opaque, blocked };

/// The part of an HTTP/1.x stream that the next byte belongs to.
enum class HttpPhase : std::uint8_t { head, body, chunk_line, chunk_data, chunk_end, trailers };

/// State of reading an HTTP/1.x stream, kept from one piece to the next.
struct HttpProgress {
  std::uint64_t left = 0;  // unread bytes of a body or of the data of a chunk
  HttpPhase phase = HttpPhase::head;
  bool scanning = false;  // every line may begin a request
  bool garbage = false;   // scanning because of bytes that are no HTTP, so for a limited time
};

/// What is sent instead of a dropped packet.
enum class AnswerKind : std::uint8_t { none, http_page, tls_alert, reset, finish, quic_close };

/// The state of a blocked connection that later answers need.
struct BlockedStream {
  std::uint32_t server_next = 0;  // the sequence number that the server expects; later bytes do not reach it
  std::uint32_t request_end = 0;  // after the last sequence number of the dropped request
  std::uint32_t client_end = 0;   // after the highest sequence number seen from the client
  AnswerKind answer = AnswerKind::none;  // to the request, and to its retransmissions
  bool head_request = false;
  bool server_knows = true;    // false: the SYN never reached the server
  bool handshake_seen = true;  // false: the client's address may be forged, so it gets nothing but one reset
};

/// State of reading a stream that is not blocked.
struct OpenStream {
  std::uint32_t message = 0;  // start of the current message; between messages, of the last one
  std::uint32_t skipped = 0;  // start of the body, which is not inspected, before the next message
  std::uint32_t seen = 0;     // from `message` up to here the text was searched for the end of a head
  std::uint32_t wanted = 0;   // with fewer bytes of the message reading it again is useless
};

/// Where StreamBuffers holds the bytes of a flow.
struct BufferedBytes {
  static constexpr std::uint32_t kNone = 0xffffffff;
  enum class Queue : std::uint8_t { none, kept, waiting };
  std::uint32_t first_chunk = kNone;
  std::uint32_t last_chunk = kNone;
  std::uint32_t older = kNone;  // neighbours in the queue
  std::uint32_t newer = kNone;
  Queue queue = Queue::none;
  std::uint16_t chunks = 0;  // from first_chunk to last_chunk
};

/// The stream of one client. A packet of a decided stream touches the first cache line only.
struct alignas(64) Flow {
  constexpr Flow() noexcept : open{} {}

  FlowKey key;
  std::chrono::nanoseconds last_seen{0};
  std::uint32_t position = 0;  // sequence number of the next byte to read
  std::uint32_t highest = 0;   // after the highest one seen
  std::uint32_t start = 0;     // of the first byte of the stream
  Reading reading = Reading::message;
  bool used = false;
  bool start_known = false;    // a SYN was seen
  bool pipelined : 1 = false;  // the current message began after another one in its segment
  bool contested : 1 = false;  // numbers of the connection are remembered in ForgottenNumbers
  bool urgent : 1 = false;     // the current message has urgent bytes
  bool line_done : 1 = false;  // the current message is HTTP, and its first line is complete
  bool bounded : 1 = false;    // `bound` holds
  // Zeros at `position` that may be padding: they are not held, and the position has not moved.
  std::uint8_t padding : 3 = 0;

  union {
    OpenStream open;        // unless reading is blocked
    BlockedStream blocked;  // when reading is blocked
  };
  HttpProgress http;
  BufferedBytes buffer;
  std::uint16_t budget = 0;      // bytes left to search before the stream counts as another protocol
  std::uint16_t client_mss = 0;  // from the SYN of the client; 0: not known
  std::uint32_t extra = 0;       // for the protocol that reads the stream on (HTTP/2)
  std::uint32_t bound = 0;       // from this number on, another reading has bytes that this one has not
};
static_assert(sizeof(Flow) == 128, "the limit on the state of a flow without buffered bytes");
static_assert(std::is_trivially_copyable_v<Flow>);

/// Whether bytes are held that were not read yet.
constexpr bool waits(const Flow& flow) noexcept { return flow.buffer.queue == BufferedBytes::Queue::waiting; }

}  // namespace weir::flow
