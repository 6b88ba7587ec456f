#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/base/result.h"

namespace weir::config {

/// A value in a YAML document, and its line. Unlike the nodes of yaml-cpp it keeps duplicate keys, and
/// aliases cannot make it larger than kMaxYamlNodes.
struct YamlNode {
  enum class Kind : std::uint8_t { null, scalar, sequence, mapping };
  struct Entry {
    std::string key;
    std::size_t line = 0;
    std::shared_ptr<const YamlNode> value;
  };

  Kind kind = Kind::null;
  std::string text;     // of a scalar
  bool quoted = false;  // then it is text even if it looks like a number
  std::size_t line = 0;
  std::vector<std::shared_ptr<const YamlNode>> items;  // of a sequence
  std::vector<Entry> entries;                          // of a mapping, in the order of the file
};

inline constexpr std::size_t kMaxYamlBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxYamlNodes = 65536;
inline constexpr std::size_t kMaxYamlDepth = 32;

/// Reads the only document in `text`. `name` stands for the file in messages (`FILE:LINE: column N: ...`).
/// Error code: config_invalid.
base::Result<std::shared_ptr<const YamlNode>> read_yaml(const std::string& text, const std::string& name);

}  // namespace weir::config
