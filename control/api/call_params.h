#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "dataplane/base/result.h"

namespace weir::control {

/// Reads the parameters of a call by name and type. The first thing that is wrong is kept in error(), so that
/// a handler reads all and asks once.
class CallParams {
 public:
  explicit CallParams(const nlohmann::json& object) : object_(object) {}

  /// Empty when it is not there.
  std::string text(std::string_view name, std::size_t limit_bytes);
  std::string required_text(std::string_view name, std::size_t limit_bytes);
  bool flag(std::string_view name);
  std::optional<std::uint64_t> number(std::string_view name, std::uint64_t highest);

  /// Notes what is wrong with a value that was read.
  void refuse(std::string_view name, std::string_view expected);
  [[nodiscard]] const std::optional<base::Error>& error() const noexcept { return error_; }

 private:
  [[nodiscard]] const nlohmann::json* find(std::string_view name) const;

  const nlohmann::json& object_;
  std::optional<base::Error> error_;
};

}  // namespace weir::control
