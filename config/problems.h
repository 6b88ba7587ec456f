#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "dataplane/base/result.h"

namespace weir::config {

/// What is wrong in a file, in the order of its lines.
class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}

  void add(std::size_t line, std::string_view key, std::string_view wrong, std::string_view expected);
  [[nodiscard]] bool empty() const noexcept { return problems_.empty(); }
  /// Something is wrong with this key.
  [[nodiscard]] bool has(const std::string& key) const { return keys_.find(key) != keys_.end(); }
  /// So many that the rest is not worth a look.
  [[nodiscard]] bool full() const noexcept;
  /// All of them, a line each; code config_invalid.
  [[nodiscard]] base::Error error() const;

 private:
  struct Problem {
    std::size_t line;
    std::string text;
  };
  std::string file_;
  std::vector<Problem> problems_;
  std::unordered_set<std::string> keys_;
};

/// Where the settings that the file gives stand, by their full keys (`lists[0].url`).
using Lines = std::unordered_map<std::string, std::size_t>;

/// Text from the file as it may stand in a message: quoted, on one line, of bounded length.
std::string quoted_text(std::string_view text);

/// The candidate that `word` is probably a misspelling of; empty when none is close.
std::string_view closest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace weir::config
