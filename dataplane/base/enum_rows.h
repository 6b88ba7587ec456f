#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <type_traits>

namespace weir::base {

template <class Enum>
constexpr std::size_t index_of(Enum value) noexcept {
  return static_cast<std::size_t>(value);
}

/// How an enum's value is written, and what it means. For code that serves any enum.
struct EnumName {
  std::string_view name;
  std::string_view help;
  std::string_view formerly = {};  // an older name that is still read; empty: none
};

/// The one place that names a value of an enum. A table has one row for each value, in the order of the enum,
/// and a static_assert(names_every_value(...)) next to it.
template <class Enum>
struct EnumRow {
  Enum value;
  std::string_view name;
  std::string_view help;
  std::string_view formerly = {};
};

/// Whether the enum declares this value. There is no reflection in C++20: gcc and clang write the name of a
/// declared value and a number for any other, `(Enum)4`.
template <auto kValue>
consteval bool is_declared() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_suffix(1);  // the bracket after it
  std::size_t first = text.size();
  const auto is_word = [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  while (first > 0 && is_word(text[first - 1])) --first;
  return text[first] < '0' || text[first] > '9';
}

namespace enum_rows_check {
enum class Sample : unsigned char { zero, one };
static_assert(is_declared<Sample::one>() && !is_declared<static_cast<Sample>(2)>(),
              "this compiler writes enumerators in another way: adapt is_declared()");
}  // namespace enum_rows_check

/// Whether the rows are those of all values of the enum, each at the index of its value. `kRows`: an array
/// with static storage; `kValue`: the member that holds the value.
template <const auto& kRows, auto kValue>
consteval bool covers_every_value() {
  using Enum = std::remove_cvref_t<decltype(kRows[0].*kValue)>;
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (index_of(kRows[i].*kValue) != i) return false;
  }
  return is_declared<static_cast<Enum>(kRows.size() - 1)>() &&
         !is_declared<static_cast<Enum>(kRows.size())>();
}

/// covers_every_value(), with names that are not empty and differ.
template <const auto& kRows, auto kValue>
consteval bool has_one_row_each() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].name.empty()) return false;
    for (std::size_t j = 0; j < i; ++j) {
      if (kRows[i].name == kRows[j].name) return false;
    }
  }
  return covers_every_value<kRows, kValue>();
}

/// has_one_row_each() for a table of EnumRow.
template <const auto& kRows>
consteval bool names_every_value() {
  return has_one_row_each<kRows, &std::remove_cvref_t<decltype(kRows[0])>::value>();
}

/// The names of a table, without the type of its enum.
template <const auto& kRows>
inline constexpr auto kNamesOf = [] {
  std::array<EnumName, kRows.size()> names{};
  for (std::size_t i = 0; i < names.size(); ++i) {
    names[i] = {.name = kRows[i].name, .help = kRows[i].help, .formerly = kRows[i].formerly};
  }
  return names;
}();

/// The value whose row has `name`; nullopt if there is none.
template <class Enum, std::size_t kSize>
constexpr std::optional<Enum> enum_from_name(const std::array<EnumRow<Enum>, kSize>& rows,
                                             std::string_view name) noexcept {
  for (const EnumRow<Enum>& row : rows) {
    if (row.name == name) return row.value;
  }
  return std::nullopt;
}

}  // namespace weir::base
