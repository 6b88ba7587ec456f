#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::base {

/// Seconds since 1970 by the system's clock.
std::int64_t unix_now();

/// `2026-01-02T03:04:05Z` (RFC 3339).
std::string format_time(std::int64_t unix_seconds);

/// A moment: `2026-01-02`, `2026-01-02T03:04:05Z`, or a time from `now` on: `90s`, `30m`, `12h`, `7d`.
std::optional<std::int64_t> parse_moment(std::string_view text, std::int64_t now);

}  // namespace weir::base
