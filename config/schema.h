#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/settings.h"
#include "dataplane/base/enum_rows.h"

namespace weir::config {

/// An enum setting: the names of its values, and where the value is stored.
struct Choice {
  std::span<const base::EnumName> names;
  std::uint8_t* value;
};

/// Where a setting is stored. The type of the member is the type of the setting, and the value in a
/// default-constructed struct is its default.
using Field = std::variant<bool*, unsigned*, std::uint64_t*, std::chrono::seconds*, std::string*,
                           std::filesystem::path*, std::vector<std::string>*, std::vector<unsigned>*,
                           PortSelection*, Choice, std::vector<PortSettings>*, std::vector<ListSettings>*>;

/// Returns what was expected if `text` is not valid, nullopt if it is.
using TextCheck = std::optional<std::string> (*)(std::string_view text);

/// What puts a changed value in force: a restart of the program that uses it, or `weirctl reconfigure`.
enum class ChangeNeeds : std::uint8_t { restart, reconfigure };

/// What is known about a setting, apart from where it is stored.
struct Traits {
  std::string_view help;
  std::string_view unit = {};
  std::uint64_t min = 0;  // of the number, of the duration in seconds, or of each number in a list
  std::uint64_t max = 0;
  std::span<const unsigned> allowed = {};  // if not empty, the only valid values
  TextCheck check = nullptr;               // of a text, or of each text in a list
  std::string_view pattern = {};           // the regular expression for `check` in the JSON Schema
  bool required = false;                   // within its mapping
  bool secret = false;                     // messages never repeat the value
  // The items of `dataplane.ports` and `lists` follow the row of the whole list.
  ChangeNeeds change_needs = ChangeNeeds::restart;
  std::string_view formerly = {};  // the last part of an old key that is still read; empty: none
};

/// One row declares a setting. The reader, its checks, the defaults, what a reconfiguration takes over, the
/// reference page and the JSON Schema all derive from it.
template <class Target>
struct Row {
  std::string_view key;  // with the keys of the enclosing mappings: `flows.capacity`
  Field (*field)(Target& target);
  Traits traits;
};

/// Limits of durations, in seconds.
inline constexpr std::uint64_t kMinute = 60;
inline constexpr std::uint64_t kDay = std::uint64_t{24} * 60 * kMinute;

/// All settings, in the order of the reference page.
std::span<const Row<Settings>> settings_rows();
/// The settings of each item of `dataplane.ports` and of `lists`.
std::span<const Row<PortSettings>> port_rows();
std::span<const Row<ListSettings>> list_rows();

/// The parts of settings_rows().
std::span<const Row<Settings>> dataplane_rows();
std::span<const Row<Settings>> control_rows();
/// One row for each encapsulation, made from base::kEncapsulations.
std::span<const Row<Settings>> encapsulation_rows();

}  // namespace weir::config
