#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/base/counters.h"
#include "dataplane/flow/flow.h"
#include "dataplane/inspect/decision/request_decider.h"
#include "dataplane/inspect/tcp/h2c_inspector.h"
#include "dataplane/inspect/tcp/http_walk.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/proto/packet/packet_view.h"
#include "dataplane/proto/tls/tls_client_hello.h"

namespace weir::inspect {

/// Longest head of a request and longest ClientHello, records included, that are waited for.
inline constexpr std::size_t kMaxMessageBytes = 65536;

/// One packet's payload in its stream.
struct Segment {
  const proto::PacketView& packet;
  const match::SnapshotView* snapshot;
  std::span<const std::byte> payload;
  std::uint32_t sequence;  // of the payload's first byte
  bool http;               // what is looked for
  bool tls;
  bool padding;        // the payload may be no data at all
  bool stop_at_block;  // what follows a blocked request is not looked at: it is dropped too
};

/// What reading one packet came to.
struct SegmentFindings : Findings {
  bool incomplete = false;            // a message waits for its end
  bool conflict = false;              // with a byte seen before
  bool table_full = false;            // no place for its connection
  bool memory_full = false;           // no room for its part of a message; nothing of it was taken up
  bool unplaced = false;              // old, and nothing is known of what was there
  bool block_begins_segment = false;  // no other request stands before the blocked one in its segment
  bool head_request = false;          // the blocked one is HEAD
  std::uint32_t server_next = 0;      // with block: the first byte that the server does not have
};

/// Reads the messages of a client's stream from contiguous bytes, and goes on in the next piece where the
/// last one ended. Knows nothing of sequence numbers. No allocation after construction.
class MessageReader {
 public:
  /// Bytes of something that is no HTTP in which a request is still looked for at the start of every line.
  static constexpr std::uint16_t kGarbageBytes = 8192;
  /// Bytes behind a ClientHello among which a second one may be.
  static constexpr std::uint16_t kRecordBytes = 65535;

  MessageReader(base::Counters& counters, RequestDecider& decider, H2cInspector& h2c);

  struct Result {
    std::size_t used_bytes = 0;     // of the text; what is behind them waits for more
    std::uint64_t skip_bytes = 0;   // that follow the text and need not be seen
    std::size_t message_begin = 0;  // in the text: the last message found, or else what waits
    bool found = false;
    bool all_used = false;
  };
  /// `text` goes on where the last call's used_bytes and skip_bytes ended. Changes what the flow keeps of its
  /// reading, but for the position. O(text).
  Result read(const Segment& segment, flow::Flow& flow, std::span<const std::byte> text,
              SegmentFindings& findings) noexcept;
  /// Whether `fresh`, the latest bytes of a message that waits, can have completed it; `before` are the two
  /// bytes in front of them. `text_bytes`: of the whole message. Keeps the cost of many small pieces down.
  static bool worth_reading(flow::Flow& flow, std::span<const std::byte> fresh,
                            std::span<const std::byte> before, std::size_t text_bytes) noexcept;
  /// Reads a piece by itself, as if a stream began with it; true when it begins with a message or a part of
  /// one.
  bool read_alone(const Segment& segment, std::span<const std::byte> text,
                  SegmentFindings& findings) noexcept;

 private:
  /// What is left of the text, and what was seen in it.
  struct Pass {
    std::span<const std::byte> text;
    std::span<const std::byte> rest;
    Result result;
    bool waits = false;
    bool behind_message = false;  // in the same segment
    bool alone = false;           // of a piece that belongs to no stream
  };

  void read_messages(const Segment& segment, flow::Flow& flow, Pass& pass,
                     SegmentFindings& findings) noexcept;
  /// Returns whether the pass goes on.
  bool read_request(const Segment& segment, flow::Flow& flow, Pass& pass, SegmentFindings& findings) noexcept;
  bool read_hello(const Segment& segment, flow::Flow& flow, Pass& pass, SegmentFindings& findings) noexcept;
  void read_records(const Segment& segment, flow::Flow& flow, Pass& pass, SegmentFindings& findings) noexcept;
  Result read_pass(const Segment& segment, flow::Flow& flow, Pass pass, SegmentFindings& findings) noexcept;
  /// Whether the request that was found begins HTTP/2's preface, or can.
  bool begin_http2(const proto::HttpRequest& request, flow::Flow& flow, Pass& pass) noexcept;
  void read_http2(const Segment& segment, flow::Flow& flow, Pass& pass, SegmentFindings& findings) noexcept;
  void decide_request(const Segment& segment, const proto::HttpRequest& request, const Pass& pass,
                      SegmentFindings& findings) noexcept;
  void give_up_message(const Segment& segment, flow::Flow& flow, const proto::HttpRequest& request,
                       Pass& pass, SegmentFindings& findings) noexcept;

  base::Counters& counters_;
  RequestDecider& decider_;
  H2cInspector& h2c_;
  std::unique_ptr<std::byte[]> assembly_;
};

}  // namespace weir::inspect
