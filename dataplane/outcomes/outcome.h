#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/base/enum_rows.h"

namespace weir::base {

/// What became of a received packet. Each packet counts as exactly one of these.
enum class Outcome : std::uint8_t {
  forward_not_ip,
  forward_malformed,
  forward_fragment,
  forward_not_candidate,
  forward_no_request,
  forward_incomplete,
  forward_unknown_version,
  forward_passed,
  forward_allowed,
  forward_monitor,
  forward_tripped,
  forward_no_list,
  forward_handoff_full,
  forward_bypass,
  drop_blocked,
  drop_blocked_flow,
  drop_conflict,
  drop_overlap,
  drop_unknown_version,
  drop_no_list,
  drop_handoff_full,
  drop_flow_table_full,
  drop_reassembly_full,
  drop_expired,
  drop_no_next_hop,
  drop_too_big,
  drop_unroutable,
  drop_tx_full,
  mirror_seen,
  mirror_listed,
  mirror_monitor,
  mirror_unseen,
  routed_local,
  routed_foreign,
};

inline constexpr auto kOutcomes = std::to_array<EnumRow<Outcome>>({
    {Outcome::forward_not_ip, "forward_not_ip", "forwarded: neither IPv4 nor IPv6"},
    {Outcome::forward_malformed, "forward_malformed", "forwarded: headers that do not parse"},
    {Outcome::forward_fragment, "forward_fragment", "forwarded: an IP fragment"},
    {Outcome::forward_not_candidate, "forward_not_candidate",
     "forwarded: cannot carry a request (wrong direction, no payload, or another protocol)"},
    {Outcome::forward_no_request, "forward_no_request",
     "forwarded: payload without a request, or with one that was seen before"},
    {Outcome::forward_incomplete, "forward_incomplete",
     "forwarded: part of a request that is not complete yet"},
    {Outcome::forward_unknown_version, "forward_unknown_version", "forwarded: QUIC of an unknown version"},
    {Outcome::forward_passed, "forward_passed", "forwarded: a request that matches no rule"},
    {Outcome::forward_allowed, "forward_allowed", "forwarded: a request that matches an allow rule"},
    {Outcome::forward_monitor, "forward_monitor",
     "forwarded: would be dropped if enforcement were not set to monitor"},
    {Outcome::forward_tripped, "forward_tripped",
     "forwarded: a request whose rule is tripped because it matched too often"},
    {Outcome::forward_no_list, "forward_no_list", "forwarded: a request while no list is loaded"},
    {Outcome::forward_handoff_full, "forward_handoff_full",
     "forwarded uninspected: the queue to the worker that should inspect it was full"},
    {Outcome::forward_bypass, "forward_bypass", "forwarded uninspected: enforcement is set to bypass"},
    {Outcome::drop_blocked, "drop_blocked", "dropped: a listed request"},
    {Outcome::drop_blocked_flow, "drop_blocked_flow",
     "dropped: a later packet of a connection whose request was blocked"},
    {Outcome::drop_conflict, "drop_conflict",
     "dropped: contradicts data that the same client sent earlier at the same position"},
    {Outcome::drop_overlap, "drop_overlap", "dropped: an IP fragment of a packet whose fragments overlap"},
    {Outcome::drop_unknown_version, "drop_unknown_version",
     "dropped: QUIC of an unknown version (dataplane.fail.unknown_quic: closed)"},
    {Outcome::drop_no_list, "drop_no_list", "dropped: no list is loaded (dataplane.fail.no_list: closed)"},
    {Outcome::drop_handoff_full, "drop_handoff_full",
     "dropped: the queue to the worker that should inspect it was full (dataplane.fail.handoff: closed)"},
    {Outcome::drop_flow_table_full, "drop_flow_table_full",
     "dropped: first packet of a connection while the flow table is full (dataplane.fail.flow_table: "
     "closed)"},
    {Outcome::drop_reassembly_full, "drop_reassembly_full",
     "dropped: part of a request while the reassembly memory is full (dataplane.fail.reassembly: closed)"},
    {Outcome::drop_expired, "drop_expired", "dropped by the router: its TTL or hop limit ran out"},
    {Outcome::drop_no_next_hop, "drop_no_next_hop",
     "dropped by the router: no next hop for it, or the next hop does not answer"},
    {Outcome::drop_too_big, "drop_too_big", "dropped by the router: larger than the MTU of the next link"},
    {Outcome::drop_unroutable, "drop_unroutable",
     "dropped by the router: not IP, an invalid header, or a link-local address"},
    {Outcome::drop_tx_full, "drop_tx_full",
     "dropped: the transmit queue of the other port was full or its link down"},
    {Outcome::mirror_seen, "mirror_seen", "mirrored: inspected, and nothing in it is listed"},
    {Outcome::mirror_listed, "mirror_listed",
     "mirrored: a listed request, or a later packet of its connection"},
    {Outcome::mirror_monitor, "mirror_monitor",
     "mirrored: would be answered if enforcement were not set to monitor"},
    {Outcome::mirror_unseen, "mirror_unseen",
     "mirrored, not inspected: bypass, no list, a full queue, or received on the answers port"},
    {Outcome::routed_local, "routed_local",
     "for the router itself: ARP, neighbour discovery, or a packet to one of its addresses"},
    {Outcome::routed_foreign, "routed_foreign",
     "received by the router but addressed to another station, or to all stations"},
});
static_assert(names_every_value<kOutcomes>(),
              "kOutcomes: one row for each Outcome, in the order of the enum");

constexpr std::string_view to_string(Outcome v) noexcept { return kOutcomes[index_of(v)].name; }

}  // namespace weir::base
