#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::base {

/// Seconds since 1970-01-01 UTC, by the system clock.
std::int64_t unix_now();

/// `2026-01-02T03:04:05Z` (RFC 3339).
std::string format_time(std::int64_t unix_seconds);

/// Reads a point in time: `2026-01-02`, `2026-01-02T03:04:05Z`, or a span from `now`: `90s`, `30m`, `12h`,
/// `7d`. nullopt if it is neither.
std::optional<std::int64_t> parse_moment(std::string_view text, std::int64_t now);

}  // namespace weir::base
