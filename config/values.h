#pragma once

#include <optional>
#include <string>

#include "config/schema.h"
#include "config/yaml_tree.h"

namespace weir::config {

/// Why a value was refused.
struct ValueProblem {
  std::size_t line = 0;
  std::string wrong;
  std::string expected;
};

/// Reads `node` into the setting at `field`. Null leaves the default. Does nothing for `ports` and `lists`,
/// whose items have their own rows.
std::optional<ValueProblem> read_value(const YamlNode& node, const Traits& traits, const Field& field);

/// `found a mapping`, `found 'x'`. Does not repeat the value of a secret setting.
std::string describe(const YamlNode& node, bool secret);
/// The same without the value, for nodes without a row, which might hold a secret.
std::string describe_kind(const YamlNode& node);

/// The value as YAML (`65536`, `30m`, `["a", "b"]`); empty if there is none.
std::string format_value(const Field& field);

/// `90s`, `30m`, `24h`: in the largest unit without a remainder.
std::string format_duration(std::chrono::seconds duration);

}  // namespace weir::config
