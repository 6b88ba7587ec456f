#include "dataplane/rules/plain_list.h"

#include <utility>

#include "dataplane/base/byte_set.h"

namespace weir::rules {
namespace {

constexpr base::ByteSet kWhiteSpace = base::bytes_of(" \t\r");

}  // namespace

std::string_view without_comment(std::string_view line) noexcept {
  for (std::size_t mark = line.find('#'); mark != std::string_view::npos; mark = line.find('#', mark + 1)) {
    if (mark == 0 || base::contains(kWhiteSpace, line[mark - 1])) return line.substr(0, mark);
  }
  return line;
}

PlainListSummary PlainListReader::finish() {
  lines_.finish();
  return std::move(summary_);
}

void PlainListReader::take_line(const LineSplitter::Line& line) {
  const std::string_view text = without_comment(line.text);
  // Only a comment may be cut: the text before it must be complete.
  if (line.is_cut && text.size() == line.text.size()) {
    return refuse(line.number, "the line is too long: at most " + std::to_string(kMaxLineBytes) +
                                   " bytes before a comment");
  }
  const std::string_view entry = base::trim(text, kWhiteSpace);
  if (entry.empty()) return;
  auto rule = parser_.parse(entry);
  if (!rule.ok()) return refuse(line.number, rule.error().message);
  ++summary_.rules;
  on_rule_(std::move(rule).value(), line.number);
}

void PlainListReader::refuse(std::size_t line, std::string message) {
  ++summary_.bad_lines;
  if (summary_.errors.size() == kMaxLineErrors) return;
  summary_.errors.push_back({.line = line, .message = std::move(message)});
}

PlainListSummary read_plain_list(std::string_view text, EntryParser& parser,
                                 const PlainListReader::OnRule& on_rule) {
  PlainListReader reader(parser, on_rule);
  reader.feed(text);
  return reader.finish();
}

}  // namespace weir::rules
