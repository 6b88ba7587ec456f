#pragma once

#include <string>
#include <utility>
#include <variant>

namespace weir::base {

/// Why something failed: for programs (`code`: stable, snake_case) and for people (`message`: names the file,
/// the line and the value, and says what was expected).
struct Error {
  std::string code;
  std::string message;
};

/// A value or an error. Access to the one that it does not hold is a programming error and throws
/// std::bad_variant_access. Not for the fast path: Error allocates.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  [[nodiscard]] const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

/// The result of a function that returns no value.
using Status = Result<std::monostate>;

inline Status ok_status() { return Status(std::monostate{}); }

}  // namespace weir::base
