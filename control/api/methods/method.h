#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>

#include "control/api/methods/context.h"
#include "control/api/roles.h"

namespace weir::control {

/// Names of a method's parameters.
class ParamNames {
 public:
  constexpr ParamNames() = default;
  constexpr ParamNames(std::initializer_list<std::string_view> names) : count_(names.size()) {
    std::copy(names.begin(), names.end(), names_.begin());
  }
  [[nodiscard]] constexpr const std::string_view* begin() const noexcept { return names_.data(); }
  [[nodiscard]] constexpr const std::string_view* end() const noexcept { return names_.data() + count_; }

 private:
  std::array<std::string_view, 6> names_{};
  std::size_t count_ = 0;
};

/// One method of the control socket.
struct Method {
  std::string_view name;
  std::string_view old_name{};  // also accepted; empty: none
  Role role = Role::admin;      // the least role that may call it
  ParamNames params{};          // methods of update and admin also take expect_generation
  void (*handler)(ApiContext& api, Call&& call) = nullptr;
  std::string_view help;
};

std::span<const Method> methods() noexcept;
/// By its name or its old name; null: no such method.
const Method* find_method(std::string_view name) noexcept;

}  // namespace weir::control
