#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/rules/entry_parser.h"
#include "dataplane/rules/line_splitter.h"

namespace weir::rules {

/// Bad lines whose reason is kept. Further ones are only counted, so that a file of garbage cannot fill the
/// memory.
inline constexpr std::size_t kMaxLineErrors = 1000;

/// A line that could not be used; `message` gives the reason and never repeats the line.
struct LineError {
  std::size_t line = 0;  // from 1
  std::string message;
};

struct PlainListSummary {
  std::size_t rules = 0;
  std::size_t bad_lines = 0;
  std::vector<LineError> errors;  // of the first kMaxLineErrors bad lines
};

/// `line` without its comment. `#` begins a comment at the start of the line or after white space; elsewhere
/// it belongs to a URL.
std::string_view without_comment(std::string_view line) noexcept;

/// Reads the format `plain`: one entry per line; `#` at the start of a line or after white space begins a
/// comment; blank lines are skipped; LF or CRLF; an optional UTF-8 byte order mark. The input comes in
/// blocks, which may be cut anywhere; no more than a line of them is kept. Calls `on_rule(rule, line)` for
/// each good line in order; the caller sets rule id and list. Bad lines are collected, and reading goes on.
class PlainListReader {
 public:
  using OnRule = std::function<void(Rule&&, std::size_t line)>;

  /// `parser` must outlive the reader.
  PlainListReader(EntryParser& parser, OnRule on_rule)
      : parser_(parser),
        on_rule_(std::move(on_rule)),
        lines_([this](const LineSplitter::Line& line) { take_line(line); }) {}
  PlainListReader(const PlainListReader&) = delete;
  PlainListReader& operator=(const PlainListReader&) = delete;

  /// The next bytes of the list.
  void feed(std::string_view block) { lines_.feed(block); }
  /// Call once after the last block: reads a last line without line end.
  PlainListSummary finish();

 private:
  void take_line(const LineSplitter::Line& line);
  void refuse(std::size_t line, std::string message);

  EntryParser& parser_;
  const OnRule on_rule_;
  PlainListSummary summary_;
  LineSplitter lines_;
};

/// Reads a whole list.
PlainListSummary read_plain_list(std::string_view text, EntryParser& parser,
                                 const PlainListReader::OnRule& on_rule);

}  // namespace weir::rules
