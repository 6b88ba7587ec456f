#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace weir::ctl {

/// Text that came from elsewhere, fit for a terminal: control characters become `?`.
std::string printable(std::string_view text);

/// Columns that line up, two spaces between them; columns of numbers to the right.
class TextTable {
 public:
  enum class Align : unsigned char { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// Cells that are missing are empty.
  void add(std::vector<std::string> cells);
  void print(std::ostream& out) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace weir::ctl
