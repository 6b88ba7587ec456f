#include "dataplane/base/unix_time.h"

#include <optional>

#include <gtest/gtest.h>

namespace weir::base {
namespace {

TEST(ParseMoment, TakesDatesTimesAndSpansFromNow) {
  constexpr std::int64_t now = 1000000000;
  struct Case {
    const char* text;
    std::optional<std::int64_t> moment;
  };
  const Case cases[] = {
      {"90s", now + 90},
      {"30m", now + 1800},
      {"12h", now + 43200},
      {"7d", now + 604800},
      {"2026-01-02", 1767312000},
      {"2026-01-02T03:04:05Z", 1767323045},
      {"", std::nullopt},
      {"s", std::nullopt},
      {"0s", std::nullopt},
      {"-5m", std::nullopt},
      {"5", std::nullopt},
      {"99999999999999999999d", std::nullopt},
      {"9223372036854775807s", std::nullopt},
      {"2026-02-30", std::nullopt},
      {"2026-13-01", std::nullopt},
      {"2026-01-02T25:00:00Z", std::nullopt},
      {"2026-01-02T03:04:05+", std::nullopt},
      {"2026/01/02", std::nullopt},
      {"-026-01-02", std::nullopt},
  };
  for (const Case& each : cases) EXPECT_EQ(parse_moment(each.text, now), each.moment) << each.text;
  EXPECT_EQ(format_time(1767323045), "2026-01-02T03:04:05Z");
}

}  // namespace
}  // namespace weir::base
