#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "config/schema.h"
#include "config/settings.h"
#include "dataplane/base/enum_rows.h"

namespace weir::config {

// The values of each enum setting, as the file writes them.

using base::EnumRow;

inline constexpr auto kTopologies = std::to_array<EnumRow<Topology>>({
    {Topology::inline_wire, "inline", "a transparent wire of two ports"},
    {Topology::mirror, "mirror", "one port receives a copy of the traffic, another sends the answers"},
    {Topology::routed, "routed", "a router that receives diverted traffic and forwards it"},
});
static_assert(base::names_every_value<kTopologies>(),
              "kTopologies: one row for each Topology, in the order of the enum");

inline constexpr auto kPortRoles = std::to_array<EnumRow<PortRole>>({
    {PortRole::subscriber, "subscriber", "faces the subscribers"},
    {PortRole::network, "network", "faces the Internet"},
    {PortRole::mirror, "mirror", "receives the copy of the traffic, with `mode: mirror`"},
    {PortRole::answers, "answers", "sends the answers, with `mode: mirror`"},
    {PortRole::one_arm, "one-arm", "the only port of a routed box: traffic enters and leaves here", "hop"},
});
static_assert(base::names_every_value<kPortRoles>(),
              "kPortRoles: one row for each PortRole, in the order of the enum");

inline constexpr auto kIdles = std::to_array<EnumRow<Idle>>({
    {Idle::busy, "busy", "polls without a pause: lowest delay, uses the whole core"},
    {Idle::sleep, "sleep", "sleeps for microseconds while there is nothing to do"},
});
static_assert(base::names_every_value<kIdles>(), "kIdles: one row for each Idle, in the order of the enum");

inline constexpr auto kHandshakes = std::to_array<EnumRow<Handshake>>({
    {Handshake::none, "none", "nothing"},
    {Handshake::opened, "opened", "the client's SYN, and a request that acknowledges something"},
    {Handshake::answered, "answered",
     "the client's SYN, and a request that acknowledges what the server was seen to send (where no SYN-ACK "
     "passed for a minute, something)"},
});
static_assert(base::names_every_value<kHandshakes>(),
              "kHandshakes: one row for each Handshake, in the order of the enum");

inline constexpr auto kFailModes = std::to_array<EnumRow<FailMode>>({
    {FailMode::open, "open", "they are forwarded and counted"},
    {FailMode::closed, "closed", "they are dropped and counted"},
});
static_assert(base::names_every_value<kFailModes>(),
              "kFailModes: one row for each FailMode, in the order of the enum");

inline constexpr auto kBreakerActions = std::to_array<EnumRow<BreakerAction>>({
    {BreakerAction::alarm, "alarm", "an alarm is raised, and the rule stays in force"},
    {BreakerAction::trip, "trip", "the rule is also taken out of force: what it names passes"},
});
static_assert(base::names_every_value<kBreakerActions>(),
              "kBreakerActions: one row for each BreakerAction, in the order of the enum");

inline constexpr auto kTlsAnswers = std::to_array<EnumRow<TlsAnswer>>({
    {TlsAnswer::alert, "alert", "a fatal TLS alert, then the connection is closed: browsers fail at once"},
    {TlsAnswer::reset, "reset", "a TCP reset: browsers usually try again"},
});
static_assert(base::names_every_value<kTlsAnswers>(),
              "kTlsAnswers: one row for each TlsAnswer, in the order of the enum");

inline constexpr auto kQuicAnswers = std::to_array<EnumRow<QuicAnswer>>({
    {QuicAnswer::close, "close", "a CONNECTION_CLOSE: browsers fall back to TCP at once"},
    {QuicAnswer::drop, "drop", "nothing: browsers fall back to TCP after a timeout"},
});
static_assert(base::names_every_value<kQuicAnswers>(),
              "kQuicAnswers: one row for each QuicAnswer, in the order of the enum");

inline constexpr auto kAtRest = std::to_array<EnumRow<AtRest>>({
    {AtRest::encrypted, "encrypted", "AES-256-GCM"},
    {AtRest::plain, "plain", "unencrypted, readable by the daemon's user"},
    {AtRest::none, "none",
     "only fingerprints of feed entries, so answers name rule ids alone (entries of manual lists are "
     "encrypted)"},
});
static_assert(base::names_every_value<kAtRest>(),
              "kAtRest: one row for each AtRest, in the order of the enum");

inline constexpr auto kListTypes = std::to_array<EnumRow<ListType>>({
    {ListType::feed, "feed", "fetched from `url`"},
    {ListType::manual, "manual", "entries made with `weirctl add`"},
});
static_assert(base::names_every_value<kListTypes>(),
              "kListTypes: one row for each ListType, in the order of the enum");

struct ListFormatRow : EnumRow<ListFormat> {
  bool has_deltas = false;  // `lists[].delta` can be given
};
inline constexpr auto kListFormats = std::to_array<ListFormatRow>({
    {{ListFormat::plain, "plain", "one entry per line"}, true},
    {{ListFormat::csv, "csv", "a column of a CSV file"}, true},
    {{ListFormat::json, "json", "an array in a JSON document"}, true},
    {{ListFormat::hosts, "hosts", "a hosts file: names that point to 0.0.0.0 or to the machine itself"}},
    {{ListFormat::rpz, "rpz", "a DNS response policy zone, as a master file"}},
});
static_assert(base::names_every_value<kListFormats>(),
              "kListFormats: one row for each ListFormat, in the order of the enum");

inline constexpr auto kCsvSeparators = std::to_array<EnumRow<CsvSeparator>>({
    {CsvSeparator::comma, "comma", "`,`"},
    {CsvSeparator::semicolon, "semicolon", "`;`"},
    {CsvSeparator::tab, "tab", "a tab character"},
    {CsvSeparator::pipe, "pipe", "a vertical bar"},
});
static_assert(base::names_every_value<kCsvSeparators>(),
              "kCsvSeparators: one row for each CsvSeparator, in the order of the enum");

inline constexpr auto kOnTls = std::to_array<EnumRow<OnTls>>({
    {OnTls::pass, "pass", "path rules leave encrypted connections alone"},
    {OnTls::block_host, "block-host", "path rules block encrypted connections to their whole host"},
});
static_assert(base::names_every_value<kOnTls>(), "kOnTls: one row for each OnTls, in the order of the enum");

inline constexpr auto kAuthTypes = std::to_array<EnumRow<AuthType>>({
    {AuthType::none, "none", "no authentication"},
    {AuthType::basic, "basic", "`user` and `password_file`"},
    {AuthType::bearer, "bearer", "`token_file`"},
    {AuthType::client_cert, "client_cert", "`certificate` and `key`"},
});
static_assert(base::names_every_value<kAuthTypes>(),
              "kAuthTypes: one row for each AuthType, in the order of the enum");

inline constexpr auto kVerifyTypes = std::to_array<EnumRow<VerifyType>>({
    {VerifyType::none, "none", "only the transport is trusted"},
    {VerifyType::sha256, "sha256", "a SHA-256 digest next to the list"},
    {VerifyType::minisign, "minisign", "a minisign signature by `public_key`"},
});
static_assert(base::names_every_value<kVerifyTypes>(),
              "kVerifyTypes: one row for each VerifyType, in the order of the enum");

/// The field of an enum setting. An enum's byte may be written through any pointer to unsigned char.
template <const auto& kRows, class Enum>
Choice choice(Enum& value) {
  static_assert(std::is_same_v<std::underlying_type_t<Enum>, std::uint8_t>);
  static_assert(std::is_base_of_v<EnumRow<Enum>, std::remove_cvref_t<decltype(kRows[0])>>);
  return {.names = base::kNamesOf<kRows>, .value = reinterpret_cast<std::uint8_t*>(&value)};
}

}  // namespace weir::config
