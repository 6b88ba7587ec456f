#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "dataplane/counters/counters.h"
#include "dataplane/flow/flow.h"
#include "dataplane/inspect/decision/request_decider.h"
#include "dataplane/inspect/tcp/h2c_inspector.h"
#include "dataplane/inspect/tcp/http_walk.h"
#include "dataplane/match/snapshot_view.h"
#include "dataplane/proto/packet/packet_view.h"
#include "dataplane/proto/tls/tls_client_hello.h"

namespace weir::inspect {

/// Longest incomplete request head, and longest incomplete ClientHello with its records, that may still wait
/// for more bytes.
inline constexpr std::size_t kMaxMessageBytes = 65536;

/// One packet's payload in its stream.
struct Segment {
  const proto::PacketView& packet;
  const match::SnapshotView* snapshot;
  std::span<const std::byte> payload;
  std::uint32_t sequence;  // of the payload's first byte
  bool http;               // look for HTTP
  bool tls;                // look for TLS
  bool padding;            // the payload may be padding of the frame
  bool stop_at_block;      // read nothing after a blocked request: it is dropped too
};

/// The result of reading one segment.
struct SegmentFindings : Findings {
  bool incomplete = false;            // a message has begun and not ended
  bool conflict = false;              // a byte differs from an earlier copy
  bool table_full = false;            // no room in the flow table for its connection
  bool memory_full = false;           // no memory for its part of a message; nothing of it was kept
  bool unplaced = false;              // it is old, or too far ahead, and cannot be compared with anything
  bool ahead = false;                 // it is too far ahead: nothing of it was kept
  bool block_begins_segment = false;  // no other request precedes the blocked one in its segment
  bool head_request = false;          // the blocked request is HEAD
  std::uint32_t server_next = 0;      // with block: the first byte that the server does not have
};

/// Reads the messages of a client's stream from contiguous bytes; each piece continues where the last one
/// ended. Does not use sequence numbers. No allocation after construction.
class MessageReader {
 public:
  /// In bytes that are not HTTP, up to this many are searched for a request at the start of a line.
  static constexpr std::uint16_t kGarbageBytes = 8192;
  /// After a ClientHello, up to this many bytes are searched for a second one.
  static constexpr std::uint16_t kRecordBytes = 65535;
  /// Of the requests within one head, this many are looked up in every reading, and the others in the usual
  /// one.
  static constexpr std::size_t kFullyReadRequestsWithin = 64;

  MessageReader(base::Counters& counters, RequestDecider& decider, H2cInspector& h2c);

  struct Result {
    std::size_t used_bytes = 0;     // of the text; the rest waits for more bytes
    std::uint64_t skip_bytes = 0;   // after the text, that need not be read
    std::size_t message_begin = 0;  // position in the text of the last message found, else of what waits
    bool found = false;
    bool all_used = false;
  };
  /// `text` begins after the last call's used_bytes and skip_bytes. Updates the flow's parse state, except
  /// its position. O(text).
  Result read(const Segment& segment, flow::Flow& flow, std::span<const std::byte> text,
              SegmentFindings& findings) noexcept;
  /// Whether `fresh`, the latest bytes of an incomplete message, may complete it. `before` are the two bytes
  /// that precede them; `text_bytes` is the length of the whole message so far. Keeps many small pieces
  /// cheap.
  static bool worth_reading(flow::Flow& flow, std::span<const std::byte> fresh,
                            std::span<const std::byte> before, std::size_t text_bytes) noexcept;
  /// Reads a piece on its own, as if a stream began with it. True: it begins with a message, or with the
  /// start of one.
  bool read_alone(const Segment& segment, std::span<const std::byte> text,
                  SegmentFindings& findings) noexcept;

 private:
  /// One pass over a text.
  struct Pass {
    std::span<const std::byte> text;
    std::span<const std::byte> rest;
    Result result;
    bool waits = false;
    bool after_message = false;  // another message precedes `rest` in the same segment
    bool alone = false;          // the piece belongs to no stream
  };

  void read_messages(const Segment& segment, flow::Flow& flow, Pass& pass,
                     SegmentFindings& findings) noexcept;
  /// Returns whether to continue the pass.
  bool read_request(const Segment& segment, flow::Flow& flow, Pass& pass, SegmentFindings& findings) noexcept;
  /// A prefix of the PROXY protocol, or a request of SOCKS; false: there is none.
  bool read_proxy_prefix(const Segment& segment, flow::Flow& flow, Pass& pass,
                         SegmentFindings& findings) noexcept;
  bool read_hello(const Segment& segment, flow::Flow& flow, Pass& pass, SegmentFindings& findings) noexcept;
  void read_records(const Segment& segment, flow::Flow& flow, Pass& pass, SegmentFindings& findings) noexcept;
  Result read_pass(const Segment& segment, flow::Flow& flow, Pass pass, SegmentFindings& findings) noexcept;
  /// Whether the request is HTTP/2's preface, or may become it.
  bool begin_http2(const proto::HttpRequest& request, flow::Flow& flow, Pass& pass) noexcept;
  void read_http2(const Segment& segment, flow::Flow& flow, Pass& pass, SegmentFindings& findings) noexcept;
  void decide_request(const Segment& segment, const proto::HttpRequest& request, const Pass& pass,
                      SegmentFindings& findings, bool usual_only = false) noexcept;
  /// Also the requests that some server sees within `head`, which begins with the request. `begin_in_doubt`:
  /// the bytes of another message may go on into it.
  void decide_with_requests_within(const Segment& segment, const proto::HttpRequest& request,
                                   std::string_view head, bool begin_in_doubt, const Pass& pass,
                                   SegmentFindings& findings) noexcept;
  void give_up_message(const Segment& segment, flow::Flow& flow, const proto::HttpRequest& request,
                       Pass& pass, SegmentFindings& findings) noexcept;

  base::Counters& counters_;
  RequestDecider& decider_;
  H2cInspector& h2c_;
  std::unique_ptr<std::byte[]> assembly_;
};

}  // namespace weir::inspect
