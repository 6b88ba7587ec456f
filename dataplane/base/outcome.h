#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::base {

/// One row for each value of an enum: the row's place is the value, so names and help cannot drift from it.
struct EnumRow {
  std::string_view name;
  std::string_view help;
};

/// What became of a received packet: each ends in exactly one of these.
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

inline constexpr std::array<EnumRow, 34> kOutcomes{{
    {"forward_not_ip", "forwarded: neither IPv4 nor IPv6"},
    {"forward_malformed", "forwarded: headers that do not parse"},
    {"forward_fragment", "forwarded: an IP fragment"},
    {"forward_not_candidate", "forwarded: cannot carry a request (direction, no payload, other protocol)"},
    {"forward_no_request", "forwarded: payload without a request, or with one that was seen before"},
    {"forward_incomplete", "forwarded: a part of a request that is not complete yet"},
    {"forward_unknown_version", "forwarded: QUIC of a version that is not known"},
    {"forward_passed", "forwarded: a request that no rule matches"},
    {"forward_allowed", "forwarded: a request that an allow rule matches"},
    {"forward_monitor", "forwarded: what would be dropped, in monitor mode"},
    {"forward_tripped", "forwarded: a request whose rule is tripped because it matched too often"},
    {"forward_no_list", "forwarded: a request, while there is no list"},
    {"forward_handoff_full", "forwarded unseen: the queue to the worker that should look at it was full"},
    {"forward_bypass", "forwarded unseen, in bypass mode"},
    {"drop_blocked", "dropped: a listed request"},
    {"drop_blocked_flow", "dropped: a later packet of a connection whose request was blocked"},
    {"drop_conflict", "dropped: contradicts what the same client sent before in the same place"},
    {"drop_overlap", "dropped: an IP fragment of a packet whose fragments overlap"},
    {"drop_unknown_version",
     "dropped: QUIC of a version that is not known (dataplane.fail.unknown_quic: closed)"},
    {"drop_no_list", "dropped while there is no list (dataplane.fail.no_list: closed)"},
    {"drop_handoff_full", "dropped: the queue to the worker that should look at it was full"},
    {"drop_flow_table_full",
     "dropped: the connection's first packet, while the table is full (dataplane.fail.flow_table: closed)"},
    {"drop_reassembly_full",
     "dropped: a part of a request, while the memory for parts is full (dataplane.fail.reassembly: closed)"},
    {"drop_expired", "dropped in mode routed: its TTL or hop limit ends here"},
    {"drop_no_next_hop", "dropped in mode routed: there is no next hop for it, or it does not answer"},
    {"drop_too_big", "dropped in mode routed: longer than the next link takes"},
    {"drop_unroutable",
     "dropped in mode routed: no IP, a header that no router takes, or addresses of one link"},
    {"drop_tx_full", "dropped: the transmit queue of the other port was full or its link down"},
    {"mirror_seen", "a copy: looked at, and nothing listed in it"},
    {"mirror_listed", "a copy of a listed request, or of a later packet of its connection"},
    {"mirror_monitor", "a copy: what would be answered, in monitor mode"},
    {"mirror_unseen",
     "a copy that was not held against the list: bypass, no list, a full queue, the answers' port"},
    {"routed_local",
     "in mode routed, for Weir itself: ARP, neighbour discovery, packets to its own addresses"},
    {"routed_foreign", "in mode routed, not sent to Weir: another station's frame, or one to all"},
}};

enum class Protocol : std::uint8_t { http, h2c, tls, quic };
inline constexpr std::array<EnumRow, 4> kProtocols{{
    {"http", "HTTP/1.x in cleartext"},
    {"h2c", "HTTP/2 in cleartext"},
    {"tls", "TLS over TCP"},
    {"quic", "QUIC"},
}};

enum class RequestVerdict : std::uint8_t { pass, block };
inline constexpr std::array<EnumRow, 2> kRequestVerdicts{{
    {"pass", "no block rule matches, or an allow rule does"},
    {"block", "a block rule matches"},
}};

/// Why a request got its verdict.
enum class Reason : std::uint8_t { no_match, listed, allow_rule, invalid_host };
inline constexpr std::array<EnumRow, 4> kReasons{{
    {"no_match", "no rule matches"},
    {"listed", "a block rule matches"},
    {"allow_rule", "an allow rule matches"},
    {"invalid_host", "the request names no host that can be listed"},
}};

/// What a parser made of a candidate payload.
enum class ParseStatus : std::uint8_t { found, need_more, absent, malformed };
inline constexpr std::array<EnumRow, 4> kParseStatuses{{
    {"found", "complete"},
    {"need_more", "valid so far, but not complete"},
    {"absent", "not this protocol"},
    {"malformed", "this protocol, but broken"},
}};

/// Whom an injected frame is for.
enum class Towards : std::uint8_t { client, server, neighbour, sender };
inline constexpr std::array<EnumRow, 4> kTowards{{
    {"client", "answers to the subscriber"},
    {"server", "resets to the server"},
    {"neighbour", "ARP, neighbour discovery and echo replies of mode routed"},
    {"sender", "ICMP errors of mode routed, about packets that do not go on"},
}};

/// What is done about listed requests.
enum class Enforcement : std::uint8_t { enforce, monitor, bypass };
inline constexpr std::array<EnumRow, 3> kEnforcements{{
    {"enforce", "listed requests are dropped and answered"},
    {"monitor", "listed requests are counted, nothing is touched"},
    {"bypass", "every packet is forwarded without a look"},
}};

template <class Enum>
constexpr std::size_t index_of(Enum value) noexcept {
  return static_cast<std::size_t>(value);
}

constexpr std::string_view to_string(Outcome v) noexcept { return kOutcomes[index_of(v)].name; }
constexpr std::string_view to_string(Protocol v) noexcept { return kProtocols[index_of(v)].name; }
constexpr std::string_view to_string(RequestVerdict v) noexcept { return kRequestVerdicts[index_of(v)].name; }
constexpr std::string_view to_string(Reason v) noexcept { return kReasons[index_of(v)].name; }
constexpr std::string_view to_string(ParseStatus v) noexcept { return kParseStatuses[index_of(v)].name; }
constexpr std::string_view to_string(Towards v) noexcept { return kTowards[index_of(v)].name; }

constexpr std::string_view to_string(Enforcement v) noexcept { return kEnforcements[index_of(v)].name; }

static_assert(kOutcomes.size() == index_of(Outcome::routed_foreign) + 1);
static_assert(kProtocols.size() == index_of(Protocol::quic) + 1);
static_assert(kRequestVerdicts.size() == index_of(RequestVerdict::block) + 1);
static_assert(kReasons.size() == index_of(Reason::invalid_host) + 1);
static_assert(kParseStatuses.size() == index_of(ParseStatus::malformed) + 1);
static_assert(kTowards.size() == index_of(Towards::sender) + 1);
static_assert(kEnforcements.size() == index_of(Enforcement::bypass) + 1);

/// The value whose row has `name`; none where no row has it.
template <class Enum, std::size_t N>
constexpr std::optional<Enum> enum_from_name(const std::array<EnumRow, N>& rows,
                                             std::string_view name) noexcept {
  for (std::size_t i = 0; i < N; ++i) {
    if (rows[i].name == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace weir::base
