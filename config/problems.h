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

/// Collects what is wrong in a file.
class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}

  void add(std::size_t line, std::string_view key, std::string_view wrong, std::string_view expected);
  [[nodiscard]] bool empty() const noexcept { return problems_.empty(); }
  /// Whether a problem with this key was added.
  [[nodiscard]] bool has(const std::string& key) const { return keys_.find(key) != keys_.end(); }
  /// No more are taken.
  [[nodiscard]] bool full() const noexcept;
  /// All of them, one per line, in the order of the file. Error code: config_invalid.
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

/// The lines of the settings in the file, by their full keys (`lists[0].url`).
using Lines = std::unordered_map<std::string, std::size_t>;

/// Text from the file for use in a message: quoted, on one line, of bounded length.
std::string quoted_text(std::string_view text);

/// The candidate that `word` probably misspells; empty if none is close.
std::string_view closest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace weir::config
