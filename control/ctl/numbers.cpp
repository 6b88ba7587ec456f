#include "control/ctl/numbers.h"

#include <charconv>

#include <fmt/format.h>

namespace weir::ctl {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

base::Error not_a_number(std::string_view name, const std::string& text) {
  return {"usage", fmt::format("{}: expected a number, not '{}'", name, text)};
}

}  // namespace weir::ctl
