#include "match/plain_list.h"

#include <utility>

namespace weir::match {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r";

std::string_view trim(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

}  // namespace

std::string_view without_comment(std::string_view line) noexcept {
  for (std::size_t mark = line.find('#'); mark != std::string_view::npos; mark = line.find('#', mark + 1)) {
    if (mark == 0 || kWhiteSpace.find(line[mark - 1]) != std::string_view::npos) return line.substr(0, mark);
  }
  return line;
}

PlainListSummary PlainListReader::finish() {
  lines_.finish();
  return std::move(summary_);
}

void PlainListReader::take_line(const LineSplitter::Line& line) {
  const std::string_view text = without_comment(line.text);
  // Only a comment may be cut: what is before it is whole.
  if (line.is_cut && text.size() == line.text.size()) {
    return refuse(line.number, "the line is too long: at most " + std::to_string(kMaxLineBytes) +
                                   " bytes before a comment");
  }
  const std::string_view entry = trim(text);
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

}  // namespace weir::match
