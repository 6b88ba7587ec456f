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

enum class Protocol : std::uint8_t { http, h2c, tls, quic };
inline constexpr auto kProtocols = std::to_array<EnumRow<Protocol>>({
    {Protocol::http, "http", "HTTP/1.x in cleartext"},
    {Protocol::h2c, "h2c", "HTTP/2 in cleartext"},
    {Protocol::tls, "tls", "TLS over TCP"},
    {Protocol::quic, "quic", "QUIC"},
});
static_assert(names_every_value<kProtocols>(),
              "kProtocols: one row for each Protocol, in the order of the enum");

enum class RequestVerdict : std::uint8_t { pass, block };
inline constexpr auto kRequestVerdicts = std::to_array<EnumRow<RequestVerdict>>({
    {RequestVerdict::pass, "pass", "no block rule matches, or an allow rule does"},
    {RequestVerdict::block, "block", "a block rule matches"},
});
static_assert(names_every_value<kRequestVerdicts>(),
              "kRequestVerdicts: one row for each RequestVerdict, in the order of the enum");

/// Why a request got its verdict.
enum class Reason : std::uint8_t { no_match, listed, allow_rule, invalid_host };
inline constexpr auto kReasons = std::to_array<EnumRow<Reason>>({
    {Reason::no_match, "no_match", "no rule matches"},
    {Reason::listed, "listed", "a block rule matches"},
    {Reason::allow_rule, "allow_rule", "an allow rule matches"},
    {Reason::invalid_host, "invalid_host", "the request names no host that a list can hold"},
});
static_assert(names_every_value<kReasons>(), "kReasons: one row for each Reason, in the order of the enum");

/// The result of parsing a payload that may hold a request.
enum class ParseStatus : std::uint8_t { found, need_more, absent, malformed };
inline constexpr auto kParseStatuses = std::to_array<EnumRow<ParseStatus>>({
    {ParseStatus::found, "found", "complete"},
    {ParseStatus::need_more, "need_more", "valid so far, but not complete"},
    {ParseStatus::absent, "absent", "not this protocol"},
    {ParseStatus::malformed, "malformed", "this protocol, but broken"},
});
static_assert(names_every_value<kParseStatuses>(),
              "kParseStatuses: one row for each ParseStatus, in the order of the enum");

/// Whom a frame that Weir made and sent is for.
enum class Towards : std::uint8_t { client, server, neighbour, sender };
inline constexpr auto kTowards = std::to_array<EnumRow<Towards>>({
    {Towards::client, "client", "answers to the subscriber"},
    {Towards::server, "server", "resets to the server"},
    {Towards::neighbour, "neighbour", "ARP, neighbour discovery and echo replies of a routed box"},
    {Towards::sender, "sender",
     "ICMP errors of a routed box, to the sender of a packet that it could not forward"},
});
static_assert(names_every_value<kTowards>(), "kTowards: one row for each Towards, in the order of the enum");

/// What is done about listed requests.
enum class Enforcement : std::uint8_t { enforce, monitor, bypass };
inline constexpr auto kEnforcements = std::to_array<EnumRow<Enforcement>>({
    {Enforcement::enforce, "enforce", "listed requests are dropped and answered"},
    {Enforcement::monitor, "monitor", "listed requests are counted, and no packet is touched"},
    {Enforcement::bypass, "bypass", "every packet is forwarded uninspected"},
});
static_assert(names_every_value<kEnforcements>(),
              "kEnforcements: one row for each Enforcement, in the order of the enum");

constexpr std::string_view to_string(Outcome v) noexcept { return kOutcomes[index_of(v)].name; }
constexpr std::string_view to_string(Protocol v) noexcept { return kProtocols[index_of(v)].name; }
constexpr std::string_view to_string(RequestVerdict v) noexcept { return kRequestVerdicts[index_of(v)].name; }
constexpr std::string_view to_string(Reason v) noexcept { return kReasons[index_of(v)].name; }
constexpr std::string_view to_string(ParseStatus v) noexcept { return kParseStatuses[index_of(v)].name; }
constexpr std::string_view to_string(Towards v) noexcept { return kTowards[index_of(v)].name; }
constexpr std::string_view to_string(Enforcement v) noexcept { return kEnforcements[index_of(v)].name; }

}  // namespace weir::base
