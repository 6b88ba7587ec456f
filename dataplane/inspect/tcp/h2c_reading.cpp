// The part of MessageReader that recognises cleartext HTTP/2 in a client's stream and passes it to
// H2cInspector.
#include "dataplane/base/ascii.h"
#include "dataplane/inspect/tcp/message_reader.h"

namespace weir::inspect {

using flow::Flow;
using flow::Reading;

// The preface looks like the start of an HTTP/1.x request on purpose (RFC 9113, 3.4). It comes first, or
// after a request with `Upgrade: h2c`. The server's consent is not seen, so the preface is accepted wherever
// a request may begin.
bool MessageReader::begin_http2(const proto::HttpRequest& request, Flow& flow, Pass& pass) noexcept {
  if (request.method != "PRI" || request.target != "*") return false;
  const std::string_view text = base::characters_of(pass.text);
  const auto begin = static_cast<std::size_t>(request.method.data() - text.data());
  const std::string_view from_here = text.substr(begin);
  const bool whole = from_here.starts_with(proto::kH2Preface);
  if (!whole && !proto::kH2Preface.starts_with(from_here)) return false;
  pass.rest = pass.text.subspan(begin);
  if (!whole) {
    pass.waits = true;
    flow.open.wanted = proto::kH2Preface.size();
    flow.line_done = false;
    return true;
  }
  pass.result.found = true;
  pass.result.message_begin = begin;
  flow.reading = Reading::http2;
  // If the stream is read again from its preface, the earlier state is useless.
  h2c_.close(flow.extra);
  flow.extra = pass.alone ? H2cInspector::kNoHandle : h2c_.open(flow.key.source, flow.last_seen);
  return true;
}

void MessageReader::read_http2(const Segment& segment, Flow& flow, Pass& pass,
                               SegmentFindings& findings) noexcept {
  const std::span<const std::byte> bytes = pass.rest;
  const H2cPiece piece{.packet = segment.packet,
                       .snapshot = segment.snapshot,
                       .bytes = bytes,
                       .stop_at_block = segment.stop_at_block};
  const bool followed = flow.extra != H2cInspector::kNoHandle;
  const H2cProgress progress =
      followed ? h2c_.read(flow.extra, piece, flow.last_seen, findings) : h2c_.read_alone(piece, findings);
  pass.rest = {};
  findings.incomplete = findings.incomplete || progress.incomplete;
  if (!followed || progress.state == H2cState::ended) flow.reading = Reading::sampled;
  if (!progress.doubtful || pass.alone || (findings.block && segment.stop_at_block)) return;
  // An HTTP/1.x server may take the preface for a bad request and go on after it.
  const bool from_preface = base::characters_of(bytes).starts_with(proto::kH2Preface);
  read_alone(segment, bytes.subspan(from_preface ? proto::kH2Preface.size() : 0), findings);
  // A page would overtake the answer to the preface.
  findings.block_begins_segment = false;
}

}  // namespace weir::inspect
