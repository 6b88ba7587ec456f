#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/base/enum_rows.h"

namespace weir::base {

/// How a request came.
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

constexpr std::string_view to_string(Protocol v) noexcept { return kProtocols[index_of(v)].name; }
constexpr std::string_view to_string(RequestVerdict v) noexcept { return kRequestVerdicts[index_of(v)].name; }
constexpr std::string_view to_string(Reason v) noexcept { return kReasons[index_of(v)].name; }

}  // namespace weir::base
