#include "dataplane/inspect/tcp/message_reader.h"

#include <algorithm>

#include "dataplane/base/ascii.h"
#include "dataplane/proto/http/proxy_prefix.h"

namespace weir::inspect {
namespace {

using base::Counter;
using base::index_of;
using base::ParseStatus;
using base::Protocol;
using flow::Flow;
using flow::HttpPhase;
using flow::Reading;

constexpr std::byte kChangeCipherSpec{20};
constexpr std::byte kHandshake{22};
constexpr std::byte kApplicationData{23};
constexpr std::size_t kRecordHeaderBytes = 5;

// A record that a hello may begin with or after, or a hello in SSL 2 format, which begins with a length whose
// top bit is set.
bool looks_like_tls(std::span<const std::byte> text) noexcept {
  return !text.empty() && ((text.front() >= kChangeCipherSpec && text.front() <= kHandshake) ||
                           (text.front() & std::byte{0x80}) != std::byte{0});
}

// The PROXY protocol, SOCKS 4 or 5.
bool may_be_proxy_prefix(std::byte first) noexcept {
  return first == std::byte{'P'} || first == std::byte{'\r'} || first == std::byte{4} ||
         first == std::byte{5};
}

// Some servers take any version.
bool is_record(std::span<const std::byte> text) noexcept {
  return text.front() >= kChangeCipherSpec && text.front() <= kApplicationData;
}

std::size_t record_bytes(std::span<const std::byte> text) noexcept {
  return kRecordHeaderBytes +
         (std::to_integer<std::size_t>(text[3]) << 8 | std::to_integer<std::size_t>(text[4]));
}

}  // namespace

MessageReader::MessageReader(base::Counters& counters, RequestDecider& decider, H2cInspector& h2c)
    : counters_(counters),
      decider_(decider),
      h2c_(h2c),
      assembly_(std::make_unique<std::byte[]>(proto::kMaxAssembledHelloBytes)) {}

MessageReader::Result MessageReader::read(const Segment& segment, Flow& flow, std::span<const std::byte> text,
                                          SegmentFindings& findings) noexcept {
  return read_pass(segment, flow, {.text = text, .rest = text, .result = {}, .after_message = flow.pipelined},
                   findings);
}

MessageReader::Result MessageReader::read_pass(const Segment& segment, Flow& flow, Pass pass,
                                               SegmentFindings& findings) noexcept {
  while (!pass.rest.empty() && !pass.waits && !(findings.block && segment.stop_at_block)) {
    const Reading before = flow.reading;
    if (before == Reading::message) {
      read_messages(segment, flow, pass, findings);
    } else if (before == Reading::tls_records) {
      read_records(segment, flow, pass, findings);
    } else if (before == Reading::http2) {
      read_http2(segment, flow, pass, findings);
    } else {
      pass.rest = {};
    }
  }
  pass.result.used_bytes = pass.text.size() - pass.rest.size();
  pass.result.all_used = pass.rest.empty();
  if (flow.reading == Reading::message && flow.http.phase != HttpPhase::head && pass.rest.empty()) {
    pass.result.skip_bytes = flow.http.left;
  }
  if (!pass.result.found) pass.result.message_begin = pass.result.used_bytes;
  flow.pipelined = pass.waits && pass.after_message;
  findings.incomplete = findings.incomplete || pass.waits;
  return pass.result;
}

void MessageReader::read_messages(const Segment& segment, Flow& flow, Pass& pass,
                                  SegmentFindings& findings) noexcept {
  if (flow.http.phase == HttpPhase::head && may_be_proxy_prefix(pass.rest.front()) &&
      read_proxy_prefix(segment, flow, pass, findings)) {
    return;
  }
  if (flow.http.phase == HttpPhase::head && segment.tls && looks_like_tls(pass.rest) &&
      read_hello(segment, flow, pass, findings)) {
    return;
  }
  if (!segment.http) {
    flow.reading = Reading::sampled;
    return;
  }
  while (read_request(segment, flow, pass, findings)) {
  }
}

bool MessageReader::read_proxy_prefix(const Segment& segment, Flow& flow, Pass& pass,
                                      SegmentFindings& findings) noexcept {
  proto::ProxyPrefix prefix = proto::parse_proxy_header(pass.rest);
  if (prefix.status == ParseStatus::absent) prefix = proto::parse_socks(pass.rest);
  if (prefix.status == ParseStatus::need_more) {
    flow.open.wanted = static_cast<std::uint32_t>(prefix.needed_bytes);
    flow.line_done = false;
    pass.waits = true;
    return true;
  }
  if (prefix.status != ParseStatus::found) return false;
  pass.rest = pass.rest.subspan(prefix.bytes);
  if (prefix.name.empty()) return true;
  // What the name is for is not known before the tunnel's first message, as with CONNECT. A page would not be
  // read.
  pass.after_message = true;
  pass.result.found = true;
  pass.result.message_begin = pass.text.size() - pass.rest.size() - prefix.bytes;
  proto::HttpRequest request;
  request.method = "CONNECT";
  request.target = prefix.name;
  decide_request(segment, request, pass, findings);
  return true;
}

// False: this is not a hello.
bool MessageReader::read_hello(const Segment& segment, Flow& flow, Pass& pass,
                               SegmentFindings& findings) noexcept {
  const std::span<std::byte> assembly(assembly_.get(), proto::kMaxAssembledHelloBytes);
  const proto::TlsParse parse = proto::parse_tls_client_hello(pass.rest, assembly);
  counters_.add(Counter::parse, index_of(Protocol::tls), index_of(parse.status));
  if (parse.status == ParseStatus::need_more && pass.rest.size() - parse.leading_bytes < kMaxMessageBytes) {
    // What comes before the hello is not held, so that it costs nothing, however much it is.
    pass.rest = pass.rest.subspan(parse.leading_bytes);
    flow.open.wanted = static_cast<std::uint32_t>(parse.needed_bytes - parse.leading_bytes);
    flow.line_done = false;
    pass.waits = !pass.rest.empty();
    findings.incomplete = true;
    return true;
  }
  if (parse.status != ParseStatus::found) return false;

  if (parse.hello.has_ech) counters_.add(Counter::ech);
  const RequestNames names(parse.hello, segment.packet);
  const bool blocked_before = findings.block;
  decider_.decide(segment.snapshot, names,
                  {.protocol = Protocol::tls,
                   .packet = &segment.packet,
                   .alpn = std::span(parse.hello.alpn).first(parse.hello.alpn_count),
                   .ech = parse.hello.has_ech},
                  findings);
  if (findings.block && !blocked_before) findings.block_begins_segment = !pass.after_message;
  pass.result.found = true;
  pass.result.message_begin = pass.text.size() - pass.rest.size();
  pass.after_message = true;
  pass.rest = pass.rest.subspan(std::min(parse.stream_bytes, pass.rest.size()));
  flow.reading = Reading::tls_records;
  flow.budget = kRecordBytes;
  return true;
}

void MessageReader::read_records(const Segment& segment, Flow& flow, Pass& pass,
                                 SegmentFindings& findings) noexcept {
  const auto text = pass.rest;
  if (!is_record(text)) {
    flow.reading = Reading::opaque;
    return;
  }
  // The first byte of a handshake record tells whether it begins a hello.
  if (text.size() <= kRecordHeaderBytes) {
    flow.open.wanted = kRecordHeaderBytes + 1;
    pass.waits = true;
    return;
  }
  if (text.front() == kHandshake) {
    const bool other_message =
        record_bytes(text) > kRecordHeaderBytes && text[kRecordHeaderBytes] != std::byte{1};
    if (other_message || !read_hello(segment, flow, pass, findings)) flow.reading = Reading::opaque;
    return;
  }
  const std::size_t bytes = record_bytes(text);
  if (bytes > flow.budget) {
    flow.reading = Reading::opaque;
    return;
  }
  flow.budget = static_cast<std::uint16_t>(flow.budget - bytes);
  pass.result.skip_bytes = bytes - std::min(bytes, text.size());
  pass.rest = text.subspan(std::min(bytes, text.size()));
}

bool MessageReader::read_request(const Segment& segment, Flow& flow, Pass& pass,
                                 SegmentFindings& findings) noexcept {
  HttpWalk walk(pass.rest, flow.http);
  const std::size_t size_before = pass.rest.size();
  if (!walk.to_message()) {
    pass.rest = walk.rest();
    pass.waits = !pass.rest.empty();
    flow.open.wanted = 0;
    flow.line_done = false;
    return false;
  }
  // After CONNECT, or after another protocol that switched to TLS.
  const bool new_place = walk.rest().size() != size_before || pass.after_message;
  if (segment.tls && new_place && looks_like_tls(walk.rest())) {
    pass.rest = walk.rest();
    if (read_hello(segment, flow, pass, findings)) return false;
  }
  if (flow.http.scanning && flow.http.garbage && flow.budget == 0) {
    flow.reading = Reading::sampled;
    return false;
  }
  const bool scanned_before = flow.http.garbage;
  const bool in_doubt = flow.http.scanning && !flow.http.garbage;
  const proto::HttpParse parse = walk.next();
  counters_.add(Counter::parse, index_of(Protocol::http), index_of(parse.status));
  pass.rest = walk.rest();
  if (parse.status == ParseStatus::found && begin_http2(parse.request, flow, pass)) return false;
  if (parse.status == ParseStatus::found) {
    pass.result.found = true;
    pass.result.message_begin = pass.text.size() - pass.rest.size() -
                                std::min(parse.request.head_bytes, pass.text.size() - pass.rest.size());
    const auto head = pass.text.subspan(pass.result.message_begin).first(parse.request.head_bytes);
    decide_with_requests_within(segment, parse.request, base::characters_of(head), in_doubt, pass, findings);
    pass.after_message = true;
    return !pass.rest.empty() && !(findings.block && segment.stop_at_block);
  }
  if (flow.http.garbage) {
    if (!scanned_before) flow.budget = kGarbageBytes;
    const std::size_t searched = size_before - pass.rest.size();
    flow.budget = static_cast<std::uint16_t>(flow.budget - std::min<std::size_t>(flow.budget, searched));
  }
  if (parse.status != ParseStatus::need_more) return false;
  if (parse.request.doubtful_end != 0) {
    decide_with_requests_within(segment, parse.request, base::characters_of(pass.rest), in_doubt, pass,
                                findings);
  }
  if (pass.rest.size() >= kMaxMessageBytes) {
    give_up_message(segment, flow, parse.request, pass, findings);
    return false;
  }
  pass.waits = true;
  flow.open.wanted = 0;
  // After a line without a version, the next line tells whether headers follow.
  flow.line_done = !parse.request.version.empty() ||
                   (parse.request.doubtful_end != 0 && parse.request.head_bytes > parse.request.doubtful_end);
  return false;
}

void MessageReader::decide_with_requests_within(const Segment& segment, const proto::HttpRequest& request,
                                                std::string_view head, bool begin_in_doubt, const Pass& pass,
                                                SegmentFindings& findings) noexcept {
  decide_request(segment, request, pass, findings);
  if (!begin_in_doubt && request.doubtful_end == 0) return;
  std::size_t begin = request.doubtful_end;
  if (begin_in_doubt && !request.version.empty()) {
    begin = static_cast<std::size_t>(request.version.data() + request.version.size() - head.data());
  }
  RequestsWithin within(head.substr(begin));
  proto::HttpRequest other = request;
  std::size_t count = 0;
  while (!(findings.block && segment.stop_at_block) && within.next(other)) {
    decide_request(segment, other, pass, findings, ++count > kFullyReadRequestsWithin);
  }
}

void MessageReader::decide_request(const Segment& segment, const proto::HttpRequest& request,
                                   const Pass& pass, SegmentFindings& findings, bool usual_only) noexcept {
  RequestNames names(request, segment.packet);
  if (usual_only) names.read_usual_only();
  const bool blocked_before = findings.block;
  decider_.decide(segment.snapshot, names,
                  {.protocol = Protocol::http, .packet = &segment.packet, .method = request.method},
                  findings);
  if (findings.block && !blocked_before) {
    findings.block_begins_segment = !pass.after_message;
    findings.head_request = request.method == "HEAD";
  }
}

// The head is longer than any that is waited for: it is decided by the names seen so far.
void MessageReader::give_up_message(const Segment& segment, Flow& flow, const proto::HttpRequest& request,
                                    Pass& pass, SegmentFindings& findings) noexcept {
  const bool has_name = request.host_count > 0 || proto::split_http_target(request).has_authority;
  if (has_name) decide_request(segment, request, pass, findings);
  pass.rest = {};
  flow.http = {};
  flow.reading = Reading::sampled;
}

bool MessageReader::worth_reading(Flow& flow, std::span<const std::byte> fresh,
                                  std::span<const std::byte> before, std::size_t text_bytes) noexcept {
  if (text_bytes >= kMaxMessageBytes) return true;
  if (flow.open.wanted != 0) return text_bytes >= flow.open.wanted;
  constexpr std::byte kLineFeed{'\n'};
  const auto at = [&](std::ptrdiff_t i) {
    if (i >= 0) return fresh[static_cast<std::size_t>(i)];
    const auto from_end = static_cast<std::size_t>(-i);
    return from_end <= before.size() ? before[before.size() - from_end] : std::byte{0};
  };
  // A line that begins with a bare CR may end a head too.
  const auto ends_doubtfully = [&](std::ptrdiff_t i) {
    return i + 2 < static_cast<std::ptrdiff_t>(fresh.size()) && at(i) == kLineFeed &&
           at(i + 1) == std::byte{'\r'} && at(i + 2) != kLineFeed;
  };
  // The first line decides whether this is HTTP; until it is complete, only its beginning can tell.
  constexpr std::size_t kBeginningBytes = 64;
  if (!flow.line_done) {
    return text_bytes <= kBeginningBytes || std::find(fresh.begin(), fresh.end(), kLineFeed) != fresh.end();
  }
  for (auto i = fresh.begin(); (i = std::find(i, fresh.end(), kLineFeed)) != fresh.end(); ++i) {
    const std::ptrdiff_t position = i - fresh.begin();
    const bool after_return = at(position - 1) == std::byte{'\r'};
    if (at(position - (after_return ? 2 : 1)) == kLineFeed || ends_doubtfully(position)) return true;
  }
  return !fresh.empty() && (ends_doubtfully(-2) || ends_doubtfully(-1));
}

bool MessageReader::read_alone(const Segment& segment, std::span<const std::byte> text,
                               SegmentFindings& findings) noexcept {
  Flow alone;
  SegmentFindings own;
  const Result result =
      read_pass(segment, alone, {.text = text, .rest = text, .result = {}, .alone = true}, own);
  const bool begins = result.found || own.incomplete;
  if (own.block && !findings.block) {
    findings.block = true;
    findings.protocol = own.protocol;
    findings.rule = own.rule;
    findings.list = own.list;
    findings.block_begins_segment = own.block_begins_segment;
    findings.head_request = own.head_request;
  }
  findings.found = findings.found || own.found;
  findings.allow = findings.allow || own.allow;
  findings.incomplete = findings.incomplete || own.incomplete;
  return begins;
}

}  // namespace weir::inspect
