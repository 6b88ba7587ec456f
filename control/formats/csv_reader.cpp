#include "control/formats/csv_reader.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "dataplane/base/ascii.h"

namespace weir::formats {
namespace {

constexpr std::string_view kCsvMark = "\xEF\xBB\xBF";
constexpr std::size_t kMaxColumns = 1024;
// Room for an entry and white space around it.
constexpr std::size_t kMaxFieldBytes = rules::kMaxEntryBytes + 256;
constexpr std::size_t kMaxQuotedBytes = std::size_t{1} << 20;

char separator_of(config::CsvSeparator separator) noexcept {
  switch (separator) {
    case config::CsvSeparator::comma:
      return ',';
    case config::CsvSeparator::semicolon:
      return ';';
    case config::CsvSeparator::tab:
      return '\t';
    case config::CsvSeparator::pipe:
      return '|';
  }
  return ',';
}

std::optional<std::size_t> number_in(std::string_view text) noexcept {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number == 0) return std::nullopt;
  return number - 1;
}

}  // namespace

CsvReader::CsvReader(const config::CsvSettings& settings, rules::EntryParser& parser, const EntrySink& sink)
    : settings_(settings), taker_(parser, sink), separator_(separator_of(settings.separator)), fields_(2) {
  if (settings_.header) return;
  const auto url_column = number_in(settings_.url_column);
  id_column_ = number_in(settings_.id_column);
  url_column_ = url_column.value_or(0);
  if (!url_column || (!settings_.id_column.empty() && !id_column_))
    fail("parse_header", "without a header line, csv.url_column and csv.id_column are numbers from 1");
}

base::Status CsvReader::feed(std::string_view block) {
  for (; at_start_ && !block.empty() && !failure_; block.remove_prefix(1)) {
    if (mark_bytes_ < kCsvMark.size() && block.front() == kCsvMark[mark_bytes_]) {
      ++mark_bytes_;
      continue;
    }
    at_start_ = false;
    if (mark_bytes_ < kCsvMark.size()) take_bytes(kCsvMark.substr(0, mark_bytes_));
    break;
  }
  take_bytes(block);
  if (failure_) return *failure_;
  return base::ok_status();
}

base::Status CsvReader::finish() {
  if (!failure_ && state_ == State::quoted) {
    fail("parse_quote",
         fmt::format("the quote that line {} opens is not closed: truncated at its source?", quote_line_));
  }
  if (!failure_ && state_ != State::record_start) end_record();
  if (failure_) return *failure_;
  return base::ok_status();
}

void CsvReader::take_bytes(std::string_view bytes) {
  for (const char c : bytes) {
    if (failure_) return;
    take(c);
    if (c == '\n') ++line_;
  }
}

void CsvReader::take(char c) {
  if (state_ == State::record_start) {
    record_line_ = line_;
    state_ = settings_.comments && c == '#' ? State::comment : State::field_start;
  }
  switch (state_) {
    case State::quoted:
      return take_in_quoted(c);
    case State::quote_in_quoted:
    case State::after_quoted:
      return take_after_quote(c);
    case State::comment:
      if (c == '\n') state_ = State::record_start;
      return;
    case State::broken:
      if (c == '\n') end_record();
      return;
    default:
      break;
  }
  if (c == '\n') {
    std::string* field = current_field();
    if (field != nullptr && field->ends_with('\r')) field->pop_back();
    return end_record();
  }
  if (c == separator_) return end_field();
  if (state_ == State::field_start && c == '"') {
    state_ = State::quoted;
    has_text_ = true;
    quote_line_ = line_;
    quoted_bytes_ = 0;
    return;
  }
  state_ = State::unquoted;
  keep(c);
}

void CsvReader::take_in_quoted(char c) {
  if (c == '"') {
    state_ = State::quote_in_quoted;
    return;
  }
  if (++quoted_bytes_ > kMaxQuotedBytes) {
    return fail("parse_quote", fmt::format("the quote that line {} opens is not closed within {} bytes",
                                           quote_line_, kMaxQuotedBytes));
  }
  keep(c);
}

