#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace weir::control {

/// The fields of an answer of the dataplane, which may be of another version: a field that is missing or of
/// another type reads as 0, as empty text, or as an empty array. `object` may be any JSON value.
inline double number_field(const nlohmann::json& object, const char* key) {
  if (!object.is_object()) return 0.0;
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : 0.0;
}

inline std::string text_field(const nlohmann::json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

inline const nlohmann::json& array_field(const nlohmann::json& object, const char* key) {
  static const nlohmann::json kEmpty = nlohmann::json::array();
  if (!object.is_object()) return kEmpty;
  const auto found = object.find(key);
  return found != object.end() && found->is_array() ? *found : kEmpty;
}

}  // namespace weir::control
