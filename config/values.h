#pragma once

#include <optional>
#include <string>

#include "config/schema.h"
#include "config/yaml_tree.h"

namespace weir::config {

/// Why a value was not taken.
struct ValueProblem {
  std::size_t line = 0;
  std::string wrong;
  std::string expected;
};

/// Reads `node` into the setting at `field`; null leaves the default. Not for `ports` and `lists`, whose
/// items have rows of their own.
std::optional<ValueProblem> read_value(const YamlNode& node, const Traits& traits, const Field& field);

/// `found a mapping`, `found 'x'`; the value of a secret setting is not repeated.
std::string describe(const YamlNode& node, bool secret);
/// The same without the value: for what has no row and might hold a secret.
std::string describe_kind(const YamlNode& node);

/// The value as YAML writes it (`65536`, `30m`, `["a", "b"]`); empty where there is none.
std::string format_value(const Field& field);

/// `90s`, `30m`, `24h`: the largest unit that is exact.
std::string format_duration(std::chrono::seconds duration);

}  // namespace weir::config