void CsvReader::take_after_quote(char c) {
  if (c == '\n') return end_record();
  const bool had_return = state_ == State::after_quoted;
  if (!had_return && c == separator_) return end_field();
  if (!had_return && c == '"') {
    state_ = State::quoted;
    return keep(c);
  }
  state_ = !had_return && c == '\r' ? State::after_quoted : State::broken;
}

std::string* CsvReader::current_field() {
  if (reads_header()) {
    if (fields_.size() <= column_) fields_.resize(column_ + 1);
    return &fields_[column_];
  }
  // Without a header, the columns are known before the first record.
  if (column_ == url_column_) return &fields_[0];
  return id_column_ && column_ == *id_column_ ? &fields_[1] : nullptr;
}

void CsvReader::keep(char c) {
  has_text_ = has_text_ || (c != ' ' && c != '\r');
  std::string* field = current_field();
  if (field == nullptr) return;
  if (field->size() < kMaxFieldBytes) {
    field->push_back(c);
  } else if (column_ == url_column_) {
    is_long_ = true;
  }
}

void CsvReader::end_field() {
  state_ = State::field_start;
  if (++column_ >= kMaxColumns) {
    state_ = State::broken;
    if (reads_header()) {
      fail("parse_header",
           fmt::format("line {}: more than {} columns: is this a CSV file?", line_, kMaxColumns));
    }
  }
}

void CsvReader::end_record() {
  const std::size_t columns = column_ + 1;
  const bool blank = columns == 1 && !has_text_;
  if (!blank && reads_header()) {
    take_header();
  } else if (!blank && state_ == State::broken) {
    taker_.refuse(record_line_, "text after a closing quote, or too many columns", fields_[1]);
  } else if (!blank) {
    take_record(columns);
  }
  fields_.assign(2, std::string());
  column_ = 0;
  has_text_ = false;
  is_long_ = false;
  state_ = State::record_start;
}

void CsvReader::take_record(std::size_t columns) {
  if (!columns_ && url_column_ >= columns) {
    return fail("parse_header", fmt::format("line {}: {} columns; csv.url_column is {}", record_line_,
                                            columns, url_column_ + 1));
  }
  if (!columns_) columns_ = columns;
  if (columns != *columns_) {
    return taker_.refuse(record_line_, fmt::format("{} columns, expected {}", columns, *columns_),
                         fields_[1]);
  }
  if (is_long_) return taker_.refuse(record_line_, "the column of the entry is too long", fields_[1]);
  taker_.take(fields_[0], record_line_, fields_[1]);
}

void CsvReader::take_header() {
  if (state_ == State::broken)
    return fail("parse_header", fmt::format("line {}: text after a closing quote", record_line_));
  columns_ = column_ + 1;
  fields_.resize(*columns_);
  const auto column_of = [this](const char* key, const std::string& setting) -> std::size_t {
    const auto named = [&setting](const std::string& name) {
      return base::ascii_iequals(base::trim(name, kBlanks), setting);
    };
    const auto found = std::find_if(fields_.begin(), fields_.end(), named);
    if (found != fields_.end()) {
      if (std::find_if(found + 1, fields_.end(), named) != fields_.end())
        fail("parse_header", fmt::format("line {}: two columns match {}", record_line_, key));
      return static_cast<std::size_t>(found - fields_.begin());
    }
    const auto number = number_in(setting);
    if (number && *number < fields_.size()) return *number;
    fail("parse_header",
         fmt::format("line {}: {} columns, none of them is {} ('{}'): is it the CSV file that the "
                     "settings are for?",
                     record_line_, fields_.size(), key, setting));
    return 0;
  };
  url_column_ = column_of("csv.url_column", settings_.url_column);
  if (!settings_.id_column.empty() && !failure_) id_column_ = column_of("csv.id_column", settings_.id_column);
}

base::Result<ListFacts> read_csv(const config::ListSettings& settings, BlockSource& source,
                                 rules::EntryParser& parser, const EntrySink& sink) {
  CsvReader reader(settings.csv, parser, sink);
  auto status = read_blocks(source, [&](std::string_view block) { return reader.feed(block); });
  if (status) status = reader.finish();
  if (!status) return status.error();
  return ListFacts{};
}

void CsvReader::fail(const char* code, std::string message) {
  if (!failure_) failure_ = base::Error{code, std::move(message)};
}

}  // namespace weir::formats
