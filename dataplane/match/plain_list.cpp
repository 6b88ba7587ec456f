#include "match/plain_list.h"

#include <utility>

namespace weir::match {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kWhiteSpace = " \t\r";

std::string_view without_comment(std::string_view line) noexcept {
  for (std::size_t mark = line.find('#'); mark != std::string_view::npos; mark = line.find('#', mark + 1)) {
    // Elsewhere it belongs to a URL.
    if (mark == 0 || kWhiteSpace.find(line[mark - 1]) != std::string_view::npos) return line.substr(0, mark);
  }
  return line;
}

std::string_view trim(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

}  // namespace

PlainListSummary read_plain_list(std::string_view text, EntryParser& parser,
                                 const std::function<void(Rule&&, std::size_t line)>& on_rule) {
  PlainListSummary summary;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::size_t line_number = 0;
  while (!text.empty()) {
    ++line_number;
    const std::size_t end = text.find('\n');
    const std::string_view entry = trim(without_comment(text.substr(0, end)));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (entry.empty()) continue;
    auto rule = parser.parse(entry);
    if (rule.ok()) {
      ++summary.rules;
      on_rule(std::move(rule).value(), line_number);
      continue;
    }
    ++summary.bad_lines;
    if (summary.errors.size() < kMaxLineErrors) {
      summary.errors.push_back({.line = line_number, .message = rule.error().message});
    }
  }
  return summary;
}

}  // namespace weir::match
