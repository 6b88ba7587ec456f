#include "control/ctl/answer.h"

#include <array>
#include <cstdint>
#include <ctime>

#include <fmt/format.h>

namespace weir::ctl {

using nlohmann::json;

const json& member(const json& object, std::string_view key) {
  static const json kNothing;
  if (!object.is_object()) return kNothing;
  const auto found = object.find(std::string(key));
  return found == object.end() ? kNothing : *found;
}

bool is_true(const json& object, std::string_view key) {
  const json& value = member(object, key);
  return value.is_boolean() && value.get<bool>();
}

std::optional<std::string> text_at(const json& object, std::string_view key) {
  const json& value = member(object, key);
  return value.is_string() ? std::optional(value.get<std::string>()) : std::nullopt;
}

double number_at(const json& object, std::string_view key) {
  const json& value = member(object, key);
  return value.is_number() ? value.get<double>() : 0.0;
}

std::string cell(const json& object, std::string_view key) {
  const json& value = member(object, key);
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return value.dump();
}

std::string time_cell(const json& object, std::string_view key) {
  const json& value = member(object, key);
  if (!value.is_number_integer() || value.get<std::int64_t>() == 0) return "-";
  return local_time(value.get<std::int64_t>());
}

std::string seconds_cell(const json& object, std::string_view key) {
  const json& value = member(object, key);
  return value.is_number() ? fmt::format("{:.3f} s", value.get<double>()) : "-";
}

std::string local_time(std::int64_t unix_seconds) {
  const auto time = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  std::array<char, 40> text{};
  if (::localtime_r(&time, &parts) == nullptr) return "-";
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts)};
}

int print_generation(const Session& session, const json& answer) {
  const bool active = is_true(answer, "active");
  session.out() << fmt::format("generation {} {} ({})\n", cell(answer, "generation"),
                               active ? session.good("is active") : session.bad("is not active"),
                               seconds_cell(answer, "seconds"));
  return active ? kDone : kFailed;
}

}  // namespace weir::ctl
