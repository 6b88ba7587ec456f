#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "control/formats/entry_sink.h"
#include "control/formats/list_facts.h"
#include "dataplane/base/result.h"

namespace weir::formats {

/// Reads the format `csv` (RFC 4180), block by block: quoted and unquoted columns, LF or CRLF, with or
/// without a byte order mark. Columns are selected by their name in the header or by their number. A record
/// whose number of columns differs from the first one's is refused, since an entry may contain an unquoted
/// separator. The id column is used in messages about refused records only.
class CsvReader {
 public:
  CsvReader(const config::CsvSettings& settings, rules::EntryParser& parser, const EntrySink& sink);

  /// Error codes: parse_header (a column is missing), parse_quote (a quote is not closed).
  base::Status feed(std::string_view block);
  /// To be called once, after the last block. Error codes: as feed().
  base::Status finish();

 private:
  enum class State : std::uint8_t {
    record_start,
    field_start,
    unquoted,
    quoted,
    quote_in_quoted,
    after_quoted,  // and after a CR: only LF may follow
    broken,
    comment
  };

  void take_bytes(std::string_view bytes);
  void take(char c);
  void take_in_quoted(char c);
  void take_after_quote(char c);
  [[nodiscard]] std::string* current_field();
  void keep(char c);
  void end_field();
  void end_record();
  void take_header();
  void take_record(std::size_t columns);
  void fail(const char* code, std::string message);
  [[nodiscard]] bool reads_header() const noexcept { return settings_.header && !columns_; }

  const config::CsvSettings settings_;
  EntryTaker taker_;
  std::optional<base::Error> failure_;
  std::size_t mark_bytes_ = 0;  // of a byte order mark seen so far
  bool at_start_ = true;
  const char separator_;
  State state_ = State::record_start;
  std::size_t line_ = 1;
  std::size_t record_line_ = 1;
  std::size_t quote_line_ = 0;
  std::size_t quoted_bytes_ = 0;
  std::size_t column_ = 0;
  bool has_text_ = false;
  bool is_long_ = false;
  std::vector<std::string> fields_;  // header: all; other records: the entry and the id
  std::optional<std::size_t> columns_;
  std::size_t url_column_ = 0;
  std::optional<std::size_t> id_column_;
};

/// Reads a whole list.
ReadFormat read_csv;

}  // namespace weir::formats
