#include "control/api/call_params.h"

#include <fmt/format.h>

namespace weir::control {

const nlohmann::json* CallParams::find(std::string_view name) const {
  const auto found = object_.find(std::string(name));
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void CallParams::refuse(std::string_view name, std::string_view expected) {
  if (!error_) error_ = base::Error{"invalid_params", fmt::format("{}: expected {}", name, expected)};
}

std::optional<std::string> CallParams::optional_text(std::string_view name, std::size_t limit_bytes) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    refuse(name, "text");
    return std::nullopt;
  }
  const auto& text = value->get_ref<const std::string&>();
  if (text.size() > limit_bytes) {
    refuse(name, fmt::format("text of at most {} bytes", limit_bytes));
    return std::nullopt;
  }
  return text.empty() ? std::nullopt : std::optional(text);
}

std::string CallParams::text(std::string_view name, std::size_t limit_bytes) {
  return optional_text(name, limit_bytes).value_or("");
}

std::string CallParams::required_text(std::string_view name, std::size_t limit_bytes) {
  const auto value = optional_text(name, limit_bytes);
  if (!value) refuse(name, "text");
  return value.value_or("");
}

bool CallParams::flag(std::string_view name) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return false;
  if (value->is_boolean()) return value->get<bool>();
  refuse(name, "true or false");
  return false;
}

std::optional<std::uint64_t> CallParams::number(std::string_view name, std::uint64_t highest) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return std::nullopt;
  const bool negative =
      value->is_number_integer() && !value->is_number_unsigned() && value->get<std::int64_t>() < 0;
  if (value->is_number_integer() && !negative && value->get<std::uint64_t>() <= highest) {
    return value->get<std::uint64_t>();
  }
  refuse(name, fmt::format("a number from 0 to {}", highest));
  return std::nullopt;
}

}  // namespace weir::control
