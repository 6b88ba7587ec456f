#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace weir::ctl {

/// Makes text from elsewhere safe for a terminal: control characters become `?`.
std::string printable(std::string_view text);

/// A table of aligned columns with two spaces between them.
class TextTable {
 public:
  enum class Align : unsigned char { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
  };

  static Column left(std::string title) { return {.title = std::move(title), .align = Align::left}; }
  /// For numbers.
  static Column right(std::string title) { return {.title = std::move(title), .align = Align::right}; }

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// Missing cells stay empty.
  void add(std::vector<std::string> cells);
  void print(std::ostream& out) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace weir::ctl
