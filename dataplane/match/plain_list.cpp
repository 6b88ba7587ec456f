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

void PlainListReader::feed(std::string_view block) {
  while (!block.empty()) {
    const std::size_t end = block.find('\n');
    const std::string_view part = block.substr(0, end);
    if (end == std::string_view::npos) return keep(part);
    block.remove_prefix(end + 1);
    if (kept_.empty()) {
      take_line(part.substr(0, kMaxLineBytes), part.size() > kMaxLineBytes);
      continue;
    }
    keep(part);
    take_line(kept_, kept_is_cut_);
    kept_.clear();
    kept_is_cut_ = false;
  }
}

PlainListSummary PlainListReader::finish() {
  if (!kept_.empty()) take_line(kept_, kept_is_cut_);
  kept_.clear();
  return std::move(summary_);
}

void PlainListReader::keep(std::string_view part) {
  const std::size_t room = kMaxLineBytes - kept_.size();
  kept_is_cut_ = kept_is_cut_ || part.size() > room;
  kept_.append(part.substr(0, room));
}

void PlainListReader::take_line(std::string_view line, bool is_cut) {
  ++line_;
  if (line_ == 1 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  const std::string_view text = without_comment(line);
  // Only a comment may be cut: what is before it is whole.
  if (is_cut && text.size() == line.size()) {
    return refuse("the line is too long: at most " + std::to_string(kMaxLineBytes) +
                  " bytes before a comment");
  }
  const std::string_view entry = trim(text);
  if (entry.empty()) return;
  auto rule = parser_.parse(entry);
  if (!rule.ok()) return refuse(rule.error().message);
  ++summary_.rules;
  on_rule_(std::move(rule).value(), line_);
}

void PlainListReader::refuse(std::string message) {
  ++summary_.bad_lines;
  if (summary_.errors.size() == kMaxLineErrors) return;
  summary_.errors.push_back({.line = line_, .message = std::move(message)});
}

PlainListSummary read_plain_list(std::string_view text, EntryParser& parser,
                                 const PlainListReader::OnRule& on_rule) {
  PlainListReader reader(parser, on_rule);
  reader.feed(text);
  return reader.finish();
}

}  // namespace weir::match
