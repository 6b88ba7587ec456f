#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "dataplane/base/result.h"

namespace weir::control {

/// Reads the parameters of a call by name and type. error() keeps the first mistake, so a handler reads all
/// parameters and then asks once. A null or an empty text counts as not given.
class CallParams {
 public:
  explicit CallParams(const nlohmann::json& object) : object_(object) {}

  /// Empty if it was not given.
  std::string text(std::string_view name, std::size_t limit_bytes);
  std::optional<std::string> optional_text(std::string_view name, std::size_t limit_bytes);
  /// Not given is a mistake.
  std::string required_text(std::string_view name, std::size_t limit_bytes);
  /// False if it was not given.
  bool flag(std::string_view name);
  std::optional<std::uint64_t> number(std::string_view name, std::uint64_t highest);

  /// Records that the value of `name` is wrong. Error code: invalid_params.
  void refuse(std::string_view name, std::string_view expected);
  [[nodiscard]] const std::optional<base::Error>& error() const noexcept { return error_; }

 private:
  [[nodiscard]] const nlohmann::json* find(std::string_view name) const;

  const nlohmann::json& object_;
  std::optional<base::Error> error_;
};

}  // namespace weir::control
