#include "dataplane/inspect/fragment_inspector.h"

#include <algorithm>

#include "dataplane/base/byte_reader.h"
#include "dataplane/proto/packet/numbers.h"
#include "dataplane/proto/quic/quic_initial.h"

namespace weir::inspect {

using base::Outcome;
using flow::FragmentFate;
using flow::FragmentStart;

namespace {

/// What is needed to tell whether UDP may be QUIC: its header, the first byte and the version of a long
/// header (RFC 8999, 5.1).
constexpr std::size_t kTellingBytes = proto::kUdpHeaderBytes + 5;

}  // namespace

FragmentInspector::FragmentInspector(const InspectorSettings& settings, base::Counters& counters)
    : encapsulations_(settings.encapsulations),
      quic_ports_(settings.quic_ports),
      inspect_quic_(settings.inspect_quic),
      counters_(counters),
      table_(settings.fragment_memory_bytes, settings.close_fragments) {
  std::sort(quic_ports_.begin(), quic_ports_.end());
  for (auto& buffer : buffers_) buffer.resize(flow::FragmentTable::kBufferBytes);
}

FragmentInspector::Taken FragmentInspector::take(const proto::PacketView& fragment,
                                                 std::chrono::nanoseconds now,
                                                 Enforcement enforcement) noexcept {
  const bool enforce = enforcement == Enforcement::enforce;
  const std::uint64_t evictions_before = table_.evictions();
  const proto::PacketView* piece = &fragment;
  Taken taken{.whole = nullptr, .verdict = forward(Outcome::forward_fragment)};
  for (completed_.count = 0; completed_.count < kLevels;) {
    if (!is_tracked(*piece)) break;
    const auto result = table_.add(*piece, start_of(*piece), now, buffers_[completed_.count]);
    if (result.fate == FragmentFate::overlap && enforce) taken.verdict = refuse(Outcome::drop_overlap);
    if (result.fate == FragmentFate::blocked && enforce) taken.verdict = refuse(Outcome::drop_blocked_flow);
    if (result.fate == FragmentFate::full) {
      taken.verdict = enforce ? refuse(Outcome::drop_fragments_full) : forward(Outcome::forward_monitor);
    }
    if (result.fate != FragmentFate::complete) break;
    completed_.packets[completed_.count] = result.packet;
    proto::PacketView& whole = wholes_[completed_.count];
    whole = proto::parse_reassembled(*piece, result.frame, result.ip_offset, encapsulations_);
    ++completed_.count;
    if (whole.packet_class != proto::PacketClass::fragment) {
      taken.whole = &whole;
      break;
    }
    piece = &whole;
  }
  counters_.add(base::Counter::fragment_evictions, 0, 0, table_.evictions() - evictions_before);
  return taken;
}

// In IPv4 the protocol number is part of the packet's identity (RFC 791, 3.2). In IPv6 only the first
// fragment's number counts (RFC 8200, 4.5), and extension headers may follow it.
bool FragmentInspector::is_tracked(const proto::PacketView& fragment) const noexcept {
  constexpr std::uint8_t kHopByHop = 0;
  constexpr std::uint8_t kRoutingHeader = 43;
  constexpr std::uint8_t kFragment = 44;
  constexpr std::uint8_t kAuthentication = 51;
  constexpr std::uint8_t kDestinationOptions = 60;
  if (proto::leads_to_transport(fragment.ip_protocol, encapsulations_)) return true;
  if (!fragment.source.is_v6) return false;
  if (fragment.fragment.offset != 0) return true;
  switch (fragment.ip_protocol) {
    case kHopByHop:
    case kRoutingHeader:
    case kFragment:
    case kAuthentication:
    case kDestinationOptions:
      return true;
    default:
      return false;
  }
}

// A start is harmless if no receiver can take the packet for QUIC, whatever its other fragments are: this
// fragment has all the bytes that tell. Tunnels and TCP are never harmless.
FragmentStart FragmentInspector::start_of(const proto::PacketView& fragment) const noexcept {
  if (fragment.fragment.offset >= kTellingBytes) return FragmentStart::elsewhere;
  const bool first = fragment.fragment.offset == 0;
  if (!first || fragment.ip_protocol != proto::ip_protocol::kUdp ||
      fragment.payload.size() / 8 * 8 < kTellingBytes) {
    return FragmentStart::telling;
  }
  base::ByteReader reader(fragment.payload);
  reader.skip(2);
  const std::uint16_t port = reader.u16();
  reader.skip(proto::kUdpHeaderBytes - 4);
  const std::uint8_t first_byte = reader.u8();
  const std::uint32_t version = reader.u32();
  if (proto::is_tunnel_port(port, encapsulations_)) return FragmentStart::telling;
  constexpr std::uint8_t kLongHeader = 0x80;
  const bool inspected = inspect_quic_ && (quic_ports_.empty() ||
                                           std::binary_search(quic_ports_.begin(), quic_ports_.end(), port));
  const bool may_be_quic = inspected && (first_byte & kLongHeader) != 0 &&
                           proto::quic_version_of(version) != proto::QuicVersion::unknown;
  return may_be_quic ? FragmentStart::telling : FragmentStart::harmless;
}

Verdict FragmentInspector::conclude(Verdict verdict) noexcept {
  if (verdict.action == Action::forward) return verdict;
  const Verdict refused = refuse(verdict.outcome);
  verdict.outcome = refused.outcome;
  verdict.reassembled = &wholes_[completed_.count - 1];
  return verdict;
}

FragmentInspector::Completed FragmentInspector::hold() noexcept {
  for (std::size_t i = 0; i < completed_.count; ++i) table_.hold(completed_.packets[i]);
  return completed_;
}

void FragmentInspector::settle(const Completed& completed, bool dropped) noexcept {
  for (std::size_t i = 0; i < completed.count; ++i) {
    table_.let_go(completed.packets[i]);
    if (dropped) table_.block(completed.packets[i]);
  }
}

// The decision on a fragment of a fragment applies to every packet that it is a part of.
Verdict FragmentInspector::refuse(Outcome outcome) noexcept {
  settle(completed_, true);
  return {.action = Action::drop, .outcome = outcome};
}

}  // namespace weir::inspect
