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
#include "dataplane/base/outcome.h"

namespace weir::config {

/// An enum setting: its values' names, and which of them this version honours (a bit for each).
struct Choice {
  std::span<const base::EnumRow> rows;
  std::uint8_t* value;
  std::uint32_t supported;
};

/// Where a setting is kept. Its type is the setting's type, and what a fresh struct holds there its default.
using Field = std::variant<bool*, unsigned*, std::uint64_t*, std::chrono::seconds*, std::string*,
                           std::filesystem::path*, std::vector<std::string>*, std::vector<unsigned>*,
                           PortSelection*, Choice, std::vector<PortSettings>*, std::vector<ListSettings>*>;

/// Says what was expected, when `text` is not that.
using TextCheck = std::optional<std::string> (*)(std::string_view text);

/// What is known of a setting beside its place.
struct Traits {
  std::string_view help;
  std::string_view unit = {};
  std::uint64_t min = 0;  // of the number, the duration in seconds, or each number of a list
  std::uint64_t max = 0;
  std::span<const unsigned> allowed = {};  // the only values, where not empty
  TextCheck check = nullptr;               // of a text, or each text of a list
  std::string_view pattern = {};           // for the JSON Schema: the regular expression behind `check`
  bool required = false;                   // in the mapping that it belongs to
  bool secret = false;                     // its value is never repeated in a message
};

/// One row declares a setting: the reader, its checks, the defaults, the reference page and the JSON Schema
/// are made from it.
template <class Target>
struct Row {
  std::string_view key;  // with the keys of the mappings around it: `flows.capacity`
  Field (*field)(Target& target);
  Traits traits;
};

std::span<const Row<Settings>> settings_rows();
std::span<const Row<PortSettings>> port_rows();
std::span<const Row<ListSettings>> list_rows();

}  // namespace weir::config
