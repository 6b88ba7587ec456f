#include "dataplane/base/unix_time.h"

#include <array>
#include <charconv>
#include <chrono>
#include <ctime>

namespace weir::base {
namespace {

struct Unit {
  char letter;
  std::int64_t seconds;
};
constexpr std::array<Unit, 4> kUnits{{{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}}};
constexpr std::int64_t kMaxSpanSeconds = std::int64_t{100} * 366 * 86400;

std::optional<int> digits(std::string_view text) {
  int value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<std::int64_t> parse_span(std::string_view text) {
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.letter)) continue;
    std::int64_t count = 0;
    const char* last = text.data() + text.size() - 1;
    const auto [end, code] = std::from_chars(text.data(), last, count);
    if (code != std::errc{} || end != last || count <= 0 || count > kMaxSpanSeconds / unit.seconds)
      return std::nullopt;
    return count * unit.seconds;
  }
  return std::nullopt;
}

}  // namespace

std::int64_t unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string format_time(std::int64_t unix_seconds) {
  const std::time_t time = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  if (::gmtime_r(&time, &parts) == nullptr) return "-";
  std::array<char, 40> text{};
  return std::string(text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts));
}

std::optional<std::int64_t> parse_moment(std::string_view text, std::int64_t now) {
  if (const auto span = parse_span(text)) return now + *span;
  const bool has_time = text.size() == 20;
  if (text.size() != 10 && !has_time) return std::nullopt;
  if (text[4] != '-' || text[7] != '-') return std::nullopt;
  if (has_time && (text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != 'Z'))
    return std::nullopt;
  const auto year = digits(text.substr(0, 4));
  const auto month = digits(text.substr(5, 2));
  const auto day = digits(text.substr(8, 2));
  const auto hour = has_time ? digits(text.substr(11, 2)) : 0;
  const auto minute = has_time ? digits(text.substr(14, 2)) : 0;
  const auto second = has_time ? digits(text.substr(17, 2)) : 0;
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(days).count() + std::int64_t{*hour} * 3600 +
         std::int64_t{*minute} * 60 + *second;
}

}  // namespace weir::base
